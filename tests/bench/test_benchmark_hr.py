"""Subsets of anomalies of people: their frames alone count, before smoothing, for scores of whole videos."""

from __future__ import annotations

from pathlib import Path

import drawing
import numpy as np
import pytest
from benchmark_miniatures import hr_avenue

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._check import check
from lavida_bench.benchmarks._label_pack import open_pack, write_pack
from lavida_bench.benchmarks.hr_avenue import HrAvenue
from lavida_bench.evaluation.evaluate import evaluate
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.smoothing import smooth
from lavida_bench.results.fingerprints import fingerprint_labels
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError


def test_616_frames_are_left_out() -> None:
    assert sum(stop - start for of_video in HrAvenue.without.values() for start, stop in of_video) == 616
    assert benchmarks.make("hr_avenue").root == benchmarks.make("avenue").root


@pytest.mark.parametrize("name", ["official", "paper"])
def test_scores_of_frames_that_are_left_out_change_nothing(name: str, tmp_path: Path) -> None:
    hr_avenue.draw(tmp_path, drawing)
    opened = benchmarks.make("hr_avenue", tmp_path)
    protocol = protocols.make(name, opened.rules)
    results = []
    for value in (0.0, 99.0):
        pairs = []
        for video in opened.videos():
            scores = np.linspace(0, 1, video.frame_count)
            if video.measured is not None:
                scores[~video.measured] = value
            pairs.append((video, VideoScore(video.key, scores)))
        kept = protocol.view(*pairs[0])
        assert kept.frames.tolist() == list(range(75)), "80 frames, 75 to 79 left out"
        assert smooth(kept, 3).values.max() < 1
        assert len(kept.labels) == len(kept.values) == 75
        results.append(evaluate(pairs, protocol, ["frame_auc"], bootstrap=Bootstrap(resamples=20), smoothing=3))
    assert results[0].metrics == results[1].metrics
    assert results[0].smoothed == results[1].smoothed
    assert results[0].benchmark == "hr_avenue"
    assert results[0].coverage.frames_total == 87


def test_a_label_pack_keeps_which_frames_count(tmp_path: Path) -> None:
    hr_avenue.draw(tmp_path, drawing)
    opened, path = benchmarks.make("hr_avenue", tmp_path), tmp_path / "hr.labels.json.gz"
    write_pack(opened, check(opened), path)
    packed = open_pack(path).videos()
    assert [video.measured_count for video in packed] == [75, 12]
    assert fingerprint_labels(packed) == fingerprint_labels(opened.videos())
    assert fingerprint_labels(packed) != fingerprint_labels(benchmarks.make("avenue", tmp_path).videos())


def test_marks_of_another_length_are_refused() -> None:
    with pytest.raises(DataError, match=r"`measured` is bool \(2,\); expected bool \(3,\)"):
        TestVideo("v", 3, (2, 2), lambda start, stop, step: np.zeros((1, 2, 2, 3), np.uint8), measured=np.ones(2, bool))
