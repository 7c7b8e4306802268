"""Cars, vans, lorries and buses: from the side, and from the front or back. Sizes in metres, facing right."""

from __future__ import annotations

import numpy as np

from lavida_gen.street.figures import Appearance, Pose
from lavida_gen.street.paint import Brush, Colour, dim, mix
from lavida_gen.street.things import LAMP, RUBBER, Painter, wheel

GLASS: Colour = (86, 106, 124)


def car(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A car from the side, 4.3 m."""
    paint, low = look.main, dim(look.main, 0.72)
    brush.poly([(-2.1, 0.35), (2.1, 0.35), (2.15, 0.72), (1.9, 0.86), (-2.0, 0.92), (-2.15, 0.75)], paint)
    brush.poly([(-2.13, 0.3), (2.13, 0.3), (2.13, 0.5), (-2.13, 0.5)], low)
    roof = 0.15 * (look.style % 3)
    brush.poly([(-1.75, 0.88), (-1.25 - roof, 1.42), (0.5, 1.44), (1.15, 0.88)], paint)
    brush.poly([(-1.5, 0.9), (-1.15 - roof, 1.34), (-0.35, 1.36), (-0.35, 0.9)], GLASS)
    brush.poly([(-0.25, 0.9), (-0.25, 1.36), (0.42, 1.36), (0.95, 0.9)], mix(GLASS, (220, 230, 236), 0.25))
    brush.line([(-0.3, 0.5), (-0.3, 0.88)], 0.025, low)
    brush.line([(-1.98, 0.84), (1.8, 0.8)], 0.03, mix(paint, (255, 255, 255), 0.22))
    for x in (-0.5, 0.75):
        brush.line([(x, 0.74), (x + 0.14, 0.74)], 0.03, low)
    brush.box(1.93, 0.62, 2.12, 0.76, LAMP)
    brush.box(-2.13, 0.66, -2.0, 0.8, (170, 40, 36))
    for x in (-1.32, 1.32):
        brush.disc((x, 0.36), 0.42, dim(paint, 0.35))
        wheel(brush, (x, 0.33), 0.33)


def van(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A van from the side, 5 m."""
    paint = look.main
    brush.poly([(-2.5, 0.35), (2.5, 0.35), (2.5, 0.95), (1.9, 1.2), (1.45, 2.05), (-2.45, 2.1), (-2.5, 1.9)], paint)
    brush.box(-2.5, 0.32, 2.5, 0.55, dim(paint, 0.7))
    brush.poly([(0.95, 1.15), (0.95, 1.85), (1.4, 1.85), (1.78, 1.15)], GLASS)
    brush.line([(0.8, 0.55), (0.8, 2.0)], 0.03, dim(paint, 0.7))
    brush.line([(-2.4, 1.1), (0.8, 1.1)], 0.035, dim(paint, 0.8))
    brush.line([(-2.44, 2.0), (1.4, 1.96)], 0.04, mix(paint, (255, 255, 255), 0.22))
    brush.box(2.3, 0.75, 2.5, 0.95, LAMP)
    for x in (-1.6, 1.6):
        brush.disc((x, 0.38), 0.46, dim(paint, 0.35))
        wheel(brush, (x, 0.36), 0.36)


def truck(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A lorry from the side, 7 m; cab and box in one colour, so that there is one name for it."""
    box = dim(look.main, 0.9)
    brush.box(-3.5, 0.95, 1.6, 3.1, box)
    brush.box(-3.5, 0.95, 1.6, 1.15, dim(box, 0.7))
    for x in np.arange(-3.2, 1.5, 0.6):
        brush.line([(float(x), 1.2), (float(x), 3.05)], 0.02, dim(box, 0.82))
    brush.poly([(1.75, 0.5), (3.5, 0.5), (3.5, 1.5), (3.2, 2.5), (1.75, 2.5)], look.main)
    brush.poly([(2.3, 1.55), (2.3, 2.3), (3.1, 2.3), (3.36, 1.55)], GLASS)
    brush.box(-3.4, 0.55, 3.4, 0.95, (58, 58, 62))
    brush.box(3.3, 0.7, 3.52, 0.95, LAMP)
    for x in (-2.6, -1.7, 2.6):
        wheel(brush, (x, 0.48), 0.48)


def bus(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A bus from the side, 10 m."""
    paint = look.main
    brush.poly([(-5, 0.35), (5, 0.35), (5, 2.7), (4.8, 2.95), (-4.8, 2.95), (-5, 2.7)], paint)
    brush.box(-5, 0.35, 5, 0.7, dim(paint, 0.65))
    for x in np.arange(-4.6, 3.4, 1.35):
        brush.box(float(x), 1.35, float(x) + 1.15, 2.4, GLASS)
        brush.box(float(x), 1.95, float(x) + 1.15, 2.4, mix(GLASS, (220, 230, 236), 0.3))
    brush.box(3.6, 0.5, 4.4, 2.4, mix(GLASS, (210, 220, 226), 0.2))
    brush.box(4.6, 1.3, 5, 2.5, GLASS)
    brush.box(4.82, 0.75, 5.0, 1.0, LAMP)
    for x in (-3.1, 2.9):
        brush.disc((x, 0.52), 0.58, dim(paint, 0.35))
        wheel(brush, (x, 0.48), 0.48)


def end(
    width: float, height: float, glass: tuple[float, float], taper: float, load: float = 0.0, sign: bool = False
) -> Painter:
    """Make the painting function of a vehicle's front (facing 1) or back, for roads that run away from the camera.

    Args:
        width: Metres.
        height: Metres.
        glass: Lower and upper edge of the window in metres.
        taper: Width of the roof as a factor of the body's.
        load: Height of a box behind the cab in metres, 0 for none.
        sign: Whether it has a sign above the window.

    Returns:
        The function.
    """

    def paint_end(brush: Brush, look: Appearance, pose: Pose) -> None:
        w, paint, front = width / 2, look.main, brush.facing > 0
        low, high, roof = glass[0], glass[1], width / 2 * taper
        for x in (-w * 0.8, w * 0.8):
            brush.box(x - 0.12, 0, x + 0.12, 0.5, RUBBER)
        brush.box(-w * 0.9, 0.2, w * 0.9, 0.5, (46, 46, 50))
        if load:
            brush.box(-w, 0.9, w, load, dim(paint, 0.88))
        if load and not front:  # doors
            brush.line([(0, 0.95), (0, load)], 0.04, dim(paint, 0.62))
            brush.box(-w, 0.6, w, 0.95, paint)
            _end_details(brush, w, low, front)
            return
        brush.poly([(-w, 0.34), (w, 0.34), (w, low), (roof, height - 0.08), (-roof, height - 0.08), (-w, low)], paint)
        brush.poly(
            [(-roof, height - 0.09), (roof, height - 0.09), (roof * 0.92, height), (-roof * 0.92, height)], paint
        )
        brush.box(-w, 0.34, w, 0.52, dim(paint, 0.6))
        brush.line([(-w * 0.97, low - 0.05), (w * 0.97, low - 0.05)], 0.035, dim(paint, 0.8))
        edge = roof - 0.1
        pane = [(-w * 0.9, low), (w * 0.9, low), (edge, high), (-edge, high)]
        brush.poly(pane, mix(GLASS, (30, 36, 44), 0.25))
        brush.poly([pane[0], (-w * 0.1, low), (edge * 0.35, high), pane[3]], mix(GLASS, (222, 230, 236), 0.22))
        if sign:
            brush.box(-w * 0.55, high + 0.12, w * 0.55, high + 0.38, (40, 40, 44))
        _end_details(brush, w, low, front)

    return paint_end


def _end_details(brush: Brush, w: float, low: float, front: bool) -> None:
    """Lamps, grille, number plate, mirrors."""
    for x in (-w * 0.78, w * 0.78):
        brush.disc((x, 0.7), 0.14, (70, 70, 74), squash=0.75)
        brush.disc((x, 0.7), 0.11, LAMP if front else (196, 34, 30), squash=0.75)
    if front:
        brush.box(-w * 0.5, 0.6, w * 0.5, 0.76, (44, 44, 48))
        for side in (-1, 1):
            brush.box(min(side * w, side * (w + 0.16)), low, max(side * w, side * (w + 0.16)), low + 0.16, RUBBER)
    brush.box(-0.28, 0.4, 0.28, 0.51, (226, 226, 220))
