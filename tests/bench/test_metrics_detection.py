"""RBDC and TBDC: worked by hand, against a plain loop over thresholds, and the inputs that crash other scripts."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lavida_bench.metrics import _base as metric
from lavida_bench.metrics._detection import box_iou
from lavida_bench.metrics.tbdc import TBDC
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.videos.types import Detections, TestVideo, Track, VideoScore
from lavida_gen.common.errors import DataError
from lavida_gen.scenes import masks

OFFICIAL = protocols.make("official")
Box = tuple[float, float, float, float]
Row = tuple[int, Box, float]
HERE, THERE, NOWHERE = (0.0, 0.0, 10.0, 10.0), (20.0, 20.0, 30.0, 30.0), (50.0, 50.0, 60.0, 60.0)


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("no metric of regions reads frames")


def track(rows: dict[int, Box]) -> Track:
    return Track("", np.array(list(rows)), np.array(list(rows.values()), np.float32))


def video(key: str, frames: int, tracks: tuple[Track, ...] | None) -> TestVideo:
    return TestVideo(key, frames, (100, 100), unread, 25.0, frame_labels=np.zeros(frames, bool), tracks=tracks)


def found(*rows: Row) -> Detections:
    if not rows:
        return Detections.empty()
    frames, boxes, scores = zip(*rows, strict=True)
    return Detections(np.array(frames), np.array(boxes, np.float32), np.array(scores, np.float32))


def score(name: str, *pairs: tuple[TestVideo, Detections | None]) -> float:
    made = metric.make(name)
    for one, detections in pairs:
        made.update(
            OFFICIAL.view(one, VideoScore(one.key, np.zeros(one.frame_count, np.float32), detections=detections))
        )
    return made.exact()["micro"]


def test_rbdc_and_tbdc_equal_a_calculation_by_hand() -> None:
    # 4 frames; a track of two regions and one of one region: 3 regions, 2 tracks.
    one = video("v", 4, (track({0: HERE, 1: HERE}), track({1: THERE})))
    detections = found((0, HERE, 0.9), (3, NOWHERE, 0.8), (1, THERE, 0.7), (1, NOWHERE, 0.6))
    # Points (false positives a frame, regions found): (0, 1/3) at 0.9, (1/4, 1/3), (1/4, 2/3) at 0.7, (2/4, 2/3), flat.
    assert score("rbdc", (one, detections)) == pytest.approx(1 / 4 * 1 / 3 + 3 / 4 * 2 / 3)
    # Tracks: 1/2 from 0.9, both from 0.7.
    assert score("tbdc", (one, detections)) == pytest.approx(1 / 4 * 1 / 2 + 3 / 4 * 1)


def test_tied_scores_are_one_threshold_whatever_their_order() -> None:
    one = video("v", 2, (track({0: HERE}),))
    rows: list[Row] = [(0, HERE, 0.5), (1, NOWHERE, 0.5)]
    # One threshold takes the curve from (0, 0) to (1/2, 1) in a straight line, then flat: 1/4 + 1/2.
    assert score("rbdc", (one, found(*rows))) == pytest.approx(0.75)
    assert score("rbdc", (one, found(*rows[::-1]))) == pytest.approx(0.75)


def test_a_curve_that_crosses_one_false_positive_a_frame_stops_there() -> None:
    one = video("v", 1, (track({0: HERE}), track({0: THERE})))
    rows: list[Row] = [(0, HERE, 0.9), (0, NOWHERE, 0.5), (0, NOWHERE, 0.5), (0, THERE, 0.5)]
    # From (0, 1/2) to (2, 1) in a straight line: at 1 it is 3/4, the mean over 0..1 is 5/8.
    assert score("rbdc", (one, found(*rows))) == pytest.approx(0.625)


def test_several_detections_may_find_one_region_and_one_several() -> None:
    wide = (0.0, 0.0, 30.0, 30.0)  # IoU 1/9 with each region
    one = video("v", 1, (track({0: HERE}), track({0: THERE})))
    assert score("rbdc", (one, found((0, wide, 0.5)))) == 1.0
    assert score("rbdc", (one, found((0, HERE, 0.5), (0, HERE, 0.4), (0, HERE, 0.3)))) == 0.5


def test_overlap_of_exactly_a_tenth_counts() -> None:
    one = video("v", 1, (track({0: (0, 0, 10, 1)}),))
    assert score("rbdc", (one, found((0, (0, 0, 1, 1), 0.5)))) == 1.0
    assert score("rbdc", (one, found((0, (0, 0, 0.99, 1), 0.5)))) == 0.0


@pytest.mark.parametrize(("regions", "needed"), [(1, 1), (10, 1), (11, 2), (20, 2), (30, 3), (31, 4), (70, 7), (90, 9)])
def test_a_track_is_found_with_a_tenth_of_its_regions(regions: int, needed: int) -> None:
    one = video("v", regions, (track(dict.fromkeys(range(regions), HERE)),))
    assert score("tbdc", (one, found(*[(i, HERE, 1.0) for i in range(needed)]))) == 1.0
    assert score("tbdc", (one, found(*[(i, HERE, 1.0) for i in range(needed - 1)]))) == 0.0


def test_regions_and_detections_of_frames_that_do_not_count_are_left_out() -> None:
    # ShanghaiTech under `paper`: frames 0..15 of 20 count, every second is looked at; its score goes for the next one.
    one = video("v", 20, (track({13: HERE, 14: HERE, 15: HERE, 16: HERE, 17: HERE}), track({18: HERE})))
    detections = found((14, HERE, 0.5), (16, HERE, 0.9), (19, NOWHERE, 0.9))
    for name in ("rbdc", "tbdc"):
        made = metric.make(name)
        score_ = VideoScore("v", np.zeros(20, np.float32), detections=detections)
        made.update(protocols.make("paper", ScoringRules(every=2)).view(one, score_))
        assert made.exact()["micro"] == 1.0
        assert (made.counts()["frames"], made.counts()["to_find"], made.counts()["detections"]) == (8, 1, 1)


def test_shares_without_an_exact_binary_value_round_as_in_decimal() -> None:
    # 0.7 * 10 is a little less than 7, 0.07 * 100 a little more than 7: both are 7.
    for alpha, regions in ((0.7, 10), (0.07, 100)):
        one = video("v", regions, (track(dict.fromkeys(range(regions), HERE)),))
        for number, value in ((7, 1.0), (6, 0.0)):
            made = TBDC(alpha=alpha)
            found_ = found(*[(i, HERE, 1.0) for i in range(number)])
            made.update(OFFICIAL.view(one, VideoScore("v", np.zeros(regions, np.float32), detections=found_)))
            assert made.exact()["micro"] == value


def test_alpha_is_an_option() -> None:
    made = TBDC(alpha=0.5)
    one = video("v", 2, (track({0: HERE, 1: HERE}),))
    made.update(OFFICIAL.view(one, VideoScore("v", np.zeros(2, np.float32), detections=found((1, HERE, 1.0)))))
    assert made.exact()["micro"] == 1.0
    assert made.notes() == ("by boxes, IoU >= 0.1, alpha 0.5, false positives a frame 0..1 over 2 frames",)


@pytest.mark.parametrize("name", ["rbdc", "tbdc"])
def test_empty_and_one_row_inputs(name: str) -> None:
    with_track, without = video("a", 3, (track({1: HERE}),)), video("b", 3, ())
    assert score(name, (with_track, found())) == 0.0
    assert score(name, (with_track, found((1, HERE, -7.5)))) == 1.0
    assert score(name, (with_track, found((1, HERE, 0.1))), (without, found())) == 1.0
    # The video without tracks only adds frames and false positives: (1/6, 0) then (1/6, 1).
    assert score(name, (with_track, found((1, HERE, 0.1))), (without, found((0, HERE, 0.9)))) == pytest.approx(5 / 6)
    assert math.isnan(score(name, (without, found((0, HERE, 0.9)))))
    assert math.isnan(score(name, (without, found())))


def test_videos_without_annotation_or_detections_are_left_out() -> None:
    made = metric.make("rbdc")
    unknown, known = video("a", 2, None), video("b", 2, (track({0: HERE}),))
    made.update(OFFICIAL.view(unknown, VideoScore("a", np.zeros(2, np.float32), detections=found((0, HERE, 1.0)))))
    made.update(OFFICIAL.view(known, VideoScore("b", np.zeros(2, np.float32))))
    assert (made.keys, made.left_out) == ([], ["a", "b"])


def test_by_masks_an_empty_corner_does_not_count() -> None:
    def square(left: int, top: int, side: int) -> masks.RLE:
        bits = np.zeros((40, 40), bool)
        bits[top : top + side, left : left + side] = True
        return masks.encode(bits)

    corner = masks.union([square(0, 0, 2), square(28, 28, 2)])  # its box is large, its mask is not
    truth = Track("", np.array([0]), np.array([[0, 0, 30, 30]], np.float32), (corner,))
    one = TestVideo("v", 1, (40, 40), unread, frame_labels=np.ones(1, bool), tracks=(truth,))
    guess = Detections(
        np.array([0]), np.array([[4, 4, 26, 26]], np.float32), np.ones(1, np.float32), (square(4, 4, 22),)
    )
    assert score("rbdc", (one, guess)) == 1.0
    assert score("rbdc_masks", (one, guess)) == 0.0
    assert score("tbdc_masks", (one, Detections(guess.frames, guess.boxes, guess.scores, (corner,)))) == 1.0
    assert math.isnan(metric.make("rbdc_masks").exact()["micro"])


def test_by_masks_one_video_without_masks_leaves_out_all() -> None:
    made = metric.make("tbdc_masks")
    for key, tracks in (("a", ()), ("b", (track({0: HERE}),)), ("c", ())):
        one = video(key, 2, tracks)
        made.update(OFFICIAL.view(one, VideoScore(key, np.zeros(2, np.float32), detections=found())))
    assert (made.keys, made.left_out) == ([], ["a", "b", "c"])


def test_tracks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match=r"^v, track '': a region in frame 5; expected 0\.\.4"):
        video("v", 5, (track({5: HERE}),))
    with pytest.raises(DataError, match=r"^v, track 'x': frames \[2, 1\]; expected at least one, strictly ascending"):
        video("v", 5, (Track("x", np.array([2, 1]), np.array([HERE, HERE])),))


def plain(pairs: list[tuple[TestVideo, Detections]], by_track: bool) -> float:
    """The definition, word by word: for each threshold count what is found and what is false."""
    hits: list[tuple[float, set[tuple[str, int, int]]]] = []
    sizes = {(one.key, i): len(t.frames) for one, _ in pairs for i, t in enumerate(one.tracks or ())}
    for one, detections in pairs:
        for frame, box, value in zip(detections.frames, detections.boxes, detections.scores, strict=True):
            met = set()
            for i, truth in enumerate(one.tracks or ()):
                for other, region in zip(truth.frames, truth.boxes, strict=True):
                    shares = box_iou(box[None].astype(np.float64), region[None].astype(np.float64))
                    if other == frame and shares[0] >= 0.1:
                        met.add((one.key, i, int(frame)))
            hits.append((float(value), met))
    frames = sum(one.frame_count for one, _ in pairs)
    points = [(0.0, 0.0)]
    for threshold in sorted({value for value, _ in hits}, reverse=True):
        above = [met for value, met in hits if value >= threshold]
        regions = set().union(*above)
        if by_track:
            number = {t: sum((t[0], t[1]) == (r[0], r[1]) for r in regions) for t in sizes}
            rate = sum(number[t] / sizes[t] >= 0.1 for t in sizes) / len(sizes)
        else:
            rate = len(regions) / sum(sizes.values())
        points.append((sum(not met for met in above) / frames, rate))
    x, y = np.array(points).T
    fine = np.unique(np.concatenate([np.linspace(0, 1, 20001), x[x <= 1]]))
    steps = [float(np.interp(at, x, y)) for at in (fine[1:] + fine[:-1]) / 2]
    return float(np.dot(steps, np.diff(fine)))


BOXES = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4), st.integers(1, 4)).map(
    lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3]))
)
TRACKS = st.lists(st.dictionaries(st.integers(0, 3), BOXES, min_size=1, max_size=4), min_size=1, max_size=3)
ROWS = st.lists(st.tuples(st.integers(0, 3), BOXES, st.integers(0, 4).map(float)), max_size=8)


@given(st.lists(st.tuples(TRACKS, ROWS), min_size=1, max_size=2))
@settings(max_examples=25, deadline=None)
def test_agrees_with_the_definition(videos: list[tuple[list[dict[int, Box]], list[Row]]]) -> None:
    pairs = []
    for index, (truths, rows) in enumerate(videos):
        tracks = tuple(track(dict(sorted(truth.items()))) for truth in truths)
        pairs.append((video(f"v{index}", 4, tracks), found(*rows)))
    assert score("rbdc", *pairs) == pytest.approx(plain(pairs, by_track=False), abs=1e-4)
    assert score("tbdc", *pairs) == pytest.approx(plain(pairs, by_track=True), abs=1e-4)


def test_the_size_of_portions_changes_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    tracks = tuple(track({int(f): HERE if f % 2 else THERE for f in range(i, 50, 2)}) for i in range(3))
    corners = rng.integers(0, 25, (400, 2))
    boxes = np.concatenate([corners, corners + 10], axis=1)
    detections = Detections(rng.integers(0, 50, 400), boxes, rng.random(400, np.float32))
    before = [score(name, (video("v", 50, tracks), detections)) for name in ("rbdc", "tbdc")]
    monkeypatch.setattr("lavida_bench.metrics._detection.PORTION", 7)
    assert [score(name, (video("v", 50, tracks), detections)) for name in ("rbdc", "tbdc")] == before


MILLION = """
import time
from pathlib import Path
import numpy as np
from lavida_bench.metrics import _base as metric
from lavida_bench.protocols import protocol as protocols
from lavida_bench.videos.types import Detections, TestVideo, Track, VideoScore

