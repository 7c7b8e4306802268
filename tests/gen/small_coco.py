"""A COCO JSON of three small images, for the tests of the index and of its cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lavida_gen.coco.coco_index import CocoIndex

SIZE = (48, 64)
BOX = [5.0, 5.0, 25.0, 5.0, 25.0, 30.0]
Plain = dict[str, Any]


def data() -> Plain:
    images = [{"id": 10 * n, "file_name": f"{n}.jpg", "height": SIZE[0], "width": SIZE[1]} for n in range(3)]
    annotations = [
        {"id": n, "image_id": 10 * (n % 2), "category_id": 7 - n % 3, "iscrowd": 0, "segmentation": [BOX]}
        for n in range(6)
    ]
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": n, "name": f"kind {n}", "supercategory": "s"} for n in (7, 5, 6)],
    }


def write(folder: Path, plain: Any) -> Path:
    path = folder / "instances.json"
    path.write_text(plain if isinstance(plain, str) else json.dumps(plain))
    return path


def contents(index: CocoIndex) -> list[Any]:
    return [(index.file(n), index.size(n), index.annotations(n)) for n in range(len(index))]
