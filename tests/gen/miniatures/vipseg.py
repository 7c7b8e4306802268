"""VIPSeg of two videos: 16-bit masks with stuff, instances of things, a class that names nothing, and void."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from miniatures import shapes

LABELS = {"others": "0", "window": "9", "road": "19", "dog": "63", "person": "61", "other_animal": "66", "tent": "47"}
VIDEOS = ("0_wHveSGjXyDY", "12_-Yb4SNYl1Kc")
FRAMES = 6


def plane(time: int) -> np.ndarray:
    """A mask: ground, void above, two persons, a dog that leaves, a tent, a window and some other animal."""
    boxes = {0: (0, 0, 64, 6), 47: (2, 10, 12, 12), 9: (16, 10, 6, 6), 6600: (26, 8, 8, 8)}
    boxes |= {6100: shapes.track(time, (2, 28), (3, 0)), 6101: shapes.track(time, (44, 28), (-1, 1))}
    boxes |= {6300: (40, 8, 10, 10)} if time < 4 else {}
    return shapes.plane(boxes, ground=19, dtype=np.uint16)


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "train.txt", "\n".join(VIDEOS))
    shapes.write(root / "label_num_dic_final.json", json.dumps(LABELS))
    for seed, video in enumerate(VIDEOS):
        for time in range(FRAMES):
            shapes.jpeg(root / "imgs" / video / f"{time + 1:08d}.jpg", 10 * seed + time)
            shapes.save(root / "panomasks" / video / f"{time + 1:08d}.png", plane(time))
    return {"root": root, "frames": 3, "stride": 1}
