"""IITB Corridor: labels of other videos are not read, and none at all is an error."""

from __future__ import annotations

from pathlib import Path

import drawing
import numpy as np
import pytest
from benchmark_miniatures import iitb_corridor

from lavida_bench.benchmarks import _base as benchmarks
from lavida_gen.common.errors import DataError


def test_the_test_videos_alone_are_read(tmp_path: Path) -> None:
    iitb_corridor.draw(tmp_path, drawing)
    labels = tmp_path / "Test_IITB-Corridor" / "Test_Annotation" / "Annotation"
    np.save(labels / "000001.npy", np.zeros(8))
    opened = benchmarks.make("iitb_corridor", tmp_path)
    assert [video.key for video in opened.videos()] == ["000209", "000358"]
    assert [defect.what for defect in opened.log.defects] == ["16 frames, 15 of them labelled"]
    assert len(opened.log.missing) == 148
    for key in ("000209", "000358"):
        (labels / key / f"{key}.npy").unlink()
    with pytest.raises(DataError, match="no Test_Annotation/Annotation/000209/000209.npy"):
        benchmarks.make("iitb_corridor", tmp_path).videos()
