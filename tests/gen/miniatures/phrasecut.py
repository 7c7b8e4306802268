"""PhraseCut of two pictures, one of which is COCO's, too: a phrase of two instances, polygons in several parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes


def polygon(box: shapes.Box) -> list[list[float]]:
    """The corners of a box as points."""
    corners = shapes.corners(box)
    return [list(point) for point in zip(corners[::2], corners[1::2], strict=True)]


def task(image: int, phrase: str, name: str, instances: list[list[shapes.Box]]) -> dict[str, Any]:
    """A phrase with its instances, each of one or several boxes."""
    structure = {"name": name, "attributes": [], "relation_ids": [], "relation_descriptions": [], "type": "attribute"}
    head = {"task_id": f"{image}__1", "image_id": image, "ann_ids": [1] * len(instances)}
    polygons = [[polygon(box) for box in boxes] for boxes in instances]
    boxes = [list(boxes[0]) for boxes in instances]
    return {**head, "instance_boxes": boxes, "Polygons": polygons, "phrase": phrase, "phrase_structure": structure}


def tasks() -> list[dict[str, Any]]:
    """The phrases."""
    return [
        task(2347567, "red cups", "cup", [[(4, 8, 12, 24)], [(30, 4, 10, 10), (42, 4, 4, 4)]]),
        task(61512, "dog", "dog", [[(10, 10, 30, 20)]]),
        task(2347567, "wooden table", "table", [[(0, 36, 64, 12)]]),
    ]


def draw(root: Path) -> dict[str, Any]:
    height, width = shapes.SIZE
    pictures = [
        {"image_id": 2347567, "coco_id": 139, "flickr_id": 1, "width": width, "height": height, "split": "train"},
        {"image_id": 61512, "coco_id": None, "flickr_id": 2, "width": width, "height": height, "split": "train"},
    ]
    shapes.write(root / "image_data_split.json", pictures)
    shapes.write(root / "refer_train.json", tasks())
    for seed, picture in enumerate(pictures):
        shapes.jpeg(root / "images" / f"{picture['image_id']}.jpg", seed)
    return {"root": root}
