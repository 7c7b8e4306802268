"""The plain script beside which `benchmarks/clips.py` measures builds of clips: nothing of this project in it.

    python benchmarks/clips_peer.py ROOT OUT CLIPS

For each clip of YouTube-VOS it decodes 8 palette PNGs by Pillow, encodes every object by pycocotools, measures boxes
and areas, declares an object the anomaly in every second clip, and hands pictures, mask PNGs and JSON to webdataset's
ShardWriter. It lists names that are not in the clip, as a corpus needs, but checks nothing: neither that an absent name
means something else than a present one, nor that a file is whole, nor limits, licences or digests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import webdataset
from PIL import Image
from pycocotools import mask as coco_masks

FRAMES = 8


def main() -> None:
    """Write the shards."""
    root, out, clips = Path(sys.argv[1]) / "train", Path(sys.argv[2]), int(sys.argv[3])
    out.mkdir()
    videos = json.loads((root / "meta.json").read_text())["videos"]
    categories = sorted({thing["category"] for video in videos.values() for thing in video["objects"].values()})
    frames = {video: sorted(path.stem for path in (root / "Annotations" / video).glob("*.png")) for video in videos}
    rng = np.random.default_rng(0)
    with webdataset.ShardWriter(f"{out}/%05d.tar", maxcount=50, verbose=0) as sink:
        for number in range(clips):
            video = list(videos)[rng.integers(len(videos))]
            start = int(rng.integers(len(frames[video]) - FRAMES + 1))
            sink.write(
                sample(root, video, frames[video][start : start + FRAMES], videos[video], categories, number, rng)
            )


def sample(
    root: Path,
    video: str,
    frames: list[str],
    entry: dict[str, dict[str, dict[str, str]]],
    categories: list[str],
    number: int,
    rng: np.random.Generator,
) -> dict[str, object]:
    """A sample as webdataset takes it."""
    fields: dict[str, object] = {"__key__": f"{number:09d}"}
    objects = {int(ident): thing["category"] for ident, thing in entry["objects"].items()}
    chosen = int(rng.choice(list(objects))) if number % 2 else 0
    boxes, areas = [], []
    for at, frame in enumerate(frames):
        plane = np.asarray(Image.open(root / "Annotations" / video / f"{frame}.png"))
        values = [value for value in np.unique(plane).tolist() if value not in (0, 255)]
        coded = {value: coco_masks.encode(np.asfortranarray(plane == value)) for value in values}
        boxes.append(coco_masks.toBbox(coded[chosen]).tolist() if chosen in coded else [0, 0, 0, 0])
        areas.append(int(coco_masks.area(coded[chosen])) / plane.size if chosen in coded else 0.0)
        bits = ((plane == chosen) & (chosen > 0)).astype(np.uint8) * 255
        fields[f"{at:03d}.mask.png"] = bytes(cv2.imencode(".png", bits, [cv2.IMWRITE_PNG_BILEVEL, 1])[1])
        fields[f"{at:03d}.jpg"] = (root / "JPEGImages" / video / f"{frame}.jpg").read_bytes()
    absent = rng.permutation([name for name in categories if name not in objects.values()])[:4].tolist()
    names = [objects[chosen], *absent] if chosen else absent
    fields["json"] = {
        "names": names,
        "labels": [name == names[0] and chosen > 0 for name in names],
        "boxes": boxes,
        "areas": areas,
    }
    return fields


if __name__ == "__main__":
    main()
