"""A pinhole camera over a ground plane.

World: X right, Y up, Z forward, in metres; picture: x right, y down, in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lavida_gen.street.paint import Floats

FARTHEST = 400.0
"""Metres: nothing beyond is distinguished."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera whose picture plane is vertical and shifted instead of tilted, so that upright things stay upright.

    Attributes:
        size: (H, W) in pixels.
        focal: Focal length in pixels.
        height: Metres above the ground.
        horizon: Row of the horizon.
    """

    size: tuple[int, int]
    focal: float
    height: float
    horizon: float

    def project(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Project a point of the world.

        Args:
            x: Metres to the right.
            y: Metres up.
            z: Metres forward, above 0.

        Returns:
            Column and row in the picture.
        """
        scale = self.focal / z
        return self.size[1] / 2 + x * scale, self.horizon + (self.height - y) * scale

    def scale(self, z: float) -> float:
        """Pixels per metre at depth `z` in metres."""
        return self.focal / z

    def depth_at(self, row: float) -> float:
        """Depth in metres of the ground in a row below the horizon."""
        return self.focal * self.height / max(row - self.horizon, 1e-3)

    def near(self) -> float:
        """Depth in metres of the ground at the lower edge of the picture."""
        return self.depth_at(self.size[0])

    def half_width(self, z: float) -> float:
        """Metres from the middle to the edge of the picture at depth `z` in metres."""
        return self.size[1] / 2 * z / self.focal

    def ground(self, top: int = 0) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Compute where the ground of each pixel lies.

        Args:
            top: First row; the result has H - top rows.

        Returns:
            World X and Z in metres, float32 (H, W), and whether the pixel shows ground, bool (H, W).
        """
        rows, columns = np.mgrid[top : self.size[0], : self.size[1]].astype(np.float32)
        below = rows - self.horizon
        is_ground = below > 0.5
        z = np.minimum(self.focal * self.height / np.where(is_ground, below, 1), FARTHEST)
        x = (columns - self.size[1] / 2) * z / self.focal
        return x.astype(np.float32), z.astype(np.float32), is_ground


def draw_camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """Draw a camera somewhere between a passer-by's eyes and a surveillance pole.

    Args:
        rng: The source of randomness.
        size: (H, W) in pixels.

    Returns:
        The camera.
    """
    height = float(rng.choice([rng.uniform(1.7, 2.4), rng.uniform(3.0, 4.5), rng.uniform(5.0, 7.5)]))
    lift = float(np.interp(height, [1.7, 3.5, 7.5], [0.44, 0.30, 0.16]))
    return Camera(
        size, size[1] * float(rng.uniform(0.85, 1.15)), height, size[0] * (lift + float(rng.uniform(-0.03, 0.03)))
    )
