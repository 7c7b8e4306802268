"""Two anomalies in one frame, a track with a gap, names of files with a folder; a video of one frame's annotation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOTALS = (2, 26, 8)


def draw(root: Path, tools: Any) -> None:
    test = root / "StreetScene" / "Test"
    for key, frames in (("Test001", 16), ("Test002", 10)):
        tools.images(test / key, [f"{number:05d}.jpg" for number in range(1, frames + 1)])
    lines = [f"{frame:05d}.jpg 0 {10 + frame}.5 20 8 12" for frame in (3, 4, 6, 7)]
    lines += [f"Test001/{frame:05d}.jpg 1 40 30 6 4" for frame in (6, 7, 8, 9, 10)]
    tools.text(test / "Test001" / "Test001_gt.txt", "\n".join(lines) + "\n")
    tools.text(test / "Test002" / "Test002_gt.txt", "00010.jpg 0 5 5 20 10\n")
    tools.text(root / "StreetScene" / "Train" / "Train001" / "00001.txt", "")
