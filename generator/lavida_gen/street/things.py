"""Everything that is no living thing: vehicles, what people push, carry or leave. Sizes in metres, facing right.

Each drawing is `draw(brush, look, pose)`: the look's main colour is the one that expressions name.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lavida_gen.street.figures import Look, Pose
from lavida_gen.street.paint import Brush, Colour, Point, dim, mix

Draw = Callable[[Brush, Look, Pose], None]
"""Draws one thing."""

RUBBER: Colour = (34, 34, 36)
METAL: Colour = (158, 160, 164)
GLASS: Colour = (86, 106, 124)
LAMP: Colour = (244, 232, 184)


def _wheel(brush: Brush, centre: Point, radius: float, hub: Colour = METAL) -> None:
    brush.disc(centre, radius, RUBBER)
    brush.disc(centre, radius * 0.58, dim(hub, 0.85))
    brush.disc(centre, radius * 0.2, dim(hub, 0.55))


def _spokes(brush: Brush, centre: Point, radius: float, phase: float) -> None:
    brush.ring(centre, radius, 0.045, RUBBER)
    for turn in np.linspace(0, np.pi, 4, endpoint=False) - 2 * np.pi * phase:
        dx, dy = radius * float(np.cos(turn)), radius * float(np.sin(turn))
        brush.line([(centre[0] - dx, centre[1] - dy), (centre[0] + dx, centre[1] + dy)], 0.016, (176, 178, 182))


def car(brush: Brush, look: Look, pose: Pose) -> None:
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
    for at in (-0.5, 0.75):
        brush.line([(at, 0.74), (at + 0.14, 0.74)], 0.03, low)
    brush.box(1.93, 0.62, 2.12, 0.76, LAMP)
    brush.box(-2.13, 0.66, -2.0, 0.8, (170, 40, 36))
    for at in (-1.32, 1.32):
        brush.disc((at, 0.36), 0.42, dim(paint, 0.35))
        _wheel(brush, (at, 0.33), 0.33)


def van(brush: Brush, look: Look, pose: Pose) -> None:
    """A van from the side, 5 m."""
    paint = look.main
    brush.poly([(-2.5, 0.35), (2.5, 0.35), (2.5, 0.95), (1.9, 1.2), (1.45, 2.05), (-2.45, 2.1), (-2.5, 1.9)], paint)
    brush.box(-2.5, 0.32, 2.5, 0.55, dim(paint, 0.7))
    brush.poly([(0.95, 1.15), (0.95, 1.85), (1.4, 1.85), (1.78, 1.15)], GLASS)
    brush.line([(0.8, 0.55), (0.8, 2.0)], 0.03, dim(paint, 0.7))
    brush.line([(-2.4, 1.1), (0.8, 1.1)], 0.035, dim(paint, 0.8))
    brush.line([(-2.44, 2.0), (1.4, 1.96)], 0.04, mix(paint, (255, 255, 255), 0.22))
    brush.box(2.3, 0.75, 2.5, 0.95, LAMP)
    for at in (-1.6, 1.6):
        brush.disc((at, 0.38), 0.46, dim(paint, 0.35))
        _wheel(brush, (at, 0.36), 0.36)


def truck(brush: Brush, look: Look, pose: Pose) -> None:
    """A lorry from the side, 7 m; cab and box in one colour, so that there is one name for it."""
    box = dim(look.main, 0.9)
    brush.box(-3.5, 0.95, 1.6, 3.1, box)
    brush.box(-3.5, 0.95, 1.6, 1.15, dim(box, 0.7))
    for at in np.arange(-3.2, 1.5, 0.6):
        brush.line([(float(at), 1.2), (float(at), 3.05)], 0.02, dim(box, 0.82))
    brush.poly([(1.75, 0.5), (3.5, 0.5), (3.5, 1.5), (3.2, 2.5), (1.75, 2.5)], look.main)
    brush.poly([(2.3, 1.55), (2.3, 2.3), (3.1, 2.3), (3.36, 1.55)], GLASS)
    brush.box(-3.4, 0.55, 3.4, 0.95, (58, 58, 62))
    brush.box(3.3, 0.7, 3.52, 0.95, LAMP)
    for at in (-2.6, -1.7, 2.6):
        _wheel(brush, (at, 0.48), 0.48)


def bus(brush: Brush, look: Look, pose: Pose) -> None:
    """A bus from the side, 10 m."""
    paint = look.main
    brush.poly([(-5, 0.35), (5, 0.35), (5, 2.7), (4.8, 2.95), (-4.8, 2.95), (-5, 2.7)], paint)
    brush.box(-5, 0.35, 5, 0.7, dim(paint, 0.65))
    for at in np.arange(-4.6, 3.4, 1.35):
        brush.box(float(at), 1.35, float(at) + 1.15, 2.4, GLASS)
        brush.box(float(at), 1.95, float(at) + 1.15, 2.4, mix(GLASS, (220, 230, 236), 0.3))
    brush.box(3.6, 0.5, 4.4, 2.4, mix(GLASS, (210, 220, 226), 0.2))
    brush.box(4.6, 1.3, 5, 2.5, GLASS)
    brush.box(4.82, 0.75, 5.0, 1.0, LAMP)
    for at in (-3.1, 2.9):
        brush.disc((at, 0.52), 0.58, dim(paint, 0.35))
        _wheel(brush, (at, 0.48), 0.48)


def vehicle_end(
    width: float, height: float, glass: tuple[float, float], taper: float, load: float = 0.0, sign: bool = False
) -> Draw:
    """A drawing of a vehicle's front (facing 1) or back, for roads that run away from the camera.

    Metres: width, height, lower and upper edge of the window; the roof is `taper` times as wide as the body;
    `load` is the height of a box behind the cab.
    """

    def draw(brush: Brush, look: Look, pose: Pose) -> None:
        w, paint, front = width / 2, look.main, brush.facing > 0
        low, high, roof = glass[0], glass[1], width / 2 * taper
        for at in (-w * 0.8, w * 0.8):
            brush.box(at - 0.12, 0, at + 0.12, 0.5, RUBBER)
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

    return draw


def _end_details(brush: Brush, w: float, low: float, front: bool) -> None:
    """Lamps, grille, number plate, mirrors."""
    for at in (-w * 0.78, w * 0.78):
        brush.disc((at, 0.7), 0.14, (70, 70, 74), squash=0.75)
        brush.disc((at, 0.7), 0.11, LAMP if front else (196, 34, 30), squash=0.75)
    if front:
        brush.box(-w * 0.5, 0.6, w * 0.5, 0.76, (44, 44, 48))
        for side in (-1, 1):
            brush.box(min(side * w, side * (w + 0.16)), low, max(side * w, side * (w + 0.16)), low + 0.16, RUBBER)
    brush.box(-0.28, 0.4, 0.28, 0.51, (226, 226, 220))


def bicycle(brush: Brush, look: Look, pose: Pose) -> None:
    """A bicycle, 1.75 m."""
    rear, front = (-0.52, 0.33), (0.52, 0.33)
    _spokes(brush, rear, 0.32, pose.phase)
    _spokes(brush, front, 0.32, pose.phase)
    seat, bars, pedal = (-0.22, 0.86), (0.36, 0.92), (-0.05, 0.32)
    for one, two in (
        (rear, pedal),
        (pedal, seat),
        (pedal, bars),
        (seat, (0.32, 0.8)),
        (rear, (-0.2, 0.78)),
        (front, bars),
    ):
        brush.line([one, two], 0.055, look.main)
    brush.line([(-0.36, 0.9), (-0.1, 0.9)], 0.07, RUBBER)
    brush.line([bars, (0.4, 1.02), (0.52, 1.02)], 0.045, (60, 60, 62))
    turn = 2 * np.pi * pose.phase
    for way in (1, -1):
        foot = (pedal[0] + way * 0.17 * float(np.sin(turn)), pedal[1] - way * 0.17 * float(np.cos(turn)))
        brush.line([pedal, foot], 0.04, METAL)
        brush.line([(foot[0] - 0.06, foot[1]), (foot[0] + 0.06, foot[1])], 0.04, RUBBER)


def motorcycle(brush: Brush, look: Look, pose: Pose) -> None:
    """A motorcycle, 2.1 m."""
    _wheel(brush, (-0.7, 0.31), 0.31)
    _wheel(brush, (0.72, 0.31), 0.31)
    brush.poly([(-0.6, 0.35), (0.35, 0.3), (0.45, 0.6), (-0.3, 0.62)], (62, 62, 66))
    brush.poly([(-0.15, 0.62), (0.42, 0.6), (0.52, 0.86), (0.1, 0.92), (-0.2, 0.8)], look.main)
    brush.poly([(-0.95, 0.72), (-0.2, 0.68), (-0.18, 0.8), (-0.8, 0.84)], RUBBER)
    brush.poly([(-1.0, 0.55), (-0.5, 0.58), (-0.55, 0.7), (-1.02, 0.7)], look.main)
    brush.line([(0.72, 0.31), (0.5, 0.95), (0.38, 1.08)], 0.07, METAL)
    brush.disc((0.6, 0.86), 0.1, LAMP)
    brush.line([(-0.9, 0.3), (0.1, 0.28)], 0.08, METAL)


def scooter(brush: Brush, look: Look, pose: Pose) -> None:
    """A kick scooter, 1 m."""
    brush.line([(-0.42, 0.14), (0.36, 0.14)], 0.09, look.main)
    brush.line([(0.42, 0.12), (0.3, 1.02)], 0.055, look.main)
    brush.line([(0.2, 1.02), (0.44, 1.02)], 0.05, RUBBER)
    _wheel(brush, (-0.46, 0.1), 0.1)
    _wheel(brush, (0.44, 0.1), 0.1)


def skateboard(brush: Brush, look: Look, pose: Pose) -> None:
    """A skateboard, 0.8 m."""
    brush.line([(-0.42, 0.17), (-0.3, 0.12), (0.3, 0.12), (0.42, 0.17)], 0.05, look.main)
    for at in (-0.26, 0.26):
        brush.disc((at, 0.05), 0.05, (224, 220, 200))


def wheelchair(brush: Brush, look: Look, pose: Pose) -> None:
    """A wheelchair, 1 m."""
    brush.poly([(-0.3, 0.46), (0.24, 0.46), (0.24, 0.54), (-0.3, 0.54)], look.main)
    brush.poly([(-0.32, 0.46), (-0.24, 0.46), (-0.3, 0.98), (-0.38, 0.98)], look.main)
    brush.line([(-0.36, 0.95), (-0.52, 0.97)], 0.045, RUBBER)
    brush.line([(0.24, 0.5), (0.4, 0.2), (0.56, 0.18)], 0.045, METAL)
    brush.line([(-0.26, 0.72), (0.14, 0.72), (0.16, 0.5)], 0.04, METAL)
    _spokes(brush, (-0.16, 0.31), 0.3, pose.phase)
    _wheel(brush, (0.3, 0.09), 0.09)


def stroller(brush: Brush, look: Look, pose: Pose) -> None:
    """A baby carriage, 0.9 m."""
    brush.poly([(-0.38, 0.5), (0.4, 0.5), (0.46, 0.78), (-0.42, 0.78)], look.main)
    arc = np.linspace(0, np.pi / 2 + 0.3, 9)
    hood = [(0.02 + 0.44 * float(np.cos(a)), 0.76 + 0.4 * float(np.sin(a))) for a in arc]
    brush.poly([(0.02, 0.76), *hood], dim(look.main, 0.82))
    brush.line([(-0.38, 0.66), (-0.62, 0.98)], 0.045, METAL)
    brush.line([(-0.34, 0.5), (0.3, 0.16)], 0.04, METAL)
    brush.line([(0.36, 0.5), (-0.3, 0.16)], 0.04, METAL)
    _wheel(brush, (-0.32, 0.14), 0.14)
    _wheel(brush, (0.32, 0.14), 0.14)


def cart(brush: Brush, look: Look, pose: Pose) -> None:
    """A hand cart with a load, 1.4 m."""
    brush.box(-0.62, 0.36, 0.62, 0.48, look.main)
    brush.line([(-0.6, 0.46), (-0.78, 1.02)], 0.055, look.main)
    wood = (172, 134, 88)
    brush.box(-0.5, 0.48, 0.06, 0.92, wood)
    brush.box(0.0, 0.48, 0.5, 0.78, dim(wood, 0.85))
    brush.line([(-0.5, 0.7), (0.06, 0.7)], 0.03, dim(wood, 0.7))
    _wheel(brush, (-0.42, 0.18), 0.18)
    _wheel(brush, (0.42, 0.18), 0.18)


def wheelbarrow(brush: Brush, look: Look, pose: Pose) -> None:
    """A wheelbarrow, 1.4 m."""
    brush.poly([(-0.36, 0.36), (0.36, 0.36), (0.56, 0.72), (-0.46, 0.72)], look.main)
    brush.poly([(-0.4, 0.72), (0.1, 0.9), (0.5, 0.72)], (122, 92, 62))
    brush.line([(-0.86, 0.88), (-0.74, 0.84), (-0.3, 0.44), (0.55, 0.22)], 0.05, METAL)
    brush.line([(-0.3, 0.4), (-0.38, 0.0)], 0.05, METAL)
    _wheel(brush, (0.56, 0.2), 0.2)


def umbrella(brush: Brush, look: Look, pose: Pose) -> None:
    """An open umbrella held above a head, its edge at 1.8 m."""
    brush.line([(0.1, 1.1), (0.1, 2.2)], 0.03, (60, 56, 52))
    arc = np.linspace(0, np.pi, 13)
    dome = [(0.1 + 0.62 * float(np.cos(a)), 1.82 + 0.42 * float(np.sin(a))) for a in arc]
    brush.poly(dome, look.main)
    for at in range(0, 12, 4):
        brush.poly([dome[at], dome[at + 2], (0.1, 2.24)], dim(look.main, 0.82))


def suitcase(brush: Brush, look: Look, pose: Pose) -> None:
    """A rolling suitcase, 0.7 m."""
    brush.line([(-0.12, 0.62), (-0.12, 0.95), (0.12, 0.95), (0.12, 0.62)], 0.03, METAL)
    brush.box(-0.24, 0.06, 0.24, 0.66, look.main)
    for at in (-0.12, 0.0, 0.12):
        brush.line([(at, 0.12), (at, 0.6)], 0.025, dim(look.main, 0.76))
    for at in (-0.18, 0.18):
        brush.disc((at, 0.05), 0.05, RUBBER)


def backpack(brush: Brush, look: Look, pose: Pose) -> None:
    """A backpack left on the ground, 0.5 m."""
    brush.disc((0, 0.26), 0.22, look.main, squash=1.15)
    brush.box(-0.21, 0.0, 0.21, 0.3, look.main)
    brush.box(-0.15, 0.05, 0.15, 0.22, dim(look.main, 0.78))
    brush.ring((0, 0.52), 0.05, 0.03, dim(look.main, 0.6))


def ball(brush: Brush, look: Look, pose: Pose) -> None:
    """A ball, 0.3 m."""
    brush.disc((0, 0.16), 0.16, dim(look.main, 0.85))
    brush.disc((0.03 * brush.facing, 0.19), 0.11, look.main)
    turn = 2 * np.pi * pose.phase
    brush.disc((0.07 * float(np.cos(turn)), 0.16 + 0.07 * float(np.sin(turn))), 0.045, dim(look.main, 0.6))


def box(brush: Brush, look: Look, pose: Pose) -> None:
    """A cardboard box or crate, 0.6 m."""
    brush.box(-0.34, 0, 0.24, 0.46, look.main)
    brush.poly([(0.24, 0), (0.4, 0.1), (0.4, 0.54), (0.24, 0.46)], dim(look.main, 0.7))
    brush.poly([(-0.34, 0.46), (0.24, 0.46), (0.4, 0.54), (-0.18, 0.54)], dim(look.main, 1.12))
    brush.line([(-0.05, 0.02), (-0.05, 0.46)], 0.05, dim(look.main, 0.85))


def cone(brush: Brush, look: Look, pose: Pose) -> None:
    """A traffic cone, 0.7 m."""
    brush.poly([(-0.17, 0.06), (0.17, 0.06), (0.04, 0.7), (-0.04, 0.7)], look.main)
    brush.poly([(-0.11, 0.32), (0.11, 0.32), (0.085, 0.46), (-0.085, 0.46)], (236, 236, 232))
    brush.box(-0.26, 0, 0.26, 0.07, dim(look.main, 0.75))


def bin_(brush: Brush, look: Look, pose: Pose) -> None:
    """A wheeled bin, 1 m."""
    brush.poly([(-0.24, 0.08), (0.22, 0.08), (0.3, 0.92), (-0.3, 0.92)], look.main)
    brush.poly([(-0.34, 0.92), (0.34, 0.92), (0.3, 1.02), (-0.32, 1.06)], dim(look.main, 0.75))
    brush.disc((-0.2, 0.09), 0.09, RUBBER)


def bench(brush: Brush, look: Look, pose: Pose) -> None:
    """A bench, 1.7 m."""
    for at in (0.42, 0.66, 0.82):
        brush.line([(-0.85, at), (0.85, at)], 0.085, look.main if at > 0.5 else dim(look.main, 1.1))
    for at in (-0.66, 0.66):
        brush.line([(at, 0.0), (at, 0.84)], 0.06, (56, 58, 60))


def ladder(brush: Brush, look: Look, pose: Pose) -> None:
    """A step ladder, 2 m."""
    brush.line([(0.1, 2.0), (0.5, 0.0)], 0.05, dim(look.main, 0.7))
    brush.line([(-0.1, 2.0), (-0.5, 0.0)], 0.06, look.main)
    brush.line([(0.14, 2.0), (-0.22, 0.0)], 0.06, look.main)
    for at in np.arange(0.25, 1.9, 0.28):
        share = float(at) / 2
        brush.line([(-0.5 + 0.4 * share, float(at)), (-0.22 + 0.36 * share, float(at))], 0.05, dim(look.main, 0.9))


def chair(brush: Brush, look: Look, pose: Pose) -> None:
    """A chair, 0.9 m."""
    for at in (-0.2, 0.22):
        brush.line([(at, 0.0), (at, 0.45)], 0.05, dim(look.main, 0.75))
    brush.line([(-0.22, 0.46), (0.26, 0.46)], 0.07, look.main)
    brush.poly([(-0.26, 0.45), (-0.18, 0.45), (-0.24, 0.95), (-0.32, 0.95)], look.main)


def hydrant(brush: Brush, look: Look, pose: Pose) -> None:
    """A fire hydrant, 0.8 m."""
    brush.box(-0.14, 0.05, 0.14, 0.6, look.main)
    brush.disc((0, 0.6), 0.15, look.main)
    brush.box(-0.26, 0.36, 0.26, 0.5, dim(look.main, 0.88))
    brush.box(-0.2, 0, 0.2, 0.08, dim(look.main, 0.75))
    brush.disc((0, 0.76), 0.05, dim(look.main, 0.8))
