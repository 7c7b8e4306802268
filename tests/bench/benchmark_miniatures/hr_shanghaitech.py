"""The videos of `shanghaitech`, and one that is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmark_miniatures import shanghaitech

TOTALS = shanghaitech.TOTALS


def draw(root: Path, tools: Any) -> None:
    shanghaitech.draw(root, tools)
    np.save(root / "testing" / "test_frame_mask" / "01_0130.npy", np.ones(7, np.uint8))
    tools.images(root / "testing" / "frames" / "01_0130", [f"{n:03d}.jpg" for n in range(7)])
