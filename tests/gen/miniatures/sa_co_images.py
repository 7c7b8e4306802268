"""SA-Co Gold of two pictures with three phrases each: present, present but not completely drawn, absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes

PAIRS = [
    # file, phrase, instances are complete, pixels are complete, boxes
    ("1/metaclip_a.jpeg", "red cup", 1, 1, [(4, 8, 12, 24), (30, 4, 10, 10)]),
    ("1/metaclip_b.jpeg", "dog", 1, 1, [(10, 10, 30, 20)]),
    ("1/metaclip_a.jpeg", "plate", 0, 0, [(20, 30, 20, 10)]),
    ("1/metaclip_a.jpeg", "blue cup", 1, 1, []),
    ("1/metaclip_b.jpeg", "brown dog", 0, 1, [(10, 10, 30, 20)]),
    ("1/metaclip_b.jpeg", "cat", 1, 1, []),
]


def plain() -> dict[str, Any]:
    """The JSON of one annotator."""
    height, width = shapes.SIZE
    images = [
        {"id": 10_000_000 + at, "file_name": file, "text_input": phrase, "height": height, "width": width}
        | {"queried_category": str(at), "is_instance_exhaustive": instances, "is_pixel_exhaustive": pixels}
        for at, (file, phrase, instances, pixels, _) in enumerate(PAIRS)
    ]
    annotations = [
        {"image_id": 10_000_000 + at, "segmentation": shapes.run_lengths(shapes.bits(box)), "category_id": 1}
        | {"bbox": [0.1, 0.1, 0.5, 0.5], "area": 0.25, "iscrowd": 0, "source": "manual"}
        for at, (_, _, _, _, boxes) in enumerate(PAIRS)
        for box in boxes
    ]
    annotations = [{"id": at, **annotation} for at, annotation in enumerate(annotations)]
    categories = [{"id": 1, "name": "object"}]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories, "licenses": []}


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "gold_metaclip_merged_a_release_test.json", plain())
    for seed, file in enumerate(dict.fromkeys(file for file, *_ in PAIRS)):
        shapes.save(root / "images" / file, shapes.photo(seed), format="JPEG", quality=92)
    return {"root": root, "annotations": "gold_metaclip_merged_a_release_test.json"}
