"""The light of a view, and the air between it and the camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lavida_gen.street.paint import Colour, Sprite


@dataclass(frozen=True, slots=True)
class Light:
    """The light of a view.

    Attributes:
        side: -1 if it comes from the left, 1 from the right.
        strength: 0 (overcast) to 1 (sun).
        air: Colour of the air.
    """

    side: int
    strength: float
    air: Colour


def through_air(sprite: Sprite, light: Light, z: float) -> Sprite:
    """Add haze: the farther away a thing is, the more it has the colour of the air.

    Args:
        sprite: The thing.
        light: The light of the view.
        z: Its depth in metres.

    Returns:
        A new sprite.
    """
    haze = np.float32(1 - np.exp(-z / 130))
    return replace(sprite, pixels=sprite.pixels * (1 - haze) + np.asarray(light.air, np.float32) * haze)
