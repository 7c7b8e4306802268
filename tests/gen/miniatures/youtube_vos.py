"""YouTube-VOS: JPEGs of every frame, palette masks of every fifth, meta.json with the frames of each object.

In the second video, the second object is not visible in frame 00010, and meta.json does not list that frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes

VIDEOS = {"003234408d": 6, "0043f083b5": 3}
EVERY = 5
HIDDEN = ("0043f083b5", 2)
CATEGORIES = {"1": "penguin", "2": "giant_panda"}


def frames(root: Path, split: str = "train", dense: bool = False) -> dict[str, Any]:
    """The videos of a split, and their meta.json's content."""
    videos: dict[str, Any] = {}
    for seed, (video, count) in enumerate(VIDEOS.items()):
        objects: dict[str, Any] = {ident: {"category": name, "frames": []} for ident, name in CATEGORIES.items()}
        for time in range(count):
            frame = f"{time if dense else EVERY * time:05d}"
            shapes.jpeg(root / split / "JPEGImages" / video / f"{frame}.jpg", 10 * seed + time)
            boxes = {1: shapes.track(time, (2, 4), (5, 1)), 2: shapes.track(time, (44, 30), (-5, 0))}
            if (video, time) == HIDDEN:
                del boxes[2]
            for ident in boxes:
                objects[str(ident)]["frames"].append(frame)
            shapes.palette(root / split / "Annotations" / video / f"{frame}.png", shapes.plane(boxes))
        videos[video] = {"objects": objects}
    return videos


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "train" / "meta.json", {"videos": frames(root)})
    return {"root": root, "frames": 3}
