"""Parts of miniatures: noisy images, index masks of boxes, and files that store them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (48, 64)
"""(H, W) of all miniatures: not square, so that swapped sides are noticed."""

Box = tuple[int, int, int, int]
"""Left, top, width, height."""


def photo(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) uint8: a gradient with noise, which depends on the seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    base = np.stack([x * 2 + seed * 30, y * 3 + seed * 50, (x + y) * 2], axis=2)
    return ((base + rng.integers(0, 12, (*size, 3))) % 256).astype(np.uint8)


def plane(boxes: dict[int, Box], size: tuple[int, int] = SIZE, ground: int = 0, dtype: Any = np.uint8) -> np.ndarray:
    """(H, W) indices: `ground`, then the boxes, later ones on top."""
    found = np.full(size, ground, dtype)
    for value, (x, y, w, h) in boxes.items():
        found[y : y + h, x : x + w] = value
    return found


def bits(box: Box, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W) bool, set in the box."""
    return plane({1: box}, size).astype(bool)


def save(path: Path, pixels: np.ndarray, **options: Any) -> None:
    """Save an array as an image file; makes its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def jpeg(path: Path, seed: int, size: tuple[int, int] = SIZE) -> None:
    """Save a noisy image as JPEG."""
    save(path, photo(seed, size), quality=92)


def palette(path: Path, indices: np.ndarray) -> None:
    """A palette PNG, as in DAVIS and YouTube-VOS: the colours are unrelated to the indices."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(indices.astype(np.uint8), mode="P")
    image.putpalette([(37 * at + 11) % 256 for at in range(3 * 256)])
    image.save(path)


def write(path: Path, plain: Any) -> None:
    """Write a JSON file, or a text file if `plain` is text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plain if isinstance(plain, str) else json.dumps(plain))


def track(time: int, start: tuple[int, int], step: tuple[int, int], side: tuple[int, int] = (14, 12)) -> Box:
    """The box of an object that moves by `step` pixels per frame."""
    return (start[0] + step[0] * time, start[1] + step[1] * time, *side)


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """COCO's compressed run lengths of a (H, W) mask, as in JSON files."""
    from pycocotools import mask as coco

    encoded = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in encoded["size"]], "counts": encoded["counts"].decode()}


def corners(box: Box) -> list[float]:
    """A box as a COCO polygon."""
    x, y, w, h = box
    return [x, y, x + w, y, x + w, y + h, x, y + h]
