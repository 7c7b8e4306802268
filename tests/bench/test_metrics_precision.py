"""Ranking at the precision of the input: pixels of any scale and dtype against scikit-learn, within the computed bound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from tests.bench.test_metrics import OFFICIAL, labelled, mapped, masked, measured

from lavida_bench.evaluation.evaluate import evaluate
from lavida_bench.metrics import _base as metric
from lavida_bench.metrics._base import Metric
from lavida_bench.protocols import pixel_pool, score_buckets
from lavida_bench.protocols.areas import Groups, areas_of_groups
from lavida_bench.protocols.disk_sort import DiskSort
from lavida_bench.protocols.score_buckets import ScoreBuckets
from lavida_bench.protocols.top_scores import TopScores
from lavida_bench.videos.types import VideoScore

Scores = NDArray[np.floating]
ORACLES = {"auc": roc_auc_score, "ap": average_precision_score}


def drawn(kind: str, rng: np.random.Generator, size: int) -> tuple[Scores, NDArray[np.bool_]]:
    labels = rng.random(size) < 0.03
    scores = rng.standard_normal(size) + labels
    if kind == "drift":
        scores += np.repeat(np.arange(size // 1000) * 3, 1000)
    elif kind == "shrinking":
        scores *= np.repeat(0.5 ** np.arange(size // 1000), 1000)
    transforms = {
        "float32": lambda x: x.astype(np.float32),
        "tiny": lambda x: (x * 1e-30).astype(np.float32),
        "huge": lambda x: x * 1e200,
        "offset": lambda x: (1000 + 1e-3 * x).astype(np.float32),
        "offset64": lambda x: 1000 + 1e-9 * x,
        "saturated": lambda x: (1 / (1 + np.exp(-12 * x))).astype(np.float32),
        "few": lambda x: np.round(x, 1).astype(np.float32),
        "constant": lambda x: np.full(len(x), -2.5, np.float32),
    }
    return transforms.get(kind, np.asarray)(scores), labels


KINDS = ["float32", "tiny", "huge", "offset", "offset64", "saturated", "few", "constant", "drift", "shrinking"]


@pytest.mark.parametrize("top", [2, 300, 100_000])
@pytest.mark.parametrize("kind", KINDS)
def test_buckets_agree_with_scikit_learn_within_their_bound(kind: str, top: int) -> None:
    scores, labels = drawn(kind, np.random.default_rng(0), 20_000)
    buckets = ScoreBuckets(top=top)
    for piece in np.split(np.arange(20_000), 5):
        part, inside = scores[piece], labels[piece]
        buckets.add(np.sort(part[inside]), np.sort(part[~inside]))
    areas = buckets.areas()
    for name, oracle in ORACLES.items():
        area = getattr(areas, name)
        assert abs(area.value - oracle(labels, scores.astype(np.float64) / np.abs(scores).max())) <= area.error + 1e-12
        assert area.error < 1e-6
    assert buckets.groups().numbers.sum(axis=1).tolist() == [labels.sum(), (~labels).sum()]


def test_edges_of_float64_scores_hold_for_float32_ones() -> None:
    """A float64 edge is no float32 number: no float32 score may be counted on both sides of it."""
    rng = np.random.default_rng(6)
    buckets, labels, scores = ScoreBuckets(top=1000), [], []
    for index in range(6):
        inside = rng.random(5000) < 0.05
        part = (1000 + 1e-2 * (rng.standard_normal(5000) * (1 + index) + inside)).astype(
            [np.float32, np.float64][index % 2]
        )
        buckets.add(np.sort(part[inside]), np.sort(part[~inside]))
        labels.append(inside)
        scores.append(part.astype(np.float64))
    y, s = np.concatenate(labels), np.concatenate(scores)
    areas = buckets.areas()
    assert buckets.groups().numbers.sum(axis=1).tolist() == [y.sum(), (~y).sum()]
    assert abs(areas.auc.value - roc_auc_score(y, s)) <= areas.auc.error + 1e-12
    assert abs(areas.ap.value - average_precision_score(y, s)) <= areas.ap.error + 1e-12


@pytest.mark.parametrize("kind", ["float32", "saturated", "drift", "shrinking"])
def test_the_bound_holds_with_far_too_few_buckets(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_buckets, "TARGET", 1e-3)
    monkeypatch.setattr(score_buckets, "COST", 1e-6)
    monkeypatch.setattr(score_buckets, "FINE", 8)
    scores, labels = drawn(kind, np.random.default_rng(1), 20_000)
    buckets = ScoreBuckets(most=200, top=20)
    for piece in np.split(np.arange(20_000), 20):
        part, inside = scores[piece], labels[piece]
        buckets.add(np.sort(part[inside]), np.sort(part[~inside]))
    areas = buckets.areas()
    for name, oracle in ORACLES.items():
        area = getattr(areas, name)
        assert abs(area.value - oracle(labels, scores)) <= area.error + 1e-12
    assert areas.auc.error > 1e-6
    assert len(buckets.groups().low) < 5000
    assert buckets.groups().numbers.sum(axis=1).tolist() == [labels.sum(), (~labels).sum()]


@pytest.mark.parametrize("most", [2, 7, 50, 1000])
def test_the_highest_scores_are_kept_and_nothing_is_lost(most: int) -> None:
    rng = np.random.default_rng(most)
    top, given, handed_on = TopScores(2, most), [], []
    for index in range(30):
        dtype = (np.float32, np.float64, np.float16)[index % 3]
        rows = tuple(
            np.sort((rng.standard_normal(rng.integers(0, 60)) * (1 + index % 5)).round(index % 4).astype(dtype))
            for _ in range(2)
        )
        given.append(rows)
        handed_on += top.take(rows)
        assert len(top.values) <= most
        assert (np.diff(top.values) > 0).all()
    for row in range(2):
        every = np.sort(np.concatenate([part[row].astype(np.float64) for part in given]))
        below = np.concatenate([np.zeros(0), *(part[row].astype(np.float64) for part in handed_on)])
        kept = np.repeat(top.values, top.numbers[row])
        assert np.array_equal(np.sort(np.concatenate([below, kept])), every)
        assert (below < top.values[0]).all()
    assert len(top.values) >= most // 2


def test_videos_of_other_scales_leave_the_bound_where_it_is() -> None:
    """Each video is one piece: what an earlier one left in a bucket overlaps the later ones, most at the top."""
    rng = np.random.default_rng(5)
    errors = []
    for top in (2, 1 << 16):
        buckets = ScoreBuckets(top=top)
        for index in range(30):
            scale, shift = 1 + rng.random() * 3, rng.standard_normal()
            inside = rng.random(20_000) < 0.003 * (index % 3)
            scores = (rng.standard_normal(20_000) * scale + shift + 4 * inside).astype(np.float32)
            buckets.add(np.sort(scores[inside]), np.sort(scores[~inside]))
        errors.append(buckets.areas().ap.error)
    assert errors[1] < 1e-6 < errors[0], errors


def test_what_was_held_before_splits_is_limited() -> None:
    scores, labels = drawn("drift", np.random.default_rng(3), 60_000)
    buckets = ScoreBuckets(most=300, top=20)
    for piece in np.split(np.arange(60_000), 60):
        part, inside = scores[piece], labels[piece]
        buckets.add(np.sort(part[inside]), np.sort(part[~inside]))
        assert len(buckets.groups().low) <= 2 * 300 + 20 + 300  # a split may add as many as there are buckets
    areas = buckets.areas()
    for name, oracle in ORACLES.items():
        area = getattr(areas, name)
        assert abs(area.value - oracle(labels, scores)) <= area.error + 1e-12


def test_overlapping_groups_bound_every_order() -> None:
    # One anomalous item at 2, and two normal ones somewhere in 1..3: AUC is anything from 0 to 1.
    areas = areas_of_groups(Groups(np.array([[1, 0], [0, 2]]), np.array([2.0, 1.0]), np.array([2.0, 3.0])))
    assert areas.auc == (0.5, 0.5)
    assert areas.ap == pytest.approx(((1 + 1 / 3) / 2, (1 - 1 / 3) / 2))
    # The same score in two groups is one tie, whose order is not open.
    areas = areas_of_groups(Groups(np.array([[1, 0], [0, 2]]), np.array([2.0, 2.0]), np.array([2.0, 2.0])))
    assert (areas.auc, areas.tied) == ((0.5, 0.0), 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_sorting_on_disk_is_exact(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lavida_bench.protocols.disk_sort.AT_ONCE", 1000)
    monkeypatch.setattr("lavida_bench.protocols.disk_sort.SAMPLED", 50)
    scores, labels = drawn(kind, np.random.default_rng(2), 10_000)
    disk = DiskSort(3)
    for index, piece in enumerate(np.split(np.arange(10_000), 4)):
        part, inside = scores[piece], labels[piece]
        rows = [np.sort(part[inside]), np.sort(part[~inside]), part[:0]]
        disk.add(*(rows if index % 2 else [rows[0], rows[2], rows[1]]))
    areas = disk.areas((1, 2))
    for name, oracle in ORACLES.items():
        assert getattr(areas, name).error == 0
        assert getattr(areas, name).value == pytest.approx(oracle(labels, scores / np.abs(scores).max()), abs=1e-12)


def maps_of(dtype: type, frames: int = 12) -> list[tuple[NDArray[np.bool_], Scores]]:
    """Masks and maps of three videos, the last one normal."""
    rng = np.random.default_rng(4)
    videos = []
    for share in (0.1, 0.3, 0.0):
        masks = rng.random((frames, 9, 13)) < share
        maps = (1e-4 * (rng.standard_normal(masks.shape) + masks)).astype(dtype)
        videos.append((masks, maps))
    return videos


def together(videos: list[tuple[NDArray[np.bool_], Scores]]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    masks, maps = zip(*videos, strict=True)
    return np.concatenate([m.ravel() for m in masks]), np.concatenate([m.ravel() for m in maps]).astype(np.float64)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("dtypes", [(np.float32,) * 3, (np.float64,) * 3, (np.float16, np.float32, np.float64)])
def test_pixel_metrics_at_the_precision_of_the_maps(dtypes: tuple[type, ...], exact: bool) -> None:
    videos = [maps_of(dtype)[index] for index, dtype in enumerate(dtypes)]
    pairs = [(masked(f"v{i}", m), mapped(f"v{i}", s)) for i, (m, s) in enumerate(videos)]
    names = ["pixel_ap", "pixel_auc_40", "pixel_auc"]
    result = evaluate(iter(pairs), OFFICIAL, names, exact=exact)
    labels, scores = together(videos)
    of_abnormal = together(videos[:2])
    for name, oracle in (("pixel_auc", roc_auc_score), ("pixel_ap", average_precision_score)):
        got = result.metrics[name]
        own = [oracle(m.ravel(), s.ravel()) for m, s in videos[:2]]
        wanted = {"micro": oracle(labels, scores), "macro": np.mean(own), "abnormal": oracle(*of_abnormal)}
        assert {k: e.value for k, e in got.variants.items()} == pytest.approx(wanted, abs=1e-6)
        assert max(got.error_bounds.values()) < (1e-12 if exact else 1e-6)
        assert got.variants["micro"].low is not None


def test_pixels_are_sorted_once_for_all_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_pool, "AT_ONCE", 500)
    asked: list[tuple[int, int]] = []
    pairs = []
    for index, (masks, maps) in enumerate(maps_of(np.float32)):

        def read(start: int, stop: int, maps: Scores = maps) -> Scores:
            asked.append((start, stop))
            return maps[start:stop]

        pairs.append((masked(f"v{index}", masks), VideoScore(f"v{index}", np.zeros(12), pixels=read)))
    made = [metric.make(name) for name in ("pixel_auc_40", "pixel_auc", "pixel_ap")]
    for video, score in pairs:
        item = OFFICIAL.view(video, score)
        for one in made:
            one.update(item)
    assert asked == [(0, 12)] * 3
    labels, scores = together(maps_of(np.float32))
    assert made[1].exact()["micro"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-6)
    alone = metric.make("pixel_auc")
    for video, score in pairs[1:]:
        alone.update(OFFICIAL.view(video, score))
    assert alone.exact()["micro"] == pytest.approx(roc_auc_score(*together(maps_of(np.float32)[1:])), abs=1e-6)


def test_frames_are_ranked_as_float64() -> None:
    scores = 1 - np.array([1e-12, 2e-12, 3e-12, 4e-12])
    made = frames_of(np.array([True, False, True, False]), scores)
    assert made.exact()["micro"] == 0.75
    assert frames_of(np.array([True, False]), np.array([1e40, -1e300])).exact()["micro"] == 1.0


def frames_of(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> Metric:
    return measured("frame_auc", [(labelled("v", labels), VideoScore("v", scores))])


def test_ties_are_counted_and_named_where_they_decide() -> None:
    labels = np.array([True, False, True, False])
    made = frames_of(labels, np.array([1.0, 1.0, 2.0, 0.0]))
    ties = made.ties()
    assert ties is not None
    assert (ties.items, ties.distinct, ties.pairs) == (4, 3, 0.25)
    assert "3 distinct scores of 4; 25 % of the pairs of an abnormal and a normal one are tied" in made.notes()[0]
    video = labelled("v", labels)
    tied = evaluate([(video, VideoScore("v", np.ones(4)))], OFFICIAL, ["frame_auc"])
    assert "tied scores decide: 1 distinct scores of 4 frames; 100.00% of the pairs" in " ".join(tied.warnings)
    clear = evaluate([(video, VideoScore("v", np.arange(4.0)))], OFFICIAL, ["frame_auc"])
    assert "tied" not in " ".join(clear.warnings)


def test_a_bound_that_is_too_large_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_buckets, "ROUNDS", 0)  # one bucket
    monkeypatch.setattr(score_buckets, "TOP", 2)
    pairs = [(masked(f"v{i}", m), mapped(f"v{i}", s)) for i, (m, s) in enumerate(maps_of(np.float32))]
    result = evaluate(pairs, OFFICIAL, ["pixel_auc"])
    assert "pixel_auc is counted in buckets" in " ".join(result.warnings)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_maps_that_are_not_finite_are_refused_with_their_place(dtype: type) -> None:
    from lavida_gen.common.errors import DataError

    masks, maps = np.zeros((6, 3, 5), np.bool_), np.zeros((6, 3, 5), dtype)
    maps[4, 2, 1] = np.nan
    with pytest.raises(
        DataError, match=r"^v, frame 4: pixel score nan at row 2, column 1; expected finite scores of flo"
    ):
        measured("pixel_auc", [(masked("v", masks), mapped("v", maps))])


def test_a_map_of_integers_is_refused() -> None:
    from lavida_gen.common.errors import DataError

    maps = np.zeros((2, 3, 5), np.int64)
    with pytest.raises(DataError, match=r"int64 \(2, 3, 5\); expected \(2, h, w\) of float16, float32 or float64"):
        measured("pixel_auc", [(masked("v", np.zeros(maps.shape, np.bool_)), mapped("v", maps))])


def test_stored_maps_keep_their_precision(tmp_path: Path) -> None:
    from lavida_bench.results.video_scores import StoredMaps

    for dtype, wanted in (
        (np.uint8, "float16"),
        (np.float32, "float32"),
        (np.int32, "float64"),
        (np.float64, "float64"),
    ):
        np.save(tmp_path / "v.maps.npy", np.ones((3, 2, 2), dtype))
        assert StoredMaps(tmp_path / "v.maps.npy", np.ones(3, np.bool_), (2, 2))(0, 2).dtype == wanted
        assert StoredMaps(tmp_path / "v.maps.npy", np.array([True, True, False, True]), (2, 2))(0, 4).dtype == wanted
