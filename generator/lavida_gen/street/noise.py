"""Value noise: the texture of ground, leaves and clouds."""

from __future__ import annotations

import cv2
import numpy as np

from lavida_gen.street.paint import Floats


class Noise:
    """Smooth random patterns over a plane; one draw from the rng determines all of them."""

    SIDE = 256

    def __init__(self, rng: np.random.Generator) -> None:
        tile = rng.random((self.SIDE, self.SIDE), np.float32)
        self._tile = tile

    def __call__(self, u: Floats, v: Floats) -> Floats:
        """Compute value noise; features are one unit wide.

        Args:
            u: Coordinates below 30,000, float32 (H, W).
            v: The other coordinates, float32 (H, W).

        Returns:
            0..1, float32 (H, W).
        """
        return np.asarray(cv2.remap(self._tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)

    def cloud(self, u: Floats, v: Floats, octaves: int = 4) -> Floats:
        """Sum value noise of several scales.

        Args:
            u: Coordinates, float32 (H, W).
            v: The other coordinates, float32 (H, W).
            octaves: Number of scales.

        Returns:
            0..1, float32 (H, W).
        """
        total: Floats = np.zeros(np.shape(u), np.float32)
        weight = 0.0
        for octave in range(octaves):
            share = 0.5**octave
            total += share * self(u * 2**octave + 17.3 * octave, v * 2**octave + 5.1 * octave)
            weight += share
        return total / np.float32(weight)
