"""RefCOCO (unc) over two images, in the layout of the refer API."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from miniatures import coco, shapes

EXPRESSIONS = {1: ["man on the left", "tall guy"], 2: ["small dog"], 4: ["red car"]}


def draw(root: Path) -> dict[str, Any]:
    owners = {1: (139, 1), 2: (139, 18), 4: (285, 3)}
    boxes = {1: (4, 8, 12, 24), 2: (24, 20, 16, 12), 4: (10, 10, 30, 20)}
    annotations = [
        {"id": n, "image_id": image, "category_id": kind, "iscrowd": 0, "segmentation": [shapes.corners(boxes[n])]}
        for n, (image, kind) in owners.items()
    ]
    photos = coco.images("COCO_train2014_{:012d}.jpg")[:2]
    plain = {"images": photos, "annotations": annotations, "categories": coco.CATEGORIES, "licenses": []}
    shapes.write(root / "refcoco" / "instances.json", plain)
    refs = [_ref(number, owners[number], texts) for number, texts in EXPRESSIONS.items()]
    (root / "refcoco" / "refs(unc).p").write_bytes(pickle.dumps(refs, protocol=2))
    for image in photos:
        shapes.jpeg(root / "images" / "mscoco" / "images" / "train2014" / image["file_name"], image["id"])
    return {"root": root}


def _ref(number: int, owner: tuple[int, int], texts: list[str]) -> dict[str, Any]:
    sentences = [
        {"sent_id": 10 * number + at, "sent": text, "raw": text, "tokens": text.split()}
        for at, text in enumerate(texts)
    ]
    return {
        "ref_id": number,
        "ann_id": number,
        "image_id": owner[0],
        "category_id": owner[1],
        "split": "train",
        "file_name": f"COCO_train2014_{owner[0]:012d}_{number}.jpg",
        "sent_ids": [one["sent_id"] for one in sentences],
        "sentences": sentences,
    }
