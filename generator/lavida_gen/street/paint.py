"""Brush, sprites and colours. Colours are float RGB 0..255."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Point = tuple[float, float]
Floats = NDArray[np.float32]

SUPER = 3
"""Factor by which sprites are painted larger and then shrunk, for smooth edges."""
BELOW = 0.15
"""Metres below the ground that belong to a painting: wheels, edges."""
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


def in_colours(plane: Floats) -> Floats:
    """Repeat a value of each pixel for each of its colours: numpy multiplies rows of (W, 1) by far the slowest.

    Args:
        plane: float32 (H, W), not empty.

    Returns:
        float32 (H, W, 3).
    """
    return np.asarray(cv2.merge([plane, plane, plane]), np.float32)


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


class Sheet(NamedTuple):
    """Where a sprite lies in the picture, in pixels; it may reach out of it."""

    left: int
    top: int
    width: int
    height: int


class Painting:
    """A sprite that is painted when somebody looks at it; where it lies is known before.

    Attributes:
        sheet: Where it lies.
    """

    def __init__(self, sheet: Sheet, paint: Callable[[], Sprite | Shrunk]) -> None:
        """Keep how to paint it.

        Args:
            sheet: Where it lies.
            paint: Paints it; what it returns is kept.
        """
        self.sheet, self._paint = sheet, paint

    @cached_property
    def _painted(self) -> Sprite | Shrunk:
        return self._paint()

    @property
    def alpha(self) -> Floats:
        """Coverage, float32 (h, w), 0..1."""
        return self._painted.alpha

    @property
    def sprite(self) -> Sprite:
        """The sprite."""
        return self._painted if isinstance(self._painted, Sprite) else self._painted.sprite()


class Stand(NamedTuple):
    """Where and how large a thing is painted.

    Attributes:
        foot: Its foot point in the picture, (column, row).
        scale: Pixels per metre.
        extent: Metres to the left, to the right and up that the painting may need.
        facing: 1, or -1 for a mirrored painting.
    """

    foot: Point
    scale: float
    extent: tuple[float, float, float]
    facing: int = 1

    def sheet(self) -> Sheet:
        """Where the painting lies in the picture."""
        left, right, top = self.extent if self.facing > 0 else (self.extent[1], self.extent[0], self.extent[2])
        return Sheet(
            int(np.floor(self.foot[0] - left * self.scale)) - 1,
            int(np.floor(self.foot[1] - top * self.scale)) - 1,
            int(np.ceil((left + right) * self.scale)) + 3,
            int(np.ceil((top + BELOW) * self.scale)) + 3,
        )


class Brush:
    """Paints in metres around a thing's foot point: x right, y up.

    Attributes:
        facing: 1, or -1 for a mirrored painting.
    """

    def __init__(self, stand: Stand) -> None:
        """Begin an empty painting.

        Args:
            stand: Where and how large the thing is painted.
        """
        self.facing, self._scale, self._sheet = stand.facing, stand.scale, stand.sheet()
        self._x, self._y = stand.foot[0] - self._sheet.left, stand.foot[1] - self._sheet.top
        size = (self._sheet.height * SUPER, self._sheet.width * SUPER)
        self._canvas = np.zeros((*size, 4), np.uint8)  # RGB, and 255 where something is painted

    def _fixed_point(self, point: Point) -> tuple[int, int]:
        x = (self._x + self.facing * point[0] * self._scale) * SUPER
        y = (self._y - point[1] * self._scale) * SUPER
        return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))

    def _length(self, metres: float) -> float:
        return metres * self._scale * SUPER

    def poly(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        corners = np.array([self._fixed_point(point) for point in points], np.int32)
        cv2.fillPoly(self._canvas, [corners], (*colour, 255.0), cv2.LINE_8, _SHIFT)

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        """Fill an upright rectangle."""
        self.poly([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def disc(self, centre: Point, radius: float, colour: Colour, squash: float = 1.0, turn: float = 0.0) -> None:
        """Fill an ellipse; `squash` is height over width, `turn` in degrees, anticlockwise, before mirroring."""
        axes = (
            max(1, round(self._length(radius) * (1 << _SHIFT))),
            max(1, round(self._length(radius * squash) * (1 << _SHIFT))),
        )
        middle, paint = self._fixed_point(centre), (*colour, 255.0)
        cv2.ellipse(self._canvas, middle, axes, -turn * self.facing, 0, 360, paint, -1, cv2.LINE_8, _SHIFT)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Paint a line with round ends, `width` in metres."""
        corners = np.array([self._fixed_point(point) for point in points], np.int32)
        thick, shift = max(1, round(self._length(width))), _SHIFT
        if thick == 1:  # OpenCV 5 begins the thinnest lines in the middle of pixels, OpenCV 4 between them
            corners, shift = (corners + (1 << _SHIFT >> 1)) >> _SHIFT, 0
        cv2.polylines(self._canvas, [corners], False, (*colour, 255.0), thick, cv2.LINE_8, shift)

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
        return self.shrunk().sprite()

    def shrunk(self) -> Shrunk:
        """Finish the painting, to make its sprite later.

        Returns:
            The painting in the picture's resolution.
        """
        size = (self._sheet.width, self._sheet.height)
        small = cv2.resize(self._canvas, size, interpolation=cv2.INTER_AREA)
        return Shrunk(self._sheet, np.asarray(small, np.uint8))


class Shrunk(NamedTuple):
    """A finished painting, a quarter of its sprite in memory: in a clip many wait for their pictures.

    Attributes:
        sheet: Where it lies.
        paint: RGB, black where nothing is painted, and coverage, uint8 (h, w, 4).
    """

    sheet: Sheet
    paint: NDArray[np.uint8]

    @property
    def alpha(self) -> Floats:
        """Coverage, float32 (h, w), 0..1."""
        return self.paint[:, :, 3] * np.float32(1 / 255)

    def sprite(self) -> Sprite:
        """Make the sprite."""
        alpha = self.alpha
        pixels = self.paint[:, :, :3].astype(np.float32)
        pixels /= in_colours(np.maximum(alpha, 1e-3))  # the sheet is black outside: remove its share at the edges
        return Sprite(pixels, alpha, self.sheet.left, self.sheet.top)
