"""Intervals: the t interval on the logit scale, whole scenes, and the p-values of a comparison."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.bench.test_bootstrap import drawn, feed, unread

from lavida_bench.metrics import _bootstrap as boot
from lavida_bench.metrics import _intervals as intervals
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.metrics.frame_auc import FrameAUC
from lavida_bench.protocols import protocol as protocols
from lavida_bench.videos.types import TestVideo, VideoScore

NOTHING = np.zeros(0)


def test_of_a_mean_it_is_students() -> None:
    """The jackknife of a mean gives its usual standard error."""
    values = np.random.default_rng(0).normal(5, 2, 12)
    left_out = (values.sum() - values) / 11
    low, high = intervals.interval(float(values.mean()), left_out, np.full(10, values.mean()), share=False)
    squares = (values - values.mean()) ** 2
    freedom = min(11.0, 2.5 * squares.sum() ** 2 / (squares**2).sum() - 2)
    wanted = stats.t.interval(0.95, freedom, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(wanted)


def test_a_share_stays_in_0_to_1() -> None:
    left_out = np.array([0.9, 0.99, 0.999, 0.95])
    low, high = intervals.interval(0.98, left_out, left_out, share=True)
    assert low is not None
    assert high is not None
    assert 0 < low < 0.98 < high < 1


def test_one_video_that_decides_widens_it() -> None:
    even, one = np.array([0.49, 0.51] * 6), np.array([0.5] * 11 + [0.5 + 0.01 * 12**0.5])
    widths = []
    for left_out in (even, one):
        low, high = intervals.interval(0.5, left_out, np.full(3, 0.5), share=False)
        widths.append((high or 0) - (low or 0))
    assert widths[1] > 2 * widths[0]


def test_without_a_spread() -> None:
    same = np.full(5, 0.5)
    assert intervals.interval(0.5, same, same, share=True) == (0.5, 0.5)
    assert intervals.interval(0.5, same, np.full(3, np.nan), share=True) == (None, None)
    assert intervals.interval(np.nan, same, same, share=True) == (None, None)
    assert intervals.interval(0.5, np.full(4, np.nan), np.array([0.4, 0.6]), share=True) == (None, None)
    assert intervals.p_value(0.0, same, same) == 1.0
    assert intervals.p_value(0.1, same, same) == 2.0 ** (1 - len(same))
    assert intervals.p_value(0.1, same[:2], same) == 0.5
    assert intervals.p_value(0.1, NOTHING, same) is None


def test_the_p_value_and_the_interval_agree() -> None:
    left_out = np.random.default_rng(1).normal(0.1, 0.01, 20)
    low, high = intervals.interval(0.1, left_out, left_out, share=False)
    assert low is not None
    assert high is not None
    edge = (high - low) / 2  # a difference that just touches 0
    assert intervals.p_value(edge, left_out, left_out) == pytest.approx(0.05)


def test_many_videos_are_left_out_in_groups() -> None:
    weights = Bootstrap().left_out(1000)
    assert weights.shape == (boot.MOST_LEFT_OUT, 1000)
    assert ((weights == 0).sum(axis=0) == 1).all()
    assert set((weights == 0).sum(axis=1)) == {5}
    assert (Bootstrap().left_out(7).sum(axis=1) == 6).all()


def test_videos_of_a_scene_are_drawn_together() -> None:
    made, single = FrameAUC(), FrameAUC()
    for index, (labels, scores) in enumerate(drawn(3, 12, 1.0)):
        for metric, group in ((made, f"scene {index % 4}"), (single, "")):
            video = TestVideo(f"v{index}", len(labels), (2, 2), unread, 25.0, frame_labels=labels, group=group)
            metric.update(protocols.make("official").view(video, VideoScore(video.key, scores)))
    resampled = boot.resampled_values(made, Bootstrap(50, 0))
    weights = Bootstrap(50, 0).weights(4)
    assert resampled.samples["micro"] == pytest.approx(made.value(weights[:, np.arange(12) % 4])["micro"])
    assert len(resampled.left_out["micro"]) == 4
    assert len(boot.resampled_values(single, Bootstrap(50, 0)).left_out["micro"]) == 12
    lonely = FrameAUC()
    for index, (labels, scores) in enumerate(drawn(3, 3, 1.0)):
        video = TestVideo(f"v{index}", len(labels), (2, 2), unread, frame_labels=labels, group="one camera")
        lonely.update(protocols.make("official").view(video, VideoScore(video.key, scores)))
    assert boot.metric_result(lonely, Bootstrap(50)).headline.low is None  # one scene has no spread


def test_delays_are_not_below_0() -> None:
    estimate = boot.metric_result(feed("detection_delay", drawn(2, 6, 4.0)), Bootstrap(100, 0)).headline
    assert estimate.low is not None
    assert estimate.low >= 0
