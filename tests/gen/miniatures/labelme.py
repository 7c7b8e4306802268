"""A folder annotated with labelme: a JSON beside each picture, one with the picture in it, one of an older version."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from miniatures import shapes

HEIGHT, WIDTH = shapes.SIZE


def png(bits: np.ndarray) -> str:
    """A mask as labelme writes it: a PNG in base64."""
    file = io.BytesIO()
    Image.fromarray(bits.astype(np.uint8) * 255).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def shape(label: str, kind: str, *points: tuple[float, float], group: int | None = None, **more: Any) -> dict[str, Any]:
    """A shape as labelme 5 writes it."""
    plain = {"label": label, "points": [list(point) for point in points], "group_id": group, "description": ""}
    return {**plain, "shape_type": kind, "flags": {}, "mask": None, **more}


def plain(picture: str, *found: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A file as labelme 5 writes it."""
    head = {"version": "5.5.0", "flags": {}, "shapes": list(found), "imagePath": picture, "imageData": None}
    return {**head, "imageHeight": HEIGHT, "imageWidth": WIDTH, **more}


CUP = shape("cup", "polygon", (4.0, 8.0), (16.5, 8.0), (16.5, 30.0), (4.0, 30.0))
TABLE = shape("table", "rectangle", (60.0, 44.0), (20.0, 36.0))
BALL = shape("ball", "circle", (44.0, 16.0), (50.0, 16.0))


def draw(root: Path) -> dict[str, Any]:
    shapes.jpeg(root / "a.jpg", 1)
    shapes.write(root / "a.json", plain("a.jpg", CUP, TABLE, BALL))
    shapes.jpeg(root / "pictures" / "b.jpg", 2)
    crop = np.zeros((12, 20), bool)
    crop[2:10, 3:18] = True
    mask = shape("cup", "mask", (10.0, 10.0), (29.0, 21.0), mask=png(crop))
    shapes.write(root / "files" / "b.json", plain("..\\pictures\\b.jpg", mask))
    file = io.BytesIO()
    Image.fromarray(shapes.photo(3)).save(file, "JPEG", quality=92)
    old = {"label": "table", "points": [[2, 2], [40, 2], [40, 20], [2, 20]], "fill_color": None}
    embedded = base64.b64encode(file.getvalue()).decode()
    shapes.write(root / "c.json", {"shapes": [old], "imagePath": "c.jpg", "imageData": embedded, "lineColor": [0, 255]})
    return {"root": root, "background": ["table"]}
