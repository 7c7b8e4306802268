"""COCO panoptic: a PNG whose colours are segment ids, and their categories; two cars, a crowd, sky, brick, void."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniatures import coco, shapes

CATEGORIES = [
    {"id": 1, "name": "person", "supercategory": "person", "isthing": 1, "color": [220, 20, 60]},
    {"id": 3, "name": "car", "supercategory": "vehicle", "isthing": 1, "color": [0, 0, 142]},
    {"id": 187, "name": "sky-other-merged", "supercategory": "sky", "isthing": 0, "color": [70, 130, 180]},
    {"id": 171, "name": "wall-brick", "supercategory": "wall", "isthing": 0, "color": [92, 82, 55]},
]
# id in the PNG: category, crowd, box. Ids above 65535 need the blue byte.
SEGMENTS = {
    3937500: (187, 0, (0, 0, 64, 10)),
    300: (3, 0, (4, 14, 16, 12)),
    70000: (3, 0, (24, 14, 16, 12)),
    5: (1, 1, (44, 14, 16, 20)),
    8405120: (171, 0, (0, 36, 64, 8)),
}


def draw(root: Path) -> dict[str, Any]:
    ids = shapes.plane({ident: box for ident, (_, _, box) in SEGMENTS.items()}, dtype=np.int32)
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=2).astype(np.uint8)
    annotations = []
    for number in coco.PHOTOS:
        shapes.jpeg(root / "train2017" / f"{number:012d}.jpg", number)
        shapes.save(root / "annotations" / "panoptic_train2017" / f"{number:012d}.png", colours)
        segments = [
            {"id": ident, "category_id": kind, "iscrowd": crowd, "area": box[2] * box[3], "bbox": list(box)}
            for ident, (kind, crowd, box) in SEGMENTS.items()
        ]
        annotations.append({"image_id": number, "file_name": f"{number:012d}.png", "segments_info": segments})
    plain = {"images": coco.images(), "annotations": annotations, "categories": CATEGORIES, "licenses": []}
    shapes.write(root / "annotations" / "panoptic_train2017.json", plain)
    return {"root": root}
