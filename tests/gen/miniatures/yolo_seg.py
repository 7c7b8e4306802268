"""Pictures with YOLO segmentation labels: polygons, a box, an empty file, a varied copy by Roboflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes

NAMES = (
    "path: ../datasets/parts\ntrain: images/train\nval: images/val\nnc: 3\nnames:\n  0: bolt\n  1: nut\n  2: plate\n"
)


def polygon(number: int, box: shapes.Box) -> str:
    """A line with the corners of a box as fractions."""
    height, width = shapes.SIZE
    sides = (width, height) * 4
    return " ".join([str(number), *(f"{x / side:.6f}" for x, side in zip(shapes.corners(box), sides, strict=True))])


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "data.yaml", NAMES)
    labels = {
        "a": [polygon(0, (4, 8, 12, 24)), polygon(2, (0, 36, 64, 12)), polygon(0, (30, 6, 8, 8))],
        "deeper/b.rf.0123abcd": [polygon(1, (24, 20, 16, 12)), "0 0.2 0.2 0.1 0.1"],
        "empty": [],
    }
    for seed, (name, lines) in enumerate(labels.items()):
        shapes.jpeg(root / "images" / "train" / f"{name}.jpg", seed)
        shapes.write(root / "labels" / "train" / f"{name}.txt", "\n".join(lines))
    return {"root": root, "background": ["plate"]}
