"""DAVIS 2017: palette masks in every frame, a border of 255, the semantics file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes

VIDEOS = {"bike-packing": 6, "blackswan": 3}


def draw(root: Path) -> dict[str, Any]:
    for seed, (video, count) in enumerate(VIDEOS.items()):
        for time in range(count):
            shapes.jpeg(root / "JPEGImages" / "480p" / video / f"{time:05d}.jpg", 10 * seed + time)
            boxes = {
                1: shapes.track(time, (2, 4), (3, 1)),
                2: shapes.track(time, (44, 30), (-3, 0)),
                255: (0, 0, 64, 2),
            }
            shapes.palette(root / "Annotations" / "480p" / video / f"{time:05d}.png", shapes.plane(boxes))
    shapes.write(root / "ImageSets" / "2017" / "train.txt", "".join(f"{video}\n" for video in VIDEOS))
    named = {"bike-packing": {"1": "bicycle", "2": "person"}, "blackswan": {"1": "bird", "2": "bird"}}
    shapes.write(root / "davis_semantics.json", named)
    return {"root": root, "frames": 3, "stride": 1}
