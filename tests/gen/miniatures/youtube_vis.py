"""YouTube-VIS 2021 of two videos: run lengths as lists and as text, null where an object is not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniatures import shapes

FRAMES = 6
CATEGORIES = ["airplane", "bear", "giant_panda", "person"]


def runs(mask: np.ndarray) -> dict[str, Any]:
    """Uncompressed run lengths of a mask, column by column."""
    flat = mask.T.ravel().astype(np.int8)
    cuts = [0, *(np.flatnonzero(np.diff(flat)) + 1).tolist(), flat.size]
    counts = np.diff(cuts).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if flat[0] else counts}


def plain() -> dict[str, Any]:
    """The JSON."""
    height, width = shapes.SIZE
    videos = [
        {"id": at, "height": height, "width": width, "length": FRAMES}
        | {"file_names": [f"{name}/{5 * time:05d}.jpg" for time in range(FRAMES)]}
        for at, name in enumerate(("003234408d", "0043f083b5"), start=1)
    ]
    boxes = [shapes.bits(shapes.track(time, (2, 4), (3, 2))) for time in range(FRAMES)]
    others = [shapes.bits(shapes.track(time, (40, 4), (-2, 3))) for time in range(FRAMES)]
    annotations = [
        {"id": 1, "video_id": 1, "category_id": 4, "segmentations": [runs(box) for box in boxes]},
        {"id": 2, "video_id": 1, "category_id": 3, "segmentations": [shapes.run_lengths(box) for box in others]},
        {"id": 3, "video_id": 2, "category_id": 3, "segmentations": [runs(box) for box in others[:3]] + [None] * 3},
    ]
    for annotation in annotations:
        annotation |= {"iscrowd": 0, "bboxes": [None] * FRAMES, "areas": [None] * FRAMES, "width": width}
    categories = [{"id": at, "name": name, "supercategory": "object"} for at, name in enumerate(CATEGORIES, start=1)]
    return {"info": {}, "licenses": [], "videos": videos, "annotations": annotations, "categories": categories}


def frames(folder: Path) -> None:
    """The frames of both videos."""
    for seed, video in enumerate(("003234408d", "0043f083b5")):
        for time in range(FRAMES):
            shapes.jpeg(folder / video / f"{5 * time:05d}.jpg", 10 * seed + time)


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "train" / "instances.json", plain())
    frames(root / "train" / "JPEGImages")
    return {"root": root, "frames": 3}
