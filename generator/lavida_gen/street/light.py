"""The light of a view, and the air between it and the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lavida_gen.street.paint import Colour, Sprite


@dataclass(frozen=True, slots=True)
class Light:
    """side: -1 light comes from the left, 1 from the right; strength 0 (overcast) .. 1 (sun); colour of the air."""

    side: int
    strength: float
    air: Colour


def aired(sprite: Sprite, light: Light, z: float) -> Sprite:
    """The further away, the more of the air's colour."""
    haze = np.float32(1 - np.exp(-z / 130))
    sprite.pixels = sprite.pixels * (1 - haze) + np.asarray(light.air, np.float32) * haze
    return sprite
