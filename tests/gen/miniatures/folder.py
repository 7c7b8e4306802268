"""A user's own images (JPEG and PNG, one in a subfolder) with index masks and names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes


def draw(root: Path) -> dict[str, Any]:
    shapes.write(root / "names.txt", "floor\ncart\nperson on a bench\n")
    for seed, name in enumerate(["a", "b", "deeper/c"]):
        image = root / "images" / f"{name}.{'png' if seed == 1 else 'jpg'}"
        shapes.save(image, shapes.photo(seed))
        boxes = {1: (5, 5, 16, 12), 2: (30 + seed, 20, 14, 20), 255: (0, 44, 64, 4)}
        shapes.save(root / "masks" / f"{name}.png", shapes.plane(boxes))
    return {"root": root, "background": ["floor"]}