rng, length, number = np.random.default_rng(0), 1000, 10_000
made = [metric.make("rbdc"), metric.make("tbdc")]
began = time.perf_counter()
for index in range(100):
    when = np.arange(250, 750)
    corner = rng.integers(0, 500, (len(when), 2))
    track = Track("", when, np.concatenate([corner, corner + 100], axis=1))
    corner = rng.integers(0, 500, (number, 2))
    boxes = np.concatenate([corner, corner + rng.integers(20, 150, (number, 2))], axis=1)
    found = Detections(rng.integers(0, length, number), boxes, rng.random(number, np.float32))
    labels = np.zeros(length, bool)
    labels[when] = True
    video = TestVideo(f"v{index}", length, (600, 600), None, 25.0, (), labels, None, (track,))
    for one in made:
        one.update(protocols.make("official").view(video, VideoScore(video.key, np.zeros(length), detections=found)))
values = [one.exact()["micro"] for one in made]
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) / 1024  # ru_maxrss would include the process that started this one
print(values[0], time.perf_counter() - began, peak)
"""


@pytest.mark.slow
def test_a_million_detections_over_a_hundred_thousand_frames() -> None:
    done = subprocess.run([sys.executable, "-c", MILLION], capture_output=True, text=True, check=True)
    value, seconds, mebibytes = map(float, done.stdout.split())
    assert 0 < value < 1
    assert seconds < 20
    assert mebibytes < 1024
