"""As Ped2's, by hand smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOTALS = (1, 6, 3)


def draw(root: Path, tools: Any) -> None:
    test = root / "UCSD_Anomaly_Dataset.v1p2" / "UCSDped1" / "Test"
    tools.images(test / "Test001", [f"{n:03d}.tif" for n in range(1, 7)])
    tools.text(test / "UCSDped1.m", "TestVideoFile = {};\nTestVideoFile{end+1}.gt_frame = [2, 5:6];\n")
