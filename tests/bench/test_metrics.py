"""Frame and pixel rankings against scikit-learn, undefined and refused scores, and properties that hold for all inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

from lavida_bench.metrics import _base as metric
from lavida_bench.metrics._base import Metric
from lavida_bench.metrics._score_counts import LIMIT
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.histogram import ORDER, VALUES, consecutive_runs
from lavida_bench.protocols.resize import resize_nearest
from lavida_bench.testing import check_metric
from lavida_bench.videos.types import Detections, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError

OFFICIAL = protocols.make("official")


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("no metric of scores reads frames")


def labelled(key: str, labels: NDArray[np.bool_], size: tuple[int, int] = (4, 6)) -> TestVideo:
    return TestVideo(key, len(labels), size, unread, 25.0, frame_labels=labels)


def masked(key: str, masks: NDArray[np.bool_]) -> TestVideo:
    labels = np.array([mask.any() for mask in masks])
    return TestVideo(
        key, len(masks), masks.shape[1:], unread, 25.0, frame_labels=labels, mask_reader=lambda a, b: masks[a:b]
    )


def mapped(key: str, maps: NDArray[np.float16]) -> VideoScore:
    return VideoScore(key, np.zeros(len(maps), np.float32), pixels=lambda a, b: maps[a:b])


def measured(name: str, pairs: list[tuple[TestVideo, VideoScore]]) -> Metric:
    made = metric.make(name)
    for video, score in pairs:
        made.update(OFFICIAL.view(video, score))
    return made


def of_frames(name: str, *videos: tuple[NDArray[np.bool_], NDArray[np.float32]]) -> Metric:
    return measured(name, [(labelled(f"v{i}", y), VideoScore(f"v{i}", s)) for i, (y, s) in enumerate(videos)])


def trapezoid(labels: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(auc(recall, precision))


@pytest.mark.parametrize("name", metric.known())
def test_contract(name: str) -> None:
    check_metric(type(metric.make(name)))


ORACLES = {"frame_auc": roc_auc_score, "frame_ap": average_precision_score, "frame_pr_auc": trapezoid}


def kinds(rng: np.random.Generator, number: int) -> dict[str, NDArray[np.float32]]:
    """Scores that break sloppy code: ties, two values, huge and tiny ones, both zeros, neighbours in float32."""
    floats = rng.standard_normal(number).astype(np.float32)
    return {
        "smooth": floats,
        "ties": rng.integers(0, 5, number).astype(np.float32),
        "two": (floats > 1).astype(np.float32),
        "constant": np.full(number, -3.5, np.float32),
        "huge": floats * np.float32(1e38) / np.float32(8),
        "tiny": floats * np.float32(1e-44),
        "zeros": np.where(floats > 0, np.float32(-0.0), np.float32(0.0)),
        "neighbours": np.nextafter(np.float32(1), np.float32(2)) * (floats > 0) + (floats <= 0).astype(np.float32),
    }


@pytest.mark.parametrize("kind", list(kinds(np.random.default_rng(0), 4)))
@pytest.mark.parametrize("name", list(ORACLES))
def test_frames_agree_with_scikit_learn(name: str, kind: str) -> None:
    rng = np.random.default_rng(3)
    videos = []
    for number, share in ((700, 0.1), (1, 1.0), (300, 0.5), (40, 0.0), (2, 0.5), (90, 1.0)):
        videos.append((rng.random(number) < share, kinds(rng, number)[kind]))
    made = of_frames(name, *videos)
    oracle = ORACLES[name]
    labels, scores = (np.concatenate(column) for column in zip(*videos, strict=True))
    own = [oracle(y, s) for y, s in videos if 0 < y.sum() < len(y)]
    abnormal = [(y, s) for y, s in videos if y.any()]
    assert made.exact()["micro"] == pytest.approx(oracle(labels, scores), abs=1e-9)
    assert made.exact()["macro"] == pytest.approx(np.mean(own), abs=1e-9)
    kept = [np.concatenate(column) for column in zip(*abnormal, strict=True)]
    assert made.exact()["abnormal"] == pytest.approx(oracle(*kept), abs=1e-9)
    assert made.counts()["videos_undefined"] == len(videos) - len(own)
    assert f"macro leaves out {len(videos) - len(own)} of {len(videos)} videos" in " ".join(made.notes())


@pytest.mark.parametrize("name", ["pixel_auc", "pixel_ap"])
def test_pixels_agree_with_scikit_learn(name: str) -> None:
    rng = np.random.default_rng(5)
    pairs, labels, scores = [], [], []
    for index, frames in enumerate((1, 7, 30)):
        masks = rng.random((frames, 9, 13)) < 0.05 * index
        maps = (rng.standard_normal((frames, 9, 13)) * 10.0 ** rng.integers(-7, 4) + masks).astype(np.float16)
        maps[0, 0, :4] = [-0.0, 0.0, 65504, -65504]
        pairs.append((masked(f"v{index}", masks), mapped(f"v{index}", maps)))
        labels.append(masks.ravel())
        scores.append(maps.ravel().astype(np.float64))
    oracle = roc_auc_score if name == "pixel_auc" else average_precision_score
    value = measured(name, pairs).exact()
    assert value["micro"] == pytest.approx(oracle(np.concatenate(labels), np.concatenate(scores)), abs=1e-9)
    own = [oracle(y, s) for y, s in zip(labels[1:], scores[1:], strict=True)]
    assert value["macro"] == pytest.approx(np.mean(own), abs=1e-9)


@pytest.mark.parametrize("name", list(ORACLES))
@pytest.mark.parametrize("label", [False, True])
def test_a_metric_over_one_class_is_undefined_and_notes_it(name: str, label: bool) -> None:
    made = of_frames(name, (np.full(5, label), np.arange(5, dtype=np.float32)))
    assert all(math.isnan(value) for value in made.exact().values())
    assert "only one class occurs: micro is undefined" in made.notes()


def test_ap_and_the_trapezoid_differ_where_scores_are_tied() -> None:
    labels, scores = np.array([True, False, True, False]), np.array([1, 1, 0, 0], np.float32)
    assert of_frames("frame_ap", (labels, scores)).exact()["micro"] == pytest.approx(0.5)
    assert of_frames("frame_pr_auc", (labels, scores)).exact()["micro"] == pytest.approx(0.625)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_frame_score_that_is_not_finite_is_refused_by_name(bad: float) -> None:
    scores: NDArray[Any] = np.zeros(10)
    scores[7] = bad
    with pytest.raises(DataError, match=r"^shop_3, frame 7: score (nan|inf|-inf); expected a finite score"):
        VideoScore("shop_3", scores)


def test_the_score_of_an_unscored_frame_is_ignored() -> None:
    score = VideoScore("v", np.array([0.5, np.nan], np.float32), scored=np.array([True, False]))
    assert OFFICIAL.view(labelled("v", np.array([True, False])), score).frames.tolist() == [0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_pixel_score_that_is_not_finite_is_refused_by_name(bad: float) -> None:
    maps = np.zeros((6, 3, 5), np.float16)
    maps[4, 2, 1] = bad
    with pytest.raises(DataError, match=r"^v, frame 4: pixel score (nan|inf|-inf) at row 2, column 1; expected finite"):
        measured("pixel_auc", [(masked("v", np.zeros((6, 3, 5), bool)), mapped("v", maps))])


def test_a_region_score_that_is_not_finite_is_refused_by_name() -> None:
    found = Detections(np.array([2]), np.array([[0, 0, 1, 1]]), np.array([np.nan], np.float32))
    with pytest.raises(DataError, match=r"^v, frame 2: score nan of a region; expected a finite score"):
        VideoScore("v", np.zeros(3, np.float32), detections=found)


@pytest.mark.parametrize(
    ("frames", "box", "message"),
    [
        ([3], [0, 0, 1, 1], r"^v, detections: a region in frame 3; expected 0\.\.2"),
        ([1], [4, 0, 2, 9], r"^v, detections, frame 1: box \(4, 0, 2, 9\); expected left, top, right, bottom"),
        ([1], [0, 0, np.inf, 1], r"^v, detections, frame 1: box \(0, 0, inf, 1\)"),
    ],
)
def test_regions_that_do_not_fit_the_video_are_refused(frames: list[int], box: list[float], message: str) -> None:
    found = Detections(np.array(frames), np.array([box], np.float32), np.ones(1, np.float32))
    with pytest.raises(DataError, match=message):
        VideoScore("v", np.zeros(3, np.float32), detections=found)


def test_pixel_auc_40_by_hand() -> None:
    # Abnormal frame of 5 anomalous pixels: 2 of 5 are 40 %, so it is found at the second highest of them, 0.8.
    masks = np.zeros((3, 1, 6), bool)
    masks[0, 0, :5] = True
    masks[1, 0, :2] = True  # one of two is 50 %: found at 0.3
    maps = np.array([[[0.9, 0.8, 0.1, 0.1, 0.1, 1.0]], [[0.3, 0.2, 1, 1, 1, 1]], [[0, 0, 0.5, 0, 0, 0]]], np.float16)
    # The normal frame raises an alarm at 0.5: below 0.8, above 0.3.
    assert measured("pixel_auc_40", [(masked("v", masks), mapped("v", maps))]).exact()["micro"] == 0.5


def test_pixels_are_read_once_in_pieces_for_all_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lavida_bench.protocols.histogram.PIXELS_AT_ONCE", 3 * 20)
    rng = np.random.default_rng(0)
    masks, maps = rng.random((10, 4, 5)) < 0.3, rng.standard_normal((10, 4, 5)).astype(np.float16)
    asked = []

    def read(start: int, stop: int) -> NDArray[np.float16]:
        asked.append((start, stop))
        return maps[start:stop]

    item = OFFICIAL.view(masked("v", masks), VideoScore("v", np.zeros(10, np.float32), pixels=read))
    for name in ("pixel_auc", "pixel_ap", "pixel_auc_40"):
        made = metric.make(name)
        made.update(item)
    assert asked == [(0, 3), (3, 6), (6, 9), (9, 10)]


def test_maps_of_another_size_are_compared_at_the_masks_size() -> None:
    masks = np.zeros((1, 4, 4), bool)
    masks[0, :2, :2] = True
    small = np.array([[[1, 0], [0, 0]]], np.float16)
    assert measured("pixel_auc", [(masked("v", masks), mapped("v", small))]).exact()["micro"] == 1.0


def test_a_video_without_masks_or_maps_is_left_out_and_counted() -> None:
    masks = np.zeros((2, 2, 2), bool)
    masks[0, 0] = True
    pairs = [(masked("a", masks), mapped("a", masks.astype(np.float16)))]
    pairs.append((labelled("b", np.array([True, False])), mapped("b", np.zeros((2, 2, 2), np.float16))))
    pairs.append((masked("c", masks), VideoScore("c", np.zeros(2, np.float32))))
    made = measured("pixel_auc", pairs)
    assert (made.keys, made.left_out) == (["a"], ["b", "c"])
    assert made.counts()["videos_left_out"] == 2


def test_bins_are_all_finite_float16_in_order() -> None:
    assert len(ORDER) == 63_488
    assert (np.diff(VALUES) >= 0).all()
    assert (VALUES == 0).sum() == 2
    assert VALUES[0] == -65504
    assert VALUES[-1] == 65504


def test_runs_and_resize() -> None:
    assert list(consecutive_runs(np.array([0, 1, 2, 5, 6, 9]), 2)) == [(0, 2), (2, 3), (5, 7), (9, 10)]
    plane = np.arange(6, dtype=np.float16).reshape(1, 2, 3)
    assert resize_nearest(plane, (4, 3))[0, :, 0].tolist() == [0, 0, 3, 3]
    assert resize_nearest(plane, (1, 2))[0].tolist() == [[0, 1]]


def test_every_metric_is_named_as_its_file_and_described() -> None:
    for name in metric.known():
        made = metric.make(name)
        assert (made.name, bool(made.about)) == (name, True)
        assert made.needs in ("frames", "pixels", "tracks")
        assert len(set(made.variants)) == len(made.variants) >= 1
    with pytest.raises(UserError, match=r"unknown metric 'frame_acu'; did you mean 'frame_auc'\?"):
        metric.make("frame_acu")


CLASSES = st.lists(st.tuples(st.booleans(), st.integers(-20, 20)), min_size=2, max_size=60)


@given(CLASSES, st.sampled_from([lambda x: 3 * x + 1, lambda x: x**3, lambda x: np.arctan(x), lambda x: np.exp(x)]))
@settings(max_examples=60, deadline=None)
def test_monotone_transforms_change_nothing(rows: list[tuple[bool, int]], transform: object) -> None:
    labels = np.array([label for label, _ in rows])
    scores = np.array([score for _, score in rows], np.float32)
    assert callable(transform)
    for name in ORACLES:
        before = of_frames(name, (labels, scores)).exact()["micro"]
        after = of_frames(name, (labels, np.asarray(transform(scores.astype(np.float64)), np.float32))).exact()["micro"]
        assert before == pytest.approx(after, abs=1e-12, nan_ok=True)


@given(CLASSES)
@settings(max_examples=60, deadline=None)
def test_flipping_the_labels_turns_auc_round(rows: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in rows])
    scores = np.array([score for _, score in rows], np.float32)
    value = of_frames("frame_auc", (labels, scores)).exact()["micro"]
    assert of_frames("frame_auc", (~labels, scores)).exact()["micro"] == pytest.approx(
        1 - value, abs=1e-12, nan_ok=True
    )
    assert of_frames("frame_auc", (labels, -scores)).exact()["micro"] == pytest.approx(
        1 - value, abs=1e-12, nan_ok=True
    )


@given(st.lists(CLASSES, min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_the_order_of_videos_changes_nothing(videos: list[list[tuple[bool, int]]]) -> None:
    arrays = [(np.array([y for y, _ in rows]), np.array([s for _, s in rows], np.float32)) for rows in videos]
    for name in ORACLES:
        one, other = of_frames(name, *arrays).exact(), of_frames(name, *arrays[::-1]).exact()
        for variant, value in one.items():
            assert other[variant] == pytest.approx(value, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", [*ORACLES, "detection_delay", "false_alarms_per_hour"])
def test_a_weight_of_n_equals_n_copies_of_a_video(name: str) -> None:
    rng = np.random.default_rng(1)
    videos = [(rng.random(50) < 0.4, rng.integers(0, 9, 50).astype(np.float32)) for _ in range(4)]
    videos[2] = (np.zeros(50, np.bool_), videos[2][1])
    weighted = of_frames(name, *videos).value(np.array([[1.0, 1, 1, 1], [0, 3, 1, 0]]))
    again = of_frames(name, *videos).exact()
    repeated = of_frames(name, videos[1], videos[1], videos[1], videos[2]).exact()
    for variant in weighted:
        assert weighted[variant].tolist() == pytest.approx([again[variant], repeated[variant]], abs=1e-9)


def test_grouped_scores_move_an_area_by_less_than_a_thousandth() -> None:
    rng = np.random.default_rng(2)
    videos = []
    for _ in range(3):
        labels = rng.random(5000) < 0.1
        videos.append((labels, (rng.standard_normal(5000) + labels).astype(np.float32)))
    for name in ORACLES:
        made = of_frames(name, *videos)
        assert made.value(np.ones((1, 3)))["micro"][0] == pytest.approx(made.exact()["micro"], abs=1e-3)
    assert LIMIT < 15_000


@pytest.mark.parametrize("name", ["frame_ap", "frame_auc"])
def test_few_positives_are_not_tied_by_grouping(name: str) -> None:
    """One in a thousand, well apart: grouped by the mass of all scores alike, they would share a handful of groups."""
    rng, labels = np.random.default_rng(3), np.arange(60_000) < 60
    videos = [(labels, (rng.standard_normal(60_000) + 5 * labels).astype(np.float32)) for _ in range(3)]
    made = of_frames(name, *videos)
    assert made.value(np.ones((1, 3)))["micro"][0] == pytest.approx(made.exact()["micro"], abs=4e-3)
