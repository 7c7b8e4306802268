"""Things that people ride, push, carry or leave. Sizes in metres, facing right.

Each function paints one thing with a brush; the main colour of its appearance is the one that its expressions name.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lavida_gen.street.figures import Appearance, Pose
from lavida_gen.street.paint import Brush, Colour, Point, dim

Painter = Callable[[Brush, Appearance, Pose], None]
"""Paints one thing with a brush, in an appearance and a pose."""

RUBBER: Colour = (34, 34, 36)
METAL: Colour = (158, 160, 164)
LAMP: Colour = (244, 232, 184)


def wheel(brush: Brush, centre: Point, radius: float, hub: Colour = METAL) -> None:
    """Paint a wheel with a tyre.

    Args:
        brush: Paints with it.
        centre: Metres.
        radius: Metres.
        hub: Colour of the hub.
    """
    brush.disc(centre, radius, RUBBER)
    brush.disc(centre, radius * 0.58, dim(hub, 0.85))
    brush.disc(centre, radius * 0.2, dim(hub, 0.55))


def _spokes(brush: Brush, centre: Point, radius: float, phase: float) -> None:
    brush.ring(centre, radius, 0.045, RUBBER)
    for turn in np.linspace(0, np.pi, 4, endpoint=False) - 2 * np.pi * phase:
        dx, dy = radius * float(np.cos(turn)), radius * float(np.sin(turn))
        brush.line([(centre[0] - dx, centre[1] - dy), (centre[0] + dx, centre[1] + dy)], 0.016, (176, 178, 182))


def bicycle(brush: Brush, look: Appearance, pose: Pose) -> None:
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
    for side in (1, -1):
        foot = (pedal[0] + side * 0.17 * float(np.sin(turn)), pedal[1] - side * 0.17 * float(np.cos(turn)))
        brush.line([pedal, foot], 0.04, METAL)
        brush.line([(foot[0] - 0.06, foot[1]), (foot[0] + 0.06, foot[1])], 0.04, RUBBER)


def motorcycle(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A motorcycle, 2.1 m."""
    wheel(brush, (-0.7, 0.31), 0.31)
    wheel(brush, (0.72, 0.31), 0.31)
    brush.poly([(-0.6, 0.35), (0.35, 0.3), (0.45, 0.6), (-0.3, 0.62)], (62, 62, 66))
    brush.poly([(-0.15, 0.62), (0.42, 0.6), (0.52, 0.86), (0.1, 0.92), (-0.2, 0.8)], look.main)
    brush.poly([(-0.95, 0.72), (-0.2, 0.68), (-0.18, 0.8), (-0.8, 0.84)], RUBBER)
    brush.poly([(-1.0, 0.55), (-0.5, 0.58), (-0.55, 0.7), (-1.02, 0.7)], look.main)
    brush.line([(0.72, 0.31), (0.5, 0.95), (0.38, 1.08)], 0.07, METAL)
    brush.disc((0.6, 0.86), 0.1, LAMP)
    brush.line([(-0.9, 0.3), (0.1, 0.28)], 0.08, METAL)


