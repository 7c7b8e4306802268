"""SA-Co/VEval over two videos of SA-V: masklets, phrases of nothing, phrases of other subsets among the categories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes

FRAMES = 6
PHRASES = {1: "a monkey", 7: "the gold watch", 12: "a red car", 30: "a man", 44: "an image of bottle"}
"""By category_id; those that no pair has belong to other subsets."""


def track(start: tuple[int, int], step: tuple[int, int], hidden: tuple[int, ...] = ()) -> list[Any]:
    """A masklet: a mask for each frame, null where it is hidden."""
    return [
        None if time in hidden else shapes.run_lengths(shapes.bits(shapes.track(time, start, step)))
        for time in range(FRAMES)
    ]


def masklet(ident: int, video: Any, category: int, segmentations: list[Any]) -> dict[str, Any]:
    boxes = [None if segmentation is None else [0, 0, 1, 1] for segmentation in segmentations]
    height, width = shapes.SIZE
    head = {"id": ident, "video_id": video, "category_id": category, "noun_phrase": PHRASES[category]}
    return {**head, "segmentations": segmentations, "bboxes": boxes, "areas": boxes, "iscrowd": 0} | {
        "height": height,
        "width": width,
    }


def pair(ident: int, video: Any, category: int, masklets: int) -> dict[str, Any]:
    head = {"id": ident, "video_id": video, "category_id": category}
    return {**head, "noun_phrase": PHRASES[category], "num_masklets": masklets}


def plain() -> dict[str, Any]:
    """The JSON of subset sav."""
    height, width = shapes.SIZE
    videos = [
        {"id": ident, "video_name": name, "height": height, "width": width, "length": FRAMES}
        | {"file_names": [f"{name}/{4 * time:05d}.jpg" for time in range(FRAMES)]}
        for ident, name in ((3, "sav_000208"), (9, "sav_000425"))
    ]
    first, second = track((2, 4), (3, 2)), track((40, 4), (-2, 3), hidden=(0, 1))
    annotations = [
        masklet(0, 3, 12, first),
        masklet(1, 3, 30, second),
        masklet(2, 9, 30, first),
        masklet(3, 9, 30, second),
        masklet(4, 9, 7, second),
    ]
    pairs = [pair(0, 3, 12, 1), pair(1, 3, 30, 1), pair(2, 3, 7, 0), pair(3, 9, 30, 2), pair(4, 9, 7, 1)]
    pairs += [pair(5, 9, 12, 0), pair(6, 9, 1, 0)]
    categories = [{"id": ident, "name": phrase} for ident, phrase in PHRASES.items()]
    head = {"info": {"version": "v1", "description": "SA-Co/VEval SA-V Val"}}
    return {**head, "videos": videos, "annotations": annotations, "categories": categories, "video_np_pairs": pairs}


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "annotation" / "saco_veval_sav_val.json", plain())
    for seed, video in enumerate(("sav_000208", "sav_000425")):
        for time in range(FRAMES):
            folder = root / "media" / "saco_sav" / "JPEGImages_24fps" / video
            shapes.jpeg(folder / f"{4 * time:05d}.jpg", 10 * seed + time)
    return {"root": root, "frames": 3}
