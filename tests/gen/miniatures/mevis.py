"""MeViS: masks by annotation id and frame, null where not visible, an expression of two objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes

VIDEO = "0b97736357c6"
COUNT = 6
HIDDEN = (2, 3)
"""Times at which the second object is not visible."""


def draw(root: Path) -> dict[str, Any]:
    frames = [f"{time:05d}" for time in range(COUNT)]
    first, second = [], []
    for time, frame in enumerate(frames):
        shapes.jpeg(root / "train" / "JPEGImages" / VIDEO / f"{frame}.jpg", time)
        first.append(shapes.run_lengths(shapes.bits(shapes.track(time, (2, 4), (4, 1)))))
        hidden = time in HIDDEN
        second.append(None if hidden else shapes.run_lengths(shapes.bits(shapes.track(time, (40, 30), (-4, 0)))))
    shapes.write(root / "train" / "mask_dict.json", {"11": first, "12": second})
    expressions = {
        "0": {"exp": "The bird moving to the right", "obj_id": [0], "anno_id": [11]},
        "1": {"exp": "the one that hides for a while", "obj_id": [1], "anno_id": [12]},
        "2": {"exp": "two birds passing each other", "obj_id": [0, 1], "anno_id": [11, 12]},
    }
    video = {"expressions": expressions, "vid_id": 0, "frames": frames}
    shapes.write(root / "train" / "meta_expressions.json", {"videos": {VIDEO: video}})
    return {"root": root, "frames": 3, "stride": 1}
