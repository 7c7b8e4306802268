"""Street Scene: boxes by their centres, frames from 1, and track files that are none."""

from __future__ import annotations

from pathlib import Path

import drawing
import numpy as np
import pytest
from benchmark_miniatures import street_scene

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks.street_scene import centred_row
from lavida_gen.common.errors import DataError


def test_tracks_are_boxes_around_centres(tmp_path: Path) -> None:
    street_scene.draw(tmp_path, drawing)
    opened = benchmarks.make("street_scene", tmp_path / "StreetScene" / "Test")
    first, second = opened.videos()
    assert first.tracks is not None
    assert second.tracks is not None
    assert [track.frames.tolist() for track in first.tracks] == [[2, 3, 5, 6], [5, 6, 7, 8, 9]]
    assert first.tracks[0].boxes[0].tolist() == [9.5, 14, 17.5, 26]
    assert second.tracks[0].boxes.tolist() == [[-5, 0, 15, 10]]
    assert first.frame_labels is not None
    assert np.flatnonzero(first.frame_labels).tolist() == [2, 3, 5, 6, 7, 8, 9]
    assert first.read(0, 16).shape == (16, *drawing.SIZE, 3)
    assert len(opened.log.missing) == 33


def test_a_video_without_its_tracks_cannot_be_scored(tmp_path: Path) -> None:
    street_scene.draw(tmp_path, drawing)
    test = tmp_path / "StreetScene" / "Test"
    (test / "Test002" / "Test002_gt.txt").unlink()
    drawing.text(test / "Test001" / "old_gt.txt", "")
    opened = benchmarks.make("street_scene", tmp_path)
    assert opened.loaded() == []
    one, other = (defect.what for defect in opened.log.defects)
    assert "Test001_gt.txt, old_gt.txt; expected one *_gt.txt" in one
    assert "no *_gt.txt; expected one" in other
    with pytest.raises(DataError, match="no folder Test/Test001"):
        benchmarks.make("street_scene", tmp_path / "StreetScene" / "Train").videos()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("00001.jpg 0 5 5 20", "5 words; expected FILE TRACK X Y WIDTH HEIGHT"),
        ("00001.jpg 0 5 5 -1 10", "a box of -1 x 10"),
        ("00001.jpg 0 5 five 1 10", "six numbers"),
        ("00001.jpg 0 5 inf 1 10", "six finite numbers"),
        ("a.jpg 0 5 5 1 10", "'a'; expected a whole number"),
        ("00001.jpg a 5 5 1 10", "'a'; expected a whole number"),
    ],
)
def test_lines_that_are_none(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        centred_row(text, "gt, line 1")
