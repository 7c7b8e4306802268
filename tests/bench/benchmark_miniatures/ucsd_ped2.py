"""Several ranges, stray files, masks of one video only, a truncated frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TOTALS = (2, 22, 10)
FOLDER = "UCSDped2"


def draw(root: Path, tools: Any, folder: str = FOLDER) -> None:
    test = root / folder / "Test"
    for key in ("Test001", "Test002"):
        tools.images(test / key, [f"{n:03d}.tif" for n in range(1, 12)])
    for n in range(1, 12):
        bits = tools.mask(n) if n in (1, 2, 6, 7, 8) else np.zeros(tools.SIZE, np.uint8)
        tools.image(test / "Test001_gt" / f"{n:03d}.bmp", bits)
    lines = ["TestVideoFile = {};  % frames count from 1", "TestVideoFile{end+1}.gt_frame = [1:2, 6:8];"]
    tools.text(test / f"{folder}.m", "\n".join([*lines, "TestVideoFile{end+1}.gt_frame = [ 7 : 11 ];", ""]))
    for stray in ("._001.tif", ".DS_Store", "Thumbs.db"):
        tools.text(test / "Test001" / stray, "x")
    broken = test / "Test002" / "004.tif"
    broken.write_bytes(broken.read_bytes()[:400])
