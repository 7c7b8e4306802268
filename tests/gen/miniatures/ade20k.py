"""ADEChallengeData2016 with four classes. 0 is void and must not become a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniatures import shapes

INFO = """Idx\tRatio\tTrain\tVal\tName
1\t0.1576\t11664\t1172\twall
5\t0.0480\t6678\t641\ttree
13\t0.0160\t5075\t526\tperson, individual, someone, somebody, mortal, soul
22 \t0.0074\t709\t75\twater
128\t0.0004\t347\t36\tbicycle, bike, wheel, cycle
"""


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "objectInfo150.txt", INFO)
    for number in range(1, 4):
        name = f"ADE_train_{number:08d}"
        shapes.jpeg(root / "images" / "training" / f"{name}.jpg", number)
        boxes = {0: (0, 0, 64, 5), 13: (4 + number, 10, 12, 20), 128: (36, 20 + number, 20, 16)}
        shapes.save(root / "annotations" / "training" / f"{name}.png", shapes.plane(boxes, ground=1, dtype=np.uint8))
    return {"root": root}
