"""A pinhole camera over a ground plane.

World: X right, Y up, Z forward, in metres; picture: x right, y down, in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FARTHEST = 400.0
"""Metres; what lies behind is all the same air."""


@dataclass(frozen=True, slots=True)
class Camera:
    """size (H, W); focal length in pixels; height above the ground in metres; row of the horizon in pixels.

    The picture plane stays vertical and is shifted instead of tilted (as with a view camera), so upright things stay
    upright.
    """

    size: tuple[int, int]
    focal: float
    height: float
    horizon: float

    def project(self, x: Any, y: Any, z: Any) -> tuple[Any, Any]:
        """World point(s) to picture (x, y); scalars or arrays, z > 0."""
        scale = self.focal / z
        return self.size[1] / 2 + x * scale, self.horizon + (self.height - y) * scale

    def scale(self, z: float) -> float:
        """Pixels per metre at depth z."""
        return self.focal / z

    def depth_at(self, row: float) -> float:
        """Depth of the ground seen in a row below the horizon."""
        return self.focal * self.height / max(row - self.horizon, 1e-3)

    def near(self) -> float:
        """Depth of the ground at the lower edge."""
        return self.depth_at(self.size[0])

    def half_width(self, z: float) -> float:
        """Metres from the middle to the edge of the picture at depth z."""
        return self.size[1] / 2 * z / self.focal

    def ground(self, top: int = 0) -> tuple[Any, Any, Any]:
        """World X and Z of the ground in each pixel, float32 (H, W), and whether ground is seen, bool (H, W).

        Only of the rows from `top` on.
        """
        rows, columns = np.mgrid[top : self.size[0], : self.size[1]].astype(np.float32)
        below = rows - self.horizon
        seen = below > 0.5
        z = np.minimum(self.focal * self.height / np.where(seen, below, 1), FARTHEST)
        x = (columns - self.size[1] / 2) * z / self.focal
        return x.astype(np.float32), z.astype(np.float32), seen


def look(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """A camera somewhere between a passer-by's eyes and a surveillance pole."""
    height = float(rng.choice([rng.uniform(1.7, 2.4), rng.uniform(3.0, 4.5), rng.uniform(5.0, 7.5)]))
    lift = float(np.interp(height, [1.7, 3.5, 7.5], [0.44, 0.30, 0.16]))
    return Camera(
        size, size[1] * float(rng.uniform(0.85, 1.15)), height, size[0] * (lift + float(rng.uniform(-0.03, 0.03)))
    )
