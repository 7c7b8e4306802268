"""A stray .mp4, a dropped #, unsorted and overlapping stretches, a training video elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOTALS = (4, 80, 42)  # 33 frames -> 32, 32 -> 16


def draw(root: Path, tools: Any) -> None:
    lines = [
        "Film.2001__#00-01_00-02_label_B2-G-0.mp4 20 30 3 9 5 12",
        "v=abc__#1_label_B4-0-0 0 32",
        "v=x.y__#2_label_G-0-0 2 9",
    ]
    tools.text(root / "annotations.txt", "\n".join(lines))
    tools.video(root / "videos" / "Film.2001__#00-01_00-02_label_B2-G-0.mp4", 33, fps=24)
    tools.video(root / "videos" / "v=abc__1_label_B4-0-0.mp4", 32, fps=24)
    tools.video(root / "videos" / "v=x.y__#2_label_G-0-0.mp4", 17, fps=24)
    tools.video(root / "videos" / "Film.1999__#00-05_00-06_label_A.mp4", 18, fps=24)
    tools.video(root / "train" / "Film.1998__#00-05_00-06_label_A.mp4", 18, fps=24)
