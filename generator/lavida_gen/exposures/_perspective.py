"""How large a thing looks where it stands: learnt from the things of the scene whose usual height is known.

On level ground the height of a thing in pixels grows in proportion to how far its foot lies below the horizon (Hoiem et
al., Putting Objects in Perspective, CVPR 2006).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import yaml

from lavida_gen.common.resources import resource
from lavida_gen.names import lexicon
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Scene

HEIGHTS = resource("heights.yaml")


@cache
def _heights() -> dict[str, float]:
    return {str(name): float(height) for name, height in yaml.safe_load(HEIGHTS.read_text(encoding="utf-8")).items()}


@cache
def metres(category: str) -> float | None:
    """Usual height of a category in metres, of what it is a kind of if it is not in the table; None if unknown."""
    known = _heights()
    if not category or category in known:
        return known.get(category)
    return next((height for name, height in known.items() if lexicon.same_kind(name, category)), None)


@dataclass(frozen=True, slots=True)
class Perspective:
    """Pixels per metre at a row: `slope` * (row - `horizon`). `rows` are the lowest and highest foot seen."""

    slope: float
    horizon: float
    rows: tuple[float, float]

    def scale(self, row: float) -> float:
        """Pixels per metre for a thing whose foot is on `row`."""
        return max(self.slope * (row - self.horizon), 1.0)


def of(scene: Scene) -> Perspective | None:
    """The perspective of a scene, None if no thing in it tells."""
    seen = np.array(sorted(_seen(scene)), np.float64).reshape(-1, 2)
    if not len(seen):
        return None
    rows, scales = seen[:, 0], seen[:, 1]
    height = scene.size[0]
    if np.ptp(rows) > 0.1 * height:
        slope, offset = np.polyfit(rows, scales, 1)
        if slope > 0 and -offset / slope < rows.min():
            return Perspective(float(slope), float(-offset / slope), (float(rows.min()), float(rows.max())))
    row, scale = float(np.median(rows)), float(np.median(scales))
    horizon = min(0.35 * height, row - 0.1 * height)  # one row tells nothing of the horizon: as of a level camera
    return Perspective(scale / (row - horizon), horizon, (float(rows.min()), float(rows.max())))


def _seen(scene: Scene) -> Iterable[tuple[float, float]]:
    """Foot row and pixels per metre of things that stand wholly in the frame."""
    for region in scene.regions:
        tall = metres(region.category)
        mask = next((mask for mask in region.masks if mask is not None), None)
        if tall is None or mask is None or region.kind != "thing":
            continue
        box = masks.box(mask)
        if box.y > 1 and box.y + box.height < scene.size[0] - 1 and box.height > 5:
            yield float(box.y + box.height), box.height / tall
