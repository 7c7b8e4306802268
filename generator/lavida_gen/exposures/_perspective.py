"""How large a thing looks where it stands, learnt from the things of the scene whose usual height is known.

On level ground the height of a thing in pixels grows in proportion to how far its foot lies below the horizon (Hoiem et
al., Putting Objects in Perspective, CVPR 2006).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np

from lavida_gen.common.resources import own_yaml, resource
from lavida_gen.exposures._planes import box_of
from lavida_gen.names import lexicon
from lavida_gen.scenes.scene import Scene

HEIGHTS = resource("heights.yaml")


@cache
def _heights() -> dict[str, float]:
    return {str(name): float(height) for name, height in own_yaml(HEIGHTS).items()}


@cache
def usual_height(category: str) -> float | None:
    """Look up the usual height of a category, or of a category that it is a kind of.

    Args:
        category: A category, "" if unknown.

    Returns:
        Metres, None if unknown.
    """
    known = _heights()
    if not category or category in known:
        return known.get(category)
    return next((height for name, height in known.items() if lexicon.same_kind(name, category)), None)


@dataclass(frozen=True, slots=True)
class Perspective:
    """The perspective of a scene on level ground.

    Attributes:
        slope: Pixels per metre that a thing gains for each row that its foot lies lower.
        horizon: Row of the horizon.
        rows: Highest and lowest row on which a thing of the scene stands.
    """

    slope: float
    horizon: float
    rows: tuple[float, float]

    def scale(self, row: float) -> float:
        """Compute the scale of a thing.

        Args:
            row: The row of its foot.

        Returns:
            Pixels per metre, at least 1.
        """
        return max(self.slope * (row - self.horizon), 1.0)


def estimate_perspective(scene: Scene) -> Perspective | None:
    """Estimate the perspective of a scene from its things.

    Args:
        scene: The scene.

    Returns:
        The perspective, None if no thing of known height stands wholly in the picture.
    """
    measured = np.array(sorted(_measure(scene)), np.float64).reshape(-1, 2)
    if not len(measured):
        return None
    rows, scales = measured[:, 0], measured[:, 1]
    height = scene.size[0]
    if np.ptp(rows) > 0.1 * height:
        slope, offset = np.polyfit(rows, scales, 1)
        if slope > 0 and -offset / slope < rows.min():
            return Perspective(float(slope), float(-offset / slope), (float(rows.min()), float(rows.max())))
    row, scale = median(rows.tolist()), median(scales.tolist())
    horizon = min(0.35 * height, row - 0.1 * height)  # one row does not determine the horizon: take a level camera's
    return Perspective(scale / (row - horizon), horizon, (float(rows.min()), float(rows.max())))


def _measure(scene: Scene) -> Iterator[tuple[float, float]]:
    """Row of the foot and pixels per metre of things that stand wholly in the picture."""
    for region in scene.regions:
        height = usual_height(region.category)
        mask = next((mask for mask in region.masks if mask is not None), None)
        if height is None or mask is None or region.kind != "thing":
            continue
        box = box_of(mask)
        if box.y > 1 and box.y + box.height < scene.size[0] - 1 and box.height > 5:
            yield float(box.y + box.height), box.height / height
