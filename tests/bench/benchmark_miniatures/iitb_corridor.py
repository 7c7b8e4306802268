"""A video with a frame behind its labels; a training video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TOTALS = (2, 27, 7)


def draw(root: Path, tools: Any) -> None:
    top = root / "Test_IITB-Corridor"
    for key, frames, marks in (("000209", 15, slice(8, 15)), ("000358", 12, slice(0, 0))):
        labels = np.zeros(frames)
        labels[marks] = 1
        place = top / "Test_Annotation" / "Annotation" / key
        place.mkdir(parents=True)
        np.save(place / f"{key}.npy", labels)
        tools.video(top / "Test" / key / f"{key}.avi", frames + (key == "000209"))
    tools.video(root / "Train_IITB_Corridor" / "Train" / "000001" / "000001.avi", 8)
