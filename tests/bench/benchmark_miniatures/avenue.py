"""Two videos with volLabel cells, and the hand-made intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

TOTALS = (2, 24, 11)


def draw(root: Path, tools: Any, first: int = 12) -> None:
    for number, frames, marks in ((1, first, (*range(3, 9), *range(74, 79))), (2, 12, range(7, 12))):
        tools.video(root / "testing_videos" / f"{number:02d}.avi", frames)
        cells = np.empty((1, frames), object)
        for frame in range(frames):
            cells[0, frame] = (tools.mask(frame) // 255) * np.uint8(frame in marks)
        folder = root / "ground_truth_demo" / "testing_label_mask"
        folder.mkdir(parents=True, exist_ok=True)
        savemat(folder / f"{number}_label.mat", {"volLabel": cells})
    gt = np.empty((1, 21), object)
    for video in range(21):
        gt[0, video] = np.array([[2, 8], [4, 9]]) if video == 0 else np.array([[6], [12]])
    savemat(root / "avenue.mat", {"gt": gt})
