"""gtFine of two cities: instances (1000 * class + number), classes without instances, a group of cars, void."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniatures import shapes

ROAD, SIGN, SKY, PERSON, CAR = 7, 20, 23, 24, 26
EGO_VEHICLE = 1


def draw(root: Path) -> dict[str, Any]:
    for seed, (city, sequence, frame) in enumerate([("aachen", 0, 19), ("aachen", 1, 19), ("zurich", 0, 19)]):
        stem = f"{city}_{sequence:06d}_{frame:06d}"
        shapes.save(root / "leftImg8bit" / "train" / city / f"{stem}_leftImg8bit.png", shapes.photo(seed))
        boxes = {
            SKY: (0, 0, 64, 10),
            SIGN: (50, 4, 8, 8),
            1000 * PERSON: (4 + seed, 14, 8, 20),
            1000 * CAR: (16, 20, 14, 10),
            1000 * CAR + 1: (32, 20 + seed, 14, 10),
            CAR: (48, 20, 14, 10),
            EGO_VEHICLE: (0, 44, 64, 4),
        }
        file = root / "gtFine" / "train" / city / f"{stem}_gtFine_instanceIds.png"
        shapes.save(file, shapes.plane(boxes, ground=ROAD, dtype=np.uint16))
    return {"root": root}
