"""The field's variants by name: padded macro AUC, and soft labels of several annotators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from tests.bench.test_metrics import of_frames, unread

from lavida_bench.metrics import _base as metric
from lavida_bench.metrics._base import Metric
from lavida_bench.protocols import protocol as protocols
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError

Labels = NDArray[np.bool_]


def drawn(transform: str, rng: np.random.Generator) -> list[tuple[Labels, NDArray[np.float64]]]:
    videos = []
    for share, number in ((0.3, 40), (0.0, 7), (1.0, 9), (0.5, 25)):
        scores = np.round(rng.random(number), 1)  # with 0, 1 and ties
        videos.append((rng.random(number) < share, scores if transform == "shares" else 8 * scores - 3))
    return videos


@pytest.mark.parametrize("transform", ["shares", "logits"])
def test_padded_macro_auc_equals_the_scripts(transform: str) -> None:
    videos = drawn(transform, np.random.default_rng(0))
    pads = (0.0, 1.0) if transform == "shares" else (-1e300, 1e300)
    own = [roc_auc_score([False, *y, True], [pads[0], *s, pads[1]]) for y, s in videos]
    made = of_frames("macro_auc_padded", *videos)
    assert made.exact() == pytest.approx({"macro": np.mean(own)})
    assert list(made.per_video.values()) == pytest.approx(own)
    assert ("0 and 1" in made.notes()[0]) == (transform == "shares")
    weighted = made.value(np.array([[2.0, 0, 0, 1]]))["macro"]
    assert weighted == pytest.approx([(2 * own[0] + own[3]) / 3])


def test_padded_macro_auc_by_its_closed_form() -> None:
    labels, scores = np.array([True, True, False, False, False]), np.array([0.0, 0.8, 1.0, 0.5, 0.0])
    a, b, auc, p0, p1 = 2, 3, roc_auc_score(labels, scores), 0.75, (2 + 0.5) / 3
    wanted = (a * b * auc + a * p0 + b * p1 + 1) / ((a + 1) * (b + 1))
    assert of_frames("macro_auc_padded", (labels, scores)).exact()["macro"] == pytest.approx(wanted)


def softly(name: str, *videos: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Metric:
    made = metric.make(name)
    for index, (shares, scores) in enumerate(videos):
        labels = shares >= 0.5
        video = TestVideo(f"v{index}", len(shares), (2, 2), unread, 25.0, frame_labels=labels, label_shares=shares)
        made.update(protocols.make("official").view(video, VideoScore(video.key, scores)))
    return made


def test_soft_metrics_equal_their_definition() -> None:
    rng = np.random.default_rng(1)
    shares, scores = rng.integers(0, 4, 30) / 3, rng.integers(0, 8, 30).astype(float)
    above = (scores[:, None] > scores) + (scores[:, None] == scores) / 2
    weights = shares[:, None] * (1 - shares)
    wanted = (weights * above).sum() / (shares.sum() * (1 - shares).sum())
    assert softly("soft_auc", (shares, scores)).exact()["micro"] == pytest.approx(wanted)
    both, twice = np.repeat([True, False], 30), np.tile(scores, 2)
    oracle = average_precision_score(both, twice, sample_weight=np.concatenate([shares, 1 - shares]))
    assert softly("soft_ap", (shares, scores)).exact()["micro"] == pytest.approx(oracle)


@pytest.mark.parametrize(("soft", "usual"), [("soft_auc", "frame_auc"), ("soft_ap", "frame_ap")])
def test_soft_metrics_of_labels_that_agree_are_the_usual_ones(soft: str, usual: str) -> None:
    rng = np.random.default_rng(2)
    videos = [((rng.random(20) < 0.4).astype(float), rng.random(20)) for _ in range(3)]
    hard = of_frames(usual, *((shares > 0, scores) for shares, scores in videos))
    assert softly(soft, *videos).exact() == pytest.approx(hard.exact())
    assert of_frames(soft, (np.array([True, False]), np.zeros(2))).keys == []  # without shares


def test_shares_outside_0_to_1_are_refused() -> None:
    with pytest.raises(DataError, match=r"v0: label shares \(2,\) from 0.5 to 3; expected \(2,\) in 0..1, one a frame"):
        softly("soft_auc", (np.array([0.5, 3.0]), np.zeros(2)))


def test_a_folder_gives_shares(tmp_path: Path) -> None:
    from tests.bench import drawing

    from lavida_bench.benchmarks import _base as benchmarks

    drawing.video(tmp_path / "videos" / "a.mp4", 8)
    (tmp_path / "shares").mkdir()
    np.save(tmp_path / "shares" / "a.npy", np.array([0, 0.25, 0.5, 1, 0, 0, 0, 0]))
    (video,) = benchmarks.make("folder", tmp_path).videos()
    assert video.frame_labels is not None
    assert video.frame_labels.tolist() == [False, False, True, True] + [False] * 4
    assert video.label_shares is not None
    np.save(tmp_path / "shares" / "a.npy", np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"a\.npy: float64 \(2, 2\); expected an array of numbers that np.save wrote"):
        benchmarks.make("folder", tmp_path).videos()
