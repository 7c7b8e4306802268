"""Two scenes; a video with frames behind its labels, a training video of the name of a test video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TOTALS = (3, 40, 11)


def draw(root: Path, tools: Any) -> None:
    top = root / "NWPUCampusDataset"
    labels = {key: np.zeros(frames, np.uint8) for key, frames in (("D001_01", 15), ("D001_03", 9), ("D014_02", 16))}
    labels["D001_01"][4:10] = 1
    labels["D014_02"][11:] = 1
    (top / "groundtruth").mkdir(parents=True)
    np.savez(top / "groundtruth" / "NWPU_Campus_gt.npz", **labels)
    for key, of_video in labels.items():
        tools.video(top / "videos" / "Test" / f"{key}.avi", len(of_video) + (key == "D001_03"))
    tools.video(top / "videos" / "Train" / "D001_01.avi", 5)
