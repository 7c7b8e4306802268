"""COCO 2017 instances of three images: polygons, a crowd as run lengths, an image without annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes

PHOTOS = (139, 285, 632)
CATEGORIES = [
    {"id": 1, "name": "person", "supercategory": "person"},
    {"id": 3, "name": "car", "supercategory": "vehicle"},
    {"id": 18, "name": "dog", "supercategory": "animal"},
]


def images(pattern: str = "{:012d}.jpg") -> list[dict[str, Any]]:
    height, width = shapes.SIZE
    return [{"id": n, "file_name": pattern.format(n), "height": height, "width": width, "license": 4} for n in PHOTOS]


def draw(root: Path) -> dict[str, Any]:
    crowd = {"size": list(shapes.SIZE), "counts": [48 * 50, 48 * 10, 48 * 4]}
    annotations = [
        {"id": 1, "image_id": 139, "category_id": 1, "iscrowd": 0, "segmentation": [shapes.corners((4, 8, 12, 24))]},
        {"id": 2, "image_id": 139, "category_id": 18, "iscrowd": 0, "segmentation": [shapes.corners((24, 20, 16, 12))]},
        {"id": 3, "image_id": 139, "category_id": 1, "iscrowd": 1, "segmentation": crowd},
        {"id": 4, "image_id": 285, "category_id": 3, "iscrowd": 0, "segmentation": [shapes.corners((10, 10, 30, 20))]},
    ]
    licences = [{"id": 4, "name": "Attribution License", "url": "https://creativecommons.org/licenses/by/2.0/"}]
    plain = {"images": images(), "annotations": annotations, "categories": CATEGORIES, "licenses": licences}
    shapes.write(root / "annotations" / "instances_train2017.json", plain)
    for number in PHOTOS:
        shapes.jpeg(root / "train2017" / f"{number:012d}.jpg", number)
    return {"root": root}
