"""Brush, noise and colours. Colours are float RGB 0..255."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Point = tuple[float, float]
Floats = NDArray[np.float32]

SUPER = 3
"""Factor by which sprites are painted larger and then shrunk, for smooth edges."""
_SHIFT = 4  # fractional bits of OpenCV's coordinates

COLOURS: dict[str, Colour] = {
    "red": (196, 40, 36),
    "blue": (44, 84, 178),
    "green": (46, 128, 62),
    "yellow": (232, 196, 48),
    "black": (38, 38, 42),
    "white": (232, 232, 228),
    "orange": (230, 122, 34),
    "purple": (118, 58, 150),
    "pink": (232, 132, 168),
    "brown": (118, 76, 46),
    "gray": (128, 130, 134),
}
"""Colour names that expressions use."""


def mix(one: Colour, two: Colour, share: float) -> Colour:
    """Mix two colours.

    Args:
        one: A colour.
        two: Another colour.
        share: Share of the second, 0..1.

    Returns:
        The mixture.
    """
    a, b, c = (p + (q - p) * share for p, q in zip(one, two, strict=True))
    return a, b, c


def dim(colour: Colour, factor: float) -> Colour:
    """Make a colour darker or lighter.

    Args:
        colour: A colour.
        factor: Below 1 for a darker one.

    Returns:
        The new colour.
    """
    a, b, c = (min(255.0, p * factor) for p in colour)
    return a, b, c


def vary(rng: np.random.Generator, colour: Colour, deviation: float = 14) -> Colour:
    """Draw a colour that has the same name.

    Args:
        rng: The source of randomness.
        colour: A colour.
        deviation: Standard deviation of its brightness.

    Returns:
        The new colour.
    """
    shade, *tints = (deviation * rng.standard_normal(4)).tolist()
    a, b, c = (min(max(p + shade + tint / 3, 8.0), 250.0) for p, tint in zip(colour, tints, strict=True))
    return a, b, c


@dataclass(frozen=True, slots=True)
class Sprite:
    """A painted thing.

    Attributes:
        pixels: float32 RGB (h, w, 3), 0..255.
        alpha: Coverage, float32 (h, w), 0..1.
        left: Column of its left edge in the picture.
        top: Row of its upper edge in the picture.
    """

    pixels: Floats
    alpha: Floats
    left: int
    top: int


class Brush:
    """Paints in metres around a thing's foot point: x right, y up.

    Attributes:
        facing: 1, or -1 for a mirrored painting.
        left: Column of the painting's left edge in the picture.
        top: Row of its upper edge in the picture.
    """

    BELOW = 0.15
    """Metres below the ground that belong to the painting: wheels, edges."""

    def __init__(self, foot: Point, scale: float, extent: tuple[float, float, float], facing: int = 1) -> None:
        """Begin an empty painting.

        Args:
            foot: The foot point in the picture, (column, row).
            scale: Pixels per metre.
            extent: Metres to the left, to the right and up that the painting may need.
            facing: 1, or -1 for a mirrored painting.
        """
        left, right, top = extent if facing > 0 else (extent[1], extent[0], extent[2])
        self.facing, self._scale = facing, scale
        self.left = int(np.floor(foot[0] - left * scale)) - 1
        self.top = int(np.floor(foot[1] - top * scale)) - 1
        width = int(np.ceil((left + right) * scale)) + 3
        height = int(np.ceil((top + self.BELOW) * scale)) + 3
        self._x, self._y = foot[0] - self.left, foot[1] - self.top
        self._sheet = np.zeros((height * SUPER, width * SUPER, 3), np.uint8)
        self._cover = np.zeros((height * SUPER, width * SUPER), np.uint8)
        self._size = (width, height)

    def _fixed_point(self, point: Point) -> tuple[int, int]:
        x = (self._x + self.facing * point[0] * self._scale) * SUPER
        y = (self._y - point[1] * self._scale) * SUPER
        return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))

    def _length(self, metres: float) -> float:
        return metres * self._scale * SUPER

    def poly(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        corners = np.array([self._fixed_point(point) for point in points], np.int32)
        for sheet, paint in ((self._sheet, colour), (self._cover, (255.0,))):
            cv2.fillPoly(sheet, [corners], paint, cv2.LINE_8, _SHIFT)

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        """Fill an upright rectangle."""
        self.poly([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def disc(self, centre: Point, radius: float, colour: Colour, squash: float = 1.0, turn: float = 0.0) -> None:
        """Fill an ellipse; `squash` is height over width, `turn` in degrees, anticlockwise, before mirroring."""
        axes = (
            max(1, round(self._length(radius) * (1 << _SHIFT))),
            max(1, round(self._length(radius * squash) * (1 << _SHIFT))),
        )
        for sheet, paint in ((self._sheet, colour), (self._cover, (255.0,))):
            cv2.ellipse(
                sheet, self._fixed_point(centre), axes, -turn * self.facing, 0, 360, paint, -1, cv2.LINE_8, _SHIFT
            )

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Paint a line with round ends, `width` in metres."""
        corners = np.array([self._fixed_point(point) for point in points], np.int32)
        thick, shift = max(1, round(self._length(width))), _SHIFT
        if thick == 1:  # OpenCV 5 begins the thinnest lines in the middle of pixels, OpenCV 4 between them
            corners, shift = (corners + (1 << _SHIFT >> 1)) >> _SHIFT, 0
        for sheet, paint in ((self._sheet, colour), (self._cover, (255.0,))):
            cv2.polylines(sheet, [corners], False, paint, thick, cv2.LINE_8, shift)

    def limb(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Paint a rounded limb: darker at its edge, lit slightly off its middle."""
        self.line(points, width, dim(colour, 0.78))
        shift = width * 0.1
        self.line([(x + shift * self.facing * 0.6, y + shift) for x, y in points], width * 0.62, colour)

    def ring(self, centre: Point, radius: float, width: float, colour: Colour) -> None:
        """Paint a circle; transparent inside."""
        steps = np.linspace(0, 2 * np.pi, 29)
        self.line([(centre[0] + radius * np.cos(a), centre[1] + radius * np.sin(a)) for a in steps], width, colour)

    def sprite(self) -> Sprite:
        """Finish the painting.

        Returns:
            The sprite, in the picture's resolution.
        """
        alpha: Floats = cv2.resize(self._cover, self._size, interpolation=cv2.INTER_AREA) * np.float32(1 / 255)
        colour: Floats = cv2.resize(self._sheet, self._size, interpolation=cv2.INTER_AREA).astype(np.float32)
        colour /= np.maximum(alpha, 1e-3)[:, :, None]  # the sheet is black outside: remove its share at the edges
        return Sprite(colour, alpha, self.left, self.top)


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
