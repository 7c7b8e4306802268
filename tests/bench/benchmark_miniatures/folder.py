"""A file, a folder of frames, labels.csv and masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOTALS = (3, 30, 9)


def draw(root: Path, tools: Any) -> None:
    tools.video(root / "videos" / "gate.mp4", 12, bframes=2)
    tools.video(root / "videos" / "quiet.avi", 8)
    tools.images(root / "videos" / "yard", [f"frame_{5 * n}.png" for n in range(10)])
    tools.text(
        root / "labels.csv", "video,start,end,name\ngate.mp4,2,5,bicycle\nyard,0,4,dog\ngate,7,9,bicycle\nquiet,,\n"
    )
    for frame in (2, 3, 4, 7, 8):
        tools.image(root / "masks" / "gate" / f"{frame:06d}.png", tools.mask(frame))
    for frame in range(4):
        tools.image(root / "masks" / "yard" / f"{frame:06d}.png", tools.mask(frame))
