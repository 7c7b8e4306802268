"""Intervals over videos, and two runs compared on the same resamples."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from lavida_bench.metrics import _base as metric
from lavida_bench.metrics import _bootstrap as boot
from lavida_bench.metrics._base import Metric
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import UserError

Video = tuple[NDArray[np.bool_], NDArray[np.float32]]


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("no metric of scores reads frames")


def feed(name: str, videos: list[Video], keys: str = "abcdefghijklmnopqrstuvwxyz") -> Metric:
    made = metric.make(name)
    for key, (labels, scores) in zip(keys, videos, strict=False):
        video = TestVideo(key, len(labels), (2, 2), unread, 25.0, frame_labels=labels)
        made.update(protocols.make("official").view(video, VideoScore(key, scores)))
    return made


def drawn(seed: int, videos: int, separation: float, frames: int = 40) -> list[Video]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(videos):
        labels = rng.random(frames) < 0.3
        made.append((labels, (rng.standard_normal(frames) + separation * labels).astype(np.float32)))
    return made


def test_resamples_are_of_videos_and_agree_with_scikit_learn() -> None:
    videos = drawn(0, 6, 1.0)
    bootstrap = Bootstrap(resamples=20, seed=3)
    weights = bootstrap.weights(6)
    assert weights.shape == (20, 6)
    assert (weights.sum(axis=1) == 6).all()
    expected = []
    for row in weights.astype(int):
        chosen = [video for video, times in zip(videos, row, strict=True) for _ in range(times)]
        expected.append(roc_auc_score(*(np.concatenate(column) for column in zip(*chosen, strict=True))))
    resampled = boot.resampled_values(feed("frame_auc", videos), bootstrap)
    got = resampled.samples["micro"]
    assert got == pytest.approx(np.array(expected), abs=1e-9)
    low, high, number = boot.percentile_interval(got)
    assert [low, high] == pytest.approx(np.quantile(expected, [0.025, 0.975]).tolist())
    assert number == 20
    others = [[video for video in videos if video is not one] for one in videos]
    expected = [roc_auc_score(*(np.concatenate(column) for column in zip(*rest, strict=True))) for rest in others]
    assert sorted(resampled.left_out["micro"]) == pytest.approx(sorted(expected), abs=1e-9)


def test_the_seed_decides_the_interval() -> None:
    made = feed("frame_ap", drawn(1, 8, 0.5))
    one, again = (boot.metric_result(made, Bootstrap(100, 5)) for _ in range(2))
    assert one == again
    assert one.headline.low != boot.metric_result(made, Bootstrap(100, 6)).headline.low
    assert one.headline.low is not None
    assert one.headline.low < (one.headline.value or 0) < (one.headline.high or 0)


def test_95_percent_intervals_cover_the_truth_in_about_95_percent_of_the_cases() -> None:
    # Two Gaussians a distance d apart have AUC Phi(d / sqrt 2); videos of independent frames.
    truth, covered = 0.7602499389065233, 0  # d = 1
    for seed in range(60):
        estimate = boot.metric_result(feed("frame_auc", drawn(seed, 25, 1.0, frames=30)), Bootstrap(200, 0)).headline
        covered += (estimate.low or 1) <= truth <= (estimate.high or 0)
    assert 50 <= covered <= 60


def test_one_video_has_no_interval_and_no_video_no_value() -> None:
    lonely = boot.metric_result(feed("frame_auc", drawn(2, 1, 1.0)), Bootstrap()).headline
    assert lonely.value is not None
    assert (lonely.low, lonely.high, lonely.resamples) == (None, None, 0)
    assert boot.metric_result(metric.make("frame_auc"), Bootstrap()).headline.value is None
    assert boot.metric_result(feed("frame_auc", drawn(2, 3, 1.0)), Bootstrap(0)).headline.low is None


def test_resamples_without_one_class_are_left_out_and_counted() -> None:
    normal = (np.zeros(5, np.bool_), np.arange(5, dtype=np.float32))
    abnormal = (np.ones(5, np.bool_), np.arange(5, dtype=np.float32))
    estimate = boot.metric_result(feed("frame_auc", [normal, abnormal]), Bootstrap(400, 0)).headline
    assert 150 < estimate.resamples < 250  # half of the draws take both videos
    assert (estimate.low, estimate.high) == (None, None)  # one abnormal video has no spread


def test_artificial_end_points_do_not_define_a_resample() -> None:
    made = metric.make("frame_auc")
    for key, label in (("a", True), ("b", False)):
        video = TestVideo(key, 8, (2, 2), unread, frame_labels=np.full(8, label))
        made.update(protocols.make("paper").view(video, VideoScore(key, np.arange(8, dtype=np.float32))))
    drawn_ = boot.resampled_values(made, Bootstrap(100, 0)).samples["micro"]
    assert set(drawn_[np.isfinite(drawn_)]) == {made.exact()["micro"]}
    assert np.isnan(drawn_).sum() > 25


def test_paired_differences_are_tighter_than_two_intervals() -> None:
    videos = drawn(4, 12, 1.0)
    rng = np.random.default_rng(9)
    worse = [(y, (s + 0.25 * rng.standard_normal(len(s))).astype(np.float32)) for y, s in videos]
    one, other = feed("frame_auc", videos), feed("frame_auc", worse)
    difference = boot.paired_differences(one, other, Bootstrap(500, 0))["micro"]
    assert difference.value == pytest.approx(one.exact()["micro"] - other.exact()["micro"])
    alone = boot.metric_result(one, Bootstrap(500, 0)).headline
    assert (difference.high or 0) - (difference.low or 0) < (alone.high or 0) - (alone.low or 0)
    assert difference.share_better is not None
    assert difference.share_better > 0.7
    back = boot.paired_differences(other, one, Bootstrap(500, 0))["micro"]
    assert back.share_better == pytest.approx(1 - difference.share_better)
    assert back.low == pytest.approx(-(difference.high or 0))


def test_a_run_does_not_differ_from_itself() -> None:
    videos = drawn(5, 5, 1.0)
    difference = boot.paired_differences(feed("frame_auc", videos), feed("frame_auc", videos), Bootstrap(50, 0))[
        "micro"
    ]
    assert (difference.value, difference.low, difference.high, difference.share_better) == (0.0, 0.0, 0.0, 0.5)


def test_lower_is_better_for_delays() -> None:
    videos = drawn(6, 10, 3.0)
    blind = [(labels, np.random.default_rng(0).random(len(labels), np.float32)) for labels, _ in videos]
    difference = boot.paired_differences(
        feed("detection_delay", videos), feed("detection_delay", blind), Bootstrap(200, 0)
    )["delay"]
    assert (difference.value or 0) < 0
    assert difference.share_better == 1.0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("abd", r"comparing frame_auc: videos of only one run: c, d; expected two runs over the same videos"),
        ("acb", r"comparing frame_auc: the videos are in another order"),
    ],
)
def test_runs_over_other_videos_are_not_compared(keys: str, message: str) -> None:
    videos = drawn(7, 3, 1.0)
    with pytest.raises(UserError, match=message):
        boot.paired_differences(feed("frame_auc", videos), feed("frame_auc", videos, keys), Bootstrap(10))


def test_a_negative_number_of_resamples_is_refused() -> None:
    with pytest.raises(UserError, match=r"bootstrap: -1 resamples; expected 0 \(no intervals\) or more"):
        Bootstrap(-1)
