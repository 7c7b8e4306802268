"""LV-VIS: the same videos as the miniature of YouTube-VIS, in its own layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes, youtube_vis


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "train_instances.json", youtube_vis.plain())
    youtube_vis.frames(root / "train" / "JPEGImages")
    return {"root": root, "frames": 3}
