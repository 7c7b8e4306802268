"""Two views; one video abnormal throughout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TOTALS = (2, 21, 15)


def draw(root: Path, tools: Any) -> None:
    for key, frames, marks in (("01_0014", 12, slice(4, 10)), ("04_0011", 9, slice(0, 9))):
        labels = np.zeros(frames, np.uint8)
        labels[marks] = 1
        pixels = np.stack([tools.mask(n) if labels[n] else np.zeros(tools.SIZE, np.uint8) for n in range(frames)]) != 0
        for kind, array in (("frame", labels), ("pixel", pixels)):
            folder = root / "testing" / f"test_{kind}_mask"
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"{key}.npy", array)
        tools.images(root / "testing" / "frames" / key, [f"{n:03d}.jpg" for n in range(frames)])
        tools.text(root / "testing" / "frames" / key / "Thumbs.db", "")