def scooter(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A kick scooter, 1 m."""
    brush.line([(-0.42, 0.14), (0.36, 0.14)], 0.09, look.main)
    brush.line([(0.42, 0.12), (0.3, 1.02)], 0.055, look.main)
    brush.line([(0.2, 1.02), (0.44, 1.02)], 0.05, RUBBER)
    wheel(brush, (-0.46, 0.1), 0.1)
    wheel(brush, (0.44, 0.1), 0.1)


def skateboard(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A skateboard, 0.8 m."""
    brush.line([(-0.42, 0.17), (-0.3, 0.12), (0.3, 0.12), (0.42, 0.17)], 0.05, look.main)
    for x in (-0.26, 0.26):
        brush.disc((x, 0.05), 0.05, (224, 220, 200))


def wheelchair(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A wheelchair, 1 m."""
    brush.poly([(-0.3, 0.46), (0.24, 0.46), (0.24, 0.54), (-0.3, 0.54)], look.main)
    brush.poly([(-0.32, 0.46), (-0.24, 0.46), (-0.3, 0.98), (-0.38, 0.98)], look.main)
    brush.line([(-0.36, 0.95), (-0.52, 0.97)], 0.045, RUBBER)
    brush.line([(0.24, 0.5), (0.4, 0.2), (0.56, 0.18)], 0.045, METAL)
    brush.line([(-0.26, 0.72), (0.14, 0.72), (0.16, 0.5)], 0.04, METAL)
    _spokes(brush, (-0.16, 0.31), 0.3, pose.phase)
    wheel(brush, (0.3, 0.09), 0.09)


def stroller(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A baby carriage, 0.9 m."""
    brush.poly([(-0.38, 0.5), (0.4, 0.5), (0.46, 0.78), (-0.42, 0.78)], look.main)
    arc = np.linspace(0, np.pi / 2 + 0.3, 9)
    hood = [(0.02 + 0.44 * float(np.cos(a)), 0.76 + 0.4 * float(np.sin(a))) for a in arc]
    brush.poly([(0.02, 0.76), *hood], dim(look.main, 0.82))
    brush.line([(-0.38, 0.66), (-0.62, 0.98)], 0.045, METAL)
    brush.line([(-0.34, 0.5), (0.3, 0.16)], 0.04, METAL)
    brush.line([(0.36, 0.5), (-0.3, 0.16)], 0.04, METAL)
    wheel(brush, (-0.32, 0.14), 0.14)
    wheel(brush, (0.32, 0.14), 0.14)


def cart(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A hand cart with a load, 1.4 m."""
    brush.box(-0.62, 0.36, 0.62, 0.48, look.main)
    brush.line([(-0.6, 0.46), (-0.78, 1.02)], 0.055, look.main)
    wood = (172, 134, 88)
    brush.box(-0.5, 0.48, 0.06, 0.92, wood)
    brush.box(0.0, 0.48, 0.5, 0.78, dim(wood, 0.85))
    brush.line([(-0.5, 0.7), (0.06, 0.7)], 0.03, dim(wood, 0.7))
    wheel(brush, (-0.42, 0.18), 0.18)
    wheel(brush, (0.42, 0.18), 0.18)


def wheelbarrow(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A wheelbarrow, 1.4 m."""
    brush.poly([(-0.36, 0.36), (0.36, 0.36), (0.56, 0.72), (-0.46, 0.72)], look.main)
    brush.poly([(-0.4, 0.72), (0.1, 0.9), (0.5, 0.72)], (122, 92, 62))
    brush.line([(-0.86, 0.88), (-0.74, 0.84), (-0.3, 0.44), (0.55, 0.22)], 0.05, METAL)
    brush.line([(-0.3, 0.4), (-0.38, 0.0)], 0.05, METAL)
    wheel(brush, (0.56, 0.2), 0.2)


def umbrella(brush: Brush, look: Appearance, pose: Pose) -> None:
    """An open umbrella held above a head, its edge at 1.8 m."""
    brush.line([(0.1, 1.1), (0.1, 2.2)], 0.03, (60, 56, 52))
    arc = np.linspace(0, np.pi, 13)
    dome = [(0.1 + 0.62 * float(np.cos(a)), 1.82 + 0.42 * float(np.sin(a))) for a in arc]
    brush.poly(dome, look.main)
    for corner in range(0, 12, 4):
        brush.poly([dome[corner], dome[corner + 2], (0.1, 2.24)], dim(look.main, 0.82))


def suitcase(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A rolling suitcase, 0.7 m."""
    brush.line([(-0.12, 0.62), (-0.12, 0.95), (0.12, 0.95), (0.12, 0.62)], 0.03, METAL)
    brush.box(-0.24, 0.06, 0.24, 0.66, look.main)
    for x in (-0.12, 0.0, 0.12):
        brush.line([(x, 0.12), (x, 0.6)], 0.025, dim(look.main, 0.76))
    for x in (-0.18, 0.18):
        brush.disc((x, 0.05), 0.05, RUBBER)


def backpack(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A backpack left on the ground, 0.5 m."""
    brush.disc((0, 0.26), 0.22, look.main, squash=1.15)
    brush.box(-0.21, 0.0, 0.21, 0.3, look.main)
    brush.box(-0.15, 0.05, 0.15, 0.22, dim(look.main, 0.78))
    brush.ring((0, 0.52), 0.05, 0.03, dim(look.main, 0.6))


def ball(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A ball, 0.3 m."""
    brush.disc((0, 0.16), 0.16, dim(look.main, 0.85))
    brush.disc((0.03 * brush.facing, 0.19), 0.11, look.main)
    turn = 2 * np.pi * pose.phase
    brush.disc((0.07 * float(np.cos(turn)), 0.16 + 0.07 * float(np.sin(turn))), 0.045, dim(look.main, 0.6))


def box(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A cardboard box or crate, 0.6 m."""
    brush.box(-0.34, 0, 0.24, 0.46, look.main)
    brush.poly([(0.24, 0), (0.4, 0.1), (0.4, 0.54), (0.24, 0.46)], dim(look.main, 0.7))
    brush.poly([(-0.34, 0.46), (0.24, 0.46), (0.4, 0.54), (-0.18, 0.54)], dim(look.main, 1.12))
    brush.line([(-0.05, 0.02), (-0.05, 0.46)], 0.05, dim(look.main, 0.85))


def cone(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A traffic cone, 0.7 m."""
    brush.poly([(-0.17, 0.06), (0.17, 0.06), (0.04, 0.7), (-0.04, 0.7)], look.main)
    brush.poly([(-0.11, 0.32), (0.11, 0.32), (0.085, 0.46), (-0.085, 0.46)], (236, 236, 232))
    brush.box(-0.26, 0, 0.26, 0.07, dim(look.main, 0.75))


def bin_(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A wheeled bin, 1 m."""
    brush.poly([(-0.24, 0.08), (0.22, 0.08), (0.3, 0.92), (-0.3, 0.92)], look.main)
    brush.poly([(-0.34, 0.92), (0.34, 0.92), (0.3, 1.02), (-0.32, 1.06)], dim(look.main, 0.75))
    brush.disc((-0.2, 0.09), 0.09, RUBBER)


def bench(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A bench, 1.7 m."""
    for y in (0.42, 0.66, 0.82):
        brush.line([(-0.85, y), (0.85, y)], 0.085, look.main if y > 0.5 else dim(look.main, 1.1))
    for x in (-0.66, 0.66):
        brush.line([(x, 0.0), (x, 0.84)], 0.06, (56, 58, 60))


def ladder(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A step ladder, 2 m."""
    brush.line([(0.1, 2.0), (0.5, 0.0)], 0.05, dim(look.main, 0.7))
    brush.line([(-0.1, 2.0), (-0.5, 0.0)], 0.06, look.main)
    brush.line([(0.14, 2.0), (-0.22, 0.0)], 0.06, look.main)
    for y in np.arange(0.25, 1.9, 0.28).tolist():
        share = y / 2
        brush.line([(-0.5 + 0.4 * share, y), (-0.22 + 0.36 * share, y)], 0.05, dim(look.main, 0.9))


def chair(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A chair, 0.9 m."""
    for x in (-0.2, 0.22):
        brush.line([(x, 0.0), (x, 0.45)], 0.05, dim(look.main, 0.75))
    brush.line([(-0.22, 0.46), (0.26, 0.46)], 0.07, look.main)
    brush.poly([(-0.26, 0.45), (-0.18, 0.45), (-0.24, 0.95), (-0.32, 0.95)], look.main)


def hydrant(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A fire hydrant, 0.8 m."""
    brush.box(-0.14, 0.05, 0.14, 0.6, look.main)
    brush.disc((0, 0.6), 0.15, look.main)
    brush.box(-0.26, 0.36, 0.26, 0.5, dim(look.main, 0.88))
    brush.box(-0.2, 0, 0.2, 0.08, dim(look.main, 0.75))
    brush.disc((0, 0.76), 0.05, dim(look.main, 0.8))
