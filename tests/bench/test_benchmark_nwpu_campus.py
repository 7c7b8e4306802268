"""NWPU Campus: labels that do not fit their video, labels alone, files that hold something else."""

from __future__ import annotations

from pathlib import Path

import drawing
import numpy as np
import pytest
from benchmark_miniatures import nwpu_campus

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks.nwpu_campus import FILE, read_labels
from lavida_gen.common.errors import DataError


def test_frames_behind_the_labels_are_left_out_and_short_videos_too(tmp_path: Path) -> None:
    nwpu_campus.draw(tmp_path, drawing)
    videos = tmp_path / "NWPUCampusDataset" / "videos" / "Test"
    drawing.video(videos / "D014_02.avi", 10)
    drawing.video(videos / "more" / "D001_01.mkv", 15)
    opened = benchmarks.make("nwpu_campus", tmp_path)
    assert {video.key: video.frame_count for video in opened.videos()} == {"D001_01": 15, "D001_03": 9}
    found = {defect.where: (defect.what, defect.fatal) for defect in opened.log.defects}
    assert found["D001_03"] == ("10 frames, 9 of them labelled", False)
    assert found["D001_01"] == ("2 files of this name", False)
    assert "10 frames; expected 16, as labelled" in found["D014_02"][0]
    assert found["D014_02"][1]


def test_labels_alone_state_the_lengths(tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, D001_01=np.array([0, 1, 1]))
    opened = benchmarks.make("nwpu_campus", tmp_path, {"labels_alone": True})
    assert not opened.has_frames
    assert [video.frame_count for video in opened.videos()] == [3]
    assert benchmarks.make("nwpu_campus", tmp_path).loaded() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "names no video"),
        ({"a": np.zeros((2, 2))}, "a: float64 .2, 2.; expected .F,. of 0 and 1"),
        ({"a": np.array([0, 2])}, "of 0 and 1"),
        ({"a": np.array([0, 1]), "a.avi": np.array([0])}, "a appears again"),
        ({"a": np.array([None])}, "cannot be read"),
    ],
)
def test_labels_that_are_none(content: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, **content)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=message):
        read_labels(tmp_path / FILE)
