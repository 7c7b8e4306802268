"""A table of images and index masks, saved by the `datasets` library."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from miniatures import shapes


def encoded(pixels: np.ndarray, kind: str) -> dict[str, Any]:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return {"bytes": out.getvalue(), "path": None}


def draw(root: Path) -> dict[str, Any]:
    import datasets

    rows = {
        "image": [encoded(shapes.photo(seed), "JPEG") for seed in range(3)],
        "mask": [
            encoded(shapes.plane({1: (5, 5 + seed, 16, 12), 2: (30, 20, 14, 20), 255: (0, 44, 64, 4)}), "PNG")
            for seed in range(3)
        ],
        "caption": ["one", "two", "three"],
    }
    features = datasets.Features(
        {"image": datasets.Image(), "mask": datasets.Image(), "caption": datasets.Value("string")}
    )
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(root))
    return {"saved": root, "names": ["", "cart", "person"]}
