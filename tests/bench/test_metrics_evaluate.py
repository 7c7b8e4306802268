"""evaluate: coverage, warnings, smoothing, the result and its JSON; comparison of two runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lavida_bench.evaluation.evaluate import common_scores, evaluate, paired_differences
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.metrics._intervals import holm
from lavida_bench.metrics.rbdc import RBDC
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.results.result import Coverage
from lavida_bench.videos.types import Detections, TestVideo, Track, VideoScore
from lavida_gen.common.errors import DataError, UserError

OFFICIAL = protocols.make("official", ScoringRules("street"))
FEW = Bootstrap(resamples=50)


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("evaluation reads no frames")


def window(masks: NDArray[np.bool_], start: int, stop: int) -> NDArray[np.bool_]:
    return masks[start:stop]


def benchmark(number: int = 10, frames: int = 30) -> list[TestVideo]:
    """Videos with labels, masks and tracks; every second one is abnormal in its middle third."""
    made = []
    for index in range(number):
        masks = np.zeros((frames, 6, 8), bool)
        tracks: tuple[Track, ...] = ()
        if index % 2:
            when = np.arange(frames // 3, 2 * frames // 3)
            masks[when, 1:4, 2:6] = True
            tracks = (Track("cart", when, np.tile(np.array([2, 1, 6, 4], np.float32), (len(when), 1))),)
        labels = np.array([mask.any() for mask in masks])
        reader = partial(window, masks)
        made.append(TestVideo(f"v{index}", frames, (6, 8), unread, 25.0, (), labels, reader, tracks))
    return made


def perfect(video: TestVideo) -> VideoScore:
    assert video.frame_labels is not None
    rows = [(t.frames, t.boxes) for t in video.tracks or ()]
    found = Detections(rows[0][0], rows[0][1], np.ones(len(rows[0][0]), np.float32)) if rows else Detections.empty()

    def maps(start: int, stop: int) -> NDArray[np.float16]:
        masks = video.read_masks(start, stop)
        assert masks is not None
        return masks.astype(np.float16)

    return VideoScore(video.key, video.frame_labels.astype(np.float32), pixels=maps, detections=found)


def noise(video: TestVideo, seed: int = 0) -> VideoScore:
    rng = np.random.default_rng([seed, int(video.key[1:])])
    return VideoScore(video.key, rng.standard_normal(video.frame_count).astype(np.float32))


def test_a_perfect_score_is_perfect_in_every_metric() -> None:
    videos = benchmark()
    result = evaluate(((video, perfect(video)) for video in videos), OFFICIAL, bootstrap=FEW)
    values = {name: found.headline.value for name, found in result.metrics.items()}
    best = {"detection_delay": 0.0, "false_alarms_per_hour": 0.0}
    assert values == {name: best.get(name, 1.0) for name in values}
    assert len(values) >= 10
    assert set(result.not_scored) == {"rbdc_masks", "tbdc_masks", "soft_auc", "soft_ap"}
    assert next(iter(values)) == "frame_auc"
    assert result.warnings == ()
    assert str(result.coverage) == "10 of 10 videos, 300 of 300 frames (100.00 %)"
    assert result.metrics["frame_auc"].per_video == {f"v{i}": (1.0 if i % 2 else None) for i in range(10)}


def test_videos_without_labels_are_covered_and_enter_no_metric() -> None:
    videos = benchmark(4)
    bare = [replace(video, frame_labels=None, mask_reader=None, tracks=None) for video in videos]
    none = evaluate([(v, noise(v)) for v in bare], OFFICIAL, ["frame_auc", "pixel_auc"], bootstrap=FEW)
    assert none.coverage.complete
    assert none.metrics == {}
    assert set(none.not_scored.values()) == {"no video has labels"}
    assert none.warnings == ("no video has labels: there are scores to look at and no metrics",)
    some = evaluate([(v, noise(v)) for v in [*videos, replace(bare[0], key="v8")]], OFFICIAL, ["frame_auc"])
    assert some.metrics["frame_auc"].counts["videos"] == 4
    assert some.warnings[0] == "1 of 5 videos have no labels and are in no metric"


def test_official_refuses_less_than_everything_and_lists_it() -> None:
    videos = benchmark(14)
    pairs = [(video, None if i < 12 else noise(video)) for i, video in enumerate(videos)]
    with pytest.raises(DataError) as caught:
        evaluate(pairs, OFFICIAL)
    text = str(caught.value)
    assert "protocol official/2: scored 2 of 14 videos, 60 of 420 frames (14.28 %)" in text
    assert "; 12 have no score: v0, v1" in text
    assert "v0, v1, v2, v3, v4, v5, v6, v7, v8, v9 and 2 more" in text
    assert "expected every frame of every test video" in text


def test_frames_without_a_score_and_videos_not_at_hand_are_missing_too() -> None:
    videos = benchmark(2)
    first = OFFICIAL.assemble(videos[0], dict.fromkeys(range(29), 0.0))
    with pytest.raises(DataError, match=r"2 of 2 videos, 59 of 60 frames \(98.33 %\); 1 are scored in part: v0; exp"):
        evaluate([(videos[0], first), (videos[1], noise(videos[1]))], OFFICIAL)
    with pytest.raises(
        DataError, match=r"2 of 290 videos, 60 of 1,000 frames \(6.00 %\); 288 videos are not at hand; exp"
    ):
        evaluate([(v, noise(v)) for v in videos], OFFICIAL, expected=(290, 1000))
    with pytest.raises(DataError, match=r"60 of 1,000 frames \(6.00 %\); videos at hand are too short; exp"):
        evaluate([(v, noise(v)) for v in videos], OFFICIAL, expected=(2, 1000))


def test_a_partial_result_is_marked() -> None:
    videos = benchmark(3)
    pairs = [(videos[0], None), (videos[1], noise(videos[1])), (videos[2], noise(videos[2]))]
    result = evaluate(pairs, OFFICIAL, ["frame_auc"], allow_partial=True, bootstrap=FEW)
    assert result.protocol == "official/2 (partial)"
    assert result.coverage.missing == ("v0",)
    assert result.warnings[0] == ("scored 2 of 3 videos, 60 of 90 frames (66.66 %): numbers are not the benchmark's")


def test_an_interval_over_few_videos_warns() -> None:
    result = evaluate([(v, perfect(v)) for v in benchmark(4)], OFFICIAL, ["frame_auc"], bootstrap=FEW)
    assert result.warnings == ("intervals over 4 videos are not reliable",)


def test_99_999_percent_is_not_100() -> None:
    assert str(Coverage(5, 5, 999_999, 1_000_000)).endswith("(99.99 %)")


def test_paper_reports_its_coverage_without_refusing() -> None:
    protocol = protocols.make("paper", ScoringRules(every=2))
    result = evaluate([(v, noise(v)) for v in benchmark()], protocol, ["frame_auc"], bootstrap=FEW)
    assert result.coverage.share == pytest.approx(16 / 30)
    assert result.warnings[0].endswith("as protocol paper/2 has it")


def test_a_method_below_the_video_oracle_gets_a_warning() -> None:
    videos = benchmark()
    result = evaluate([(v, noise(v)) for v in videos], OFFICIAL, ["frame_auc"], bootstrap=FEW)
    assert len(result.warnings) == 1
    assert (
        "below the video oracle's 0.8000" in result.warnings[0]
    )  # 100 of the 250 normal frames tie with the abnormal ones: 1 - 100/250/2
    assert "has not shown that it localises in time" in result.warnings[0]


def test_metrics_without_their_input_have_a_reason() -> None:
    result = evaluate([(v, noise(v)) for v in benchmark()], OFFICIAL, ["pixel_auc", "rbdc"], bootstrap=FEW)
    assert result.metrics == {}
    assert result.not_scored == {
        "pixel_auc": "no video has both pixel labels and pixel maps",
        "rbdc": "no video has both tracks and detections (the mask criteria need masks of both)",
    }


def test_a_metric_over_some_videos_only_warns() -> None:
    videos = benchmark()
    pairs = [(video, perfect(video) if i < 8 else noise(video)) for i, video in enumerate(videos)]
    result = evaluate(pairs, OFFICIAL, ["pixel_auc"], bootstrap=FEW)
    assert result.warnings == ("pixel_auc covers 8 videos; 2 are without the data it needs",)


def test_metrics_may_bring_their_options() -> None:
    result = evaluate([(v, perfect(v)) for v in benchmark()], OFFICIAL, [RBDC(beta=0.5)], bootstrap=FEW)
    assert "IoU >= 0.5" in result.metrics["rbdc"].notes[0]


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_invalid_smoothing_widths_are_refused(sigma: float) -> None:
    from lavida_bench.protocols.smoothing import smooth

    item: Any = None
    with pytest.raises(UserError, match=r"smoothing: sigma .*; expected a positive number of frames up to 100,000"):
        smooth(item, sigma)


def test_smoothing_stands_beside_the_raw_number() -> None:
    videos = benchmark()
    raw = [(v, VideoScore(v.key, perfect(v).frames + noise(v).frames)) for v in videos]
    result = evaluate(raw, OFFICIAL, ["frame_auc"], bootstrap=FEW, smoothing=2.0)
    assert result.smoothed is not None
    assert result.smoothing == 2.0
    assert (result.smoothed["frame_auc"].headline.value or 0) > (result.metrics["frame_auc"].headline.value or 1)
    assert evaluate(raw, OFFICIAL, ["frame_auc"], bootstrap=FEW).smoothed is None
    with pytest.raises(UserError, match=r"smoothing: sigma 0; expected a positive number of frames up to 100,000, or"):
        evaluate(raw, OFFICIAL, ["frame_auc"], smoothing=0)


def test_two_runs_are_compared_on_the_same_resamples() -> None:
    videos = benchmark()
    differences = paired_differences(
        [(v, perfect(v)) for v in videos], [(v, noise(v)) for v in videos], OFFICIAL, ["frame_auc", "pixel_auc"], FEW
    )
    assert set(differences) == {"frame_auc"}  # noise has no maps
    assert differences["frame_auc"]["micro"].share_better == 1.0
    with pytest.raises(
        UserError, match=r"two runs: the first has v0 where the second has v1; expected the same videos"
    ):
        paired_differences([(videos[0], noise(videos[0]))], [(videos[1], noise(videos[1]))], OFFICIAL, ["frame_auc"])


def test_only_what_both_runs_have_is_compared() -> None:
    videos = benchmark()
    fewer = [(v, None if v.key == "v0" else noise(v) if v.key == "v3" else perfect(v)) for v in videos]
    half = [(v, replace(perfect(v), scored=np.arange(v.frame_count) % 2 == 0)) for v in videos]
    common = list(common_scores(fewer, half))
    assert [video.key for video, _, _ in common] == [v.key for v in videos[1:]]
    for video, first, second in common:
        assert first.scored is not None
        assert second.scored is not None
        assert (first.scored == second.scored).all()
        assert first.scored.sum() == -(-video.frame_count // 2)
        assert (first.pixels is None) == (second.pixels is None) == (video.key == "v3")
    differences = paired_differences(fewer, half, OFFICIAL, ["pixel_auc", "frame_auc"], FEW)
    assert differences["pixel_auc"]["micro"].value == 0


def test_p_values_are_adjusted_for_the_number_of_metrics() -> None:
    videos = benchmark()
    differences = paired_differences(
        [(v, perfect(v)) for v in videos], [(v, noise(v)) for v in videos], OFFICIAL, ["frame_auc", "frame_ap"], FEW
    )
    ps = [differences[name]["micro"].p for name in ("frame_auc", "frame_ap")]
    adjusted = [differences[name]["micro"].p_holm for name in ("frame_auc", "frame_ap")]
    assert None not in ps
    assert adjusted == pytest.approx(holm([p or 0.0 for p in ps]))
    assert differences["frame_auc"]["macro"].p_holm is None
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_video_counts_once() -> None:
    video = benchmark(1)[0]
    with pytest.raises(DataError, match=r"^v0: the video appears twice; expected each test video once"):
        evaluate([(video, noise(video))] * 2, OFFICIAL, ["frame_auc"])


def test_one_video_is_held_at_a_time() -> None:
    videos = benchmark(3)
    alive: list[str] = []

    def stream() -> Iterator[tuple[TestVideo, VideoScore]]:
        for video in videos:
            alive.append(video.key)
            yield video, noise(video)

    pairs = stream()
    evaluate(pairs, OFFICIAL, ["frame_auc"], bootstrap=FEW)
    assert alive == ["v0", "v1", "v2"]
