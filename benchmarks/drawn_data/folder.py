"""A drawn folder of small pictures with index masks, and a recipe over it: pixels cost next to nothing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIDE = 64
"""Height and width of all pictures in pixels."""
THINGS = 3
"""Things of a picture."""
NAMES = (
    "ground", "dog", "cat", "car", "bicycle", "bench", "bottle", "umbrella", "suitcase", "horse", "ladder", "kite",
    "bucket", "chair", "truck", "bird", "backpack",
)  # fmt: skip
"""The first is the value 0, which all pictures have."""


def draw_folder(root: Path, pictures: int) -> Path:
    """Write JPEGs of 64 x 64 pixels (about 2 kB), each with an index mask of 3 things, and the names.

    Args:
        root: A folder; pictures that are there are kept.
        pictures: How many.

    Returns:
        The folder.
    """
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True, exist_ok=True)
    for number in range(pictures):
        image, mask = (root / part / f"{number:06d}.{kind}" for part, kind in (("images", "jpg"), ("masks", "png")))
        if mask.exists():
            continue
        rng = np.random.default_rng(number)
        pixels = cv2.resize(rng.integers(0, 255, (8, 8, 3), np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        plane = np.zeros((SIDE, SIDE), np.uint8)
        for value in rng.choice(np.arange(1, len(NAMES)), THINGS, replace=False).tolist():
            (y, x), (height, width) = rng.integers(0, 44, 2).tolist(), rng.integers(12, 20, 2).tolist()
            plane[y : y + height, x : x + width] = value
            pixels[y : y + height, x : x + width] //= 2
        cv2.imwrite(str(image), pixels)
        cv2.imwrite(str(mask), plane)
    (root / "names.txt").write_text("\n".join(NAMES) + "\n")
    return root


def folder_recipe(root: Path, samples: int, shards: int) -> dict[str, object]:
    """The keys of a recipe of images over `draw_folder`.

    Args:
        root: The folder.
        samples: How many to make.
        shards: In how many shards, about.
    """
    return {
        "name": "scale",
        "samples": samples,
        "val": 0.1,
        "shard": {"samples": -(-samples // shards)},
        "sources": [{"name": "folder", "root": str(root), "licence": "CC0-1.0", "use": "free"}],
        "exposures": ["relabel", {"name": "absent", "weight": 2}],
    }
