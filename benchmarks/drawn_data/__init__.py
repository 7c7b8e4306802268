"""Drawn data sets in official layouts and recipes over them, shared by the benchmarks of this folder.

Images are 640 x 480 JPEGs of about 85 kB with 7 polygons each, as in COCO; no exposure changes them, so their bytes
pass through.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lavida_gen.classes.coco_stuff_names import all_labels
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe

SIZE = (480, 640)
"""Height and width of all pictures in pixels."""
IMAGES, THINGS, KINDS = 300, 7, 80
VIDEOS, LENGTH, OBJECTS, FRAMES = 20, 16, 4, 8


def polygon(rng: np.random.Generator) -> list[float]:
    """Draw a star of 20 corners at a random position, about as large as a thing of COCO.

    Args:
        rng: The source of randomness.

    Returns:
        x0, y0, x1, y1, ... in pixels.
    """
    centre, radius = rng.uniform((80, 80), (560, 400)), rng.uniform(15, 75)
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    reach = radius * rng.uniform(0.6, 1.0, 20)
    return np.round(centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None], 2).ravel().tolist()


def draw_coco(root: Path) -> Path:
    """Write a COCO data set in the official layout.

    Args:
        root: A folder that does not exist or is empty.

    Returns:
        The folder.
    """
    rng = np.random.default_rng(0)
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    images, annotations = [], []
    for number in range(IMAGES):
        noise = rng.integers(0, 255, (60, 80, 3), np.uint8)
        grain = rng.normal(0, 6, (*SIZE, 3))
        pixels = np.clip(cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC) + grain, 0, 255).astype(np.uint8)
        name = f"{number:012d}.jpg"
        cv2.imwrite(str(root / "val2017" / name), pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
        images.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1], "license": 1})
        for _ in range(THINGS):
            kind = 1 + int(rng.integers(KINDS))
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": kind, "iscrowd": 0, "area": 1.0,
                 "bbox": [0, 0, 1, 1], "segmentation": [polygon(rng)]}
            )  # fmt: skip
    names = {k: all_labels()[k].name for k in range(1, KINDS + 1)}
    categories = [{"id": k, "name": name, "supercategory": f"group{k % 12}"} for k, name in names.items()]
    licences = [{"id": 1, "name": "CC BY 2.0", "url": "https://creativecommons.org/licenses/by/2.0/"}]
    plain = {"images": images, "annotations": annotations, "categories": categories, "licenses": licences}
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(plain))
    return root


def draw_vos(root: Path) -> Path:
    """Write YouTube-VOS in the official layout: 20 videos of 16 annotated frames with 4 moving objects.

    Args:
        root: A folder that does not exist or is empty.

    Returns:
        The folder.
    """
    rng = np.random.default_rng(0)
    videos = {}
    for video in range(VIDEOS):
        name = f"{video:010x}"
        noise = rng.integers(0, 255, (60, 80, 3), np.uint8)
        ground = cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        starts = rng.uniform((60, 60), (400, 300), (OBJECTS, 2))
        steps = rng.uniform(-6, 10, (OBJECTS, 2))
        for part in ("JPEGImages", "Annotations"):
            (root / "train" / part / name).mkdir(parents=True)
        for frame in range(LENGTH):
            plane = np.zeros(SIZE, np.uint8)
            for number in range(OBJECTS):
                centre = starts[number] + steps[number] * frame
                cv2.ellipse(plane, tuple(map(int, centre)), (50, 35), 20.0 * number, 0, 360, number + 1, -1)
            pixels = np.clip(ground + rng.normal(0, 6, (*SIZE, 3)), 0, 255).astype(np.uint8)
            pixels[plane > 0] //= 2
            file = root / "train" / "JPEGImages" / name / f"{5 * frame:05d}.jpg"
            cv2.imwrite(str(file), pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
            image = Image.fromarray(plane)
            image.putpalette([(37 * index + 11) % 256 for index in range(768)])
            image.save(root / "train" / "Annotations" / name / f"{5 * frame:05d}.png")
        objects = {str(number + 1): {"category": f"kind{(video + 7 * number) % 65}"} for number in range(OBJECTS)}
        videos[name] = {"objects": objects}
    (root / "train" / "meta.json").write_text(json.dumps({"videos": videos}))
    return root


def clip_recipe(root: Path, samples: int) -> CorpusRecipe:
    """A recipe of clips over `draw_vos`."""
    return recipes.parse(
        {
            "name": "bench",
            "samples": samples,
            "val": 0.05,
            "shard": {"samples": max(20, samples // 8)},
            "sources": [{"name": "youtube_vos", "root": str(root), "frames": FRAMES}],
            "exposures": ["relabel", "absent"],
        }
    )


def coco_recipe(root: Path, samples: int) -> CorpusRecipe:
    """A recipe of images over `draw_coco`."""
    return recipes.parse(
        {
            "name": "bench",
            "samples": samples,
            "val": 0.05,
            "shard": {"samples": max(50, samples // 16)},
            "sources": [{"name": "coco", "root": str(root), "split": "val2017"}],
            "exposures": ["relabel", {"name": "absent", "weight": 2}, "near_miss"],
        }
    )


def street_recipe(samples: int, kind: str) -> CorpusRecipe:
    """A recipe of the source `street`: its pixels are rendered, not read."""
    return recipes.parse(
        {
            "name": "bench",
            "samples": samples,
            "shard": {"samples": max(10, samples // 8)},
            "sources": [{"name": "street", "kind": kind}],
            "exposures": ["relabel", "absent", "near_miss"],
        }
    )
