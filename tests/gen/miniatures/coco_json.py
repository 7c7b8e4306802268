"""A user's own images with a JSON as programs export it: brush masks marked as crowds, a root category, negatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes

CATEGORIES = [
    {"id": 0, "name": "yard-k3", "supercategory": "none"},
    {"id": 1, "name": "cart", "supercategory": "yard-k3"},
    {"id": 2, "name": "pallet", "supercategory": "yard-k3"},
    {"id": 3, "name": "gas bottle", "supercategory": "yard-k3"},
]


def draw(root: Path) -> dict[str, Any]:
    height, width = shapes.SIZE
    images = [{"id": f"cam-{n}", "file_name": f"a{n}.jpg", "height": height, "width": width} for n in (1, 2)]
    images[0]["neg_category_ids"] = [2]
    brush = {"size": [height, width], "counts": [48 * 50, 48 * 10, 48 * 4]}
    annotations = [
        {"id": 1, "image_id": "cam-1", "category_id": 1, "segmentation": [shapes.corners((4, 8, 12, 24))]},
        {"id": 2, "image_id": "cam-1", "category_id": 3, "iscrowd": 1, "segmentation": brush},
        {
            "id": 3,
            "image_id": "cam-2",
            "category_id": 2,
            "iscrowd": 0,
            "segmentation": [shapes.corners((9, 9, 30, 20))],
        },
    ]
    plain = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    shapes.write(root / "annotations" / "instances_default.json", plain)
    for number in (1, 2):
        shapes.jpeg(root / "images" / "default" / f"a{number}.jpg", number)
    return {"root": root}
