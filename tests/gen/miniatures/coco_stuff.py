"""Pixel maps of COCO-Stuff: class id minus one, 255 void."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import coco, shapes

PERSON, BLANKET, WALL_BRICK = 1 - 1, 93 - 1, 171 - 1


def draw(root: Path) -> dict[str, Any]:
    for number in coco.PHOTOS:
        shapes.jpeg(root / "train2017" / f"{number:012d}.jpg", number)
        boxes = {255: (0, 0, 64, 3), PERSON: (4, 8, 12, 24), BLANKET: (24, 20, 10 + number % 9, 12)}
        shapes.save(
            root / "stuffthingmaps" / "train2017" / f"{number:012d}.png", shapes.plane(boxes, ground=WALL_BRICK)
        )
    return {"root": root}
