"""Mapillary Vistas 1.2: config.json and 16-bit masks of 256 * class + instance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniatures import shapes

LABELS = [
    {"name": "animal--bird", "readable": "Bird", "instances": True, "evaluate": True},
    {"name": "construction--flat--road", "readable": "Road", "instances": False, "evaluate": True},
    {"name": "object--vehicle--car", "readable": "Car", "instances": True, "evaluate": True},
    {"name": "object--traffic-sign--front", "readable": "Traffic Sign (Front)", "instances": True, "evaluate": True},
    {"name": "void--ego-vehicle", "readable": "Ego Vehicle", "instances": False, "evaluate": True},
    {"name": "void--unlabeled", "readable": "Unlabeled", "instances": False, "evaluate": False},
]


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "config.json", {"labels": LABELS, "version": "1.2"})
    for seed, name in enumerate(["0035fkbjWljhaftpVM37-g", "00qclUcInksIYnm19b1Xfw", "_1Gn_xkw7sa_i9GU4mkxxQ"]):
        shapes.jpeg(root / "training" / "images" / f"{name}.jpg", seed)
        boxes = {
            256 * 5: (0, 0, 64, 3),
            256 * 2 + 0: (4 + seed, 10, 16, 12),
            256 * 2 + 1: (30, 10, 16, 12),
            256 * 3 + 0: (50, 5, 8, 8),
            256 * 0 + 7: (10, 30, 10, 8),
            256 * 4: (0, 44, 64, 4),
        }
        shapes.save(
            root / "training" / "instances" / f"{name}.png", shapes.plane(boxes, ground=256 * 1, dtype=np.uint16)
        )
    return {"root": root}
