"""People, articulated. Angles in degrees, lengths in metres; a figure looks to its right.

A Pose determines the joints; a cycle of walking is two steps, its phase 0..1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lavida_gen.street.paint import Brush, Colour, Point, dim

SKINS: tuple[Colour, ...] = ((236, 200, 172), (214, 168, 132), (168, 118, 84), (112, 76, 54), (82, 56, 42))
HAIRS: tuple[Colour, ...] = ((42, 32, 26), (82, 56, 34), (150, 110, 62), (188, 160, 110), (110, 108, 106), (28, 26, 28))


Tip = Callable[[Sequence[Point]], list[Point]]
"""Rotates the points of a figure as it falls."""


@dataclass(frozen=True, slots=True)
class Pose:
    """What the joints do.

    Attributes:
        action: stand, walk, run, ride, sit, push, lift, balance, steer, throw or fall.
        phase: Phase of the action's cycle, 0..1.
        tip: How far it has fallen, 0..1.
    """

    action: str = "stand"
    phase: float = 0.0
    tip: float = 0.0


@dataclass(frozen=True, slots=True)
class Appearance:
    """How one thing is painted.

    Attributes:
        colour: The name of its main colour, which its expressions use.
        main: The main colour (a person's jacket).
        second: The second colour (a person's trousers).
        skin: Colour of the skin.
        hair: Colour of the hair.
        build: How broad a person is, 0..1.
        style: A number that chooses details.
    """

    colour: str
    main: Colour
    second: Colour
    skin: Colour
    hair: Colour
    build: float
    style: int


def swing(angle: float, length: float, start: Point) -> Point:
    """Compute the end of a limb.

    Args:
        angle: Degrees; it hangs down at 0 and swings forward with positive angles.
        length: Metres.
        start: Where it begins.

    Returns:
        Where it ends.
    """
    turn = np.radians(angle)
    return start[0] + length * float(np.sin(turn)), start[1] - length * float(np.cos(turn))


@dataclass(frozen=True, slots=True)
class _Joints:
    lean: float
    hip: float  # height of the hips
    thighs: tuple[float, float]  # near, far
    knees: tuple[float, float]  # bend backwards
    arms: tuple[float, float]
    elbows: tuple[float, float]  # bend forwards


def _joints(pose: Pose) -> _Joints:
    turn = 2 * np.pi * pose.phase
    s, c = float(np.sin(turn)), float(np.cos(turn))
    if pose.action == "walk":
        bend = (max(0.0, -c) * 38 + 6, max(0.0, c) * 38 + 6)
        return _Joints(3, 0.90 + 0.015 * abs(s), (26 * s, -26 * s), bend, (-24 * s, 24 * s), (14, 14))
    if pose.action == "run":
        bend = (max(0.0, -c) * 85 + 18, max(0.0, c) * 85 + 18)
        return _Joints(15, 0.91 + 0.05 * abs(s), (48 * s + 12, -48 * s + 12), bend, (-52 * s, 52 * s), (88, 88))
    if pose.action in ("push", "lift"):  # a handle before the chest, or two beside the hips
        bend = (max(0.0, -c) * 34 + 6, max(0.0, c) * 34 + 6)
        arms, elbows = ((58.0, 54.0), (22.0, 22.0)) if pose.action == "push" else ((26.0, 22.0), (8.0, 8.0))
        return _Joints(10, 0.89, (24 * s, -24 * s), bend, arms, elbows)
    if pose.action == "balance":  # on a board
        return _Joints(8, 0.85, (24, -14), (26, 2), (-34, 40 + 6 * s), (24, 20))
    if pose.action == "ride":
        return _Joints(30, 0.98, (62 + 22 * s, 62 - 22 * s), (58 - 30 * c, 58 + 30 * c), (66, 62), (16, 16))
    if pose.action == "sit":
        return _Joints(-4, 0.56, (84, 80), (80, 78), (34, 30), (40, 40))
    if pose.action == "steer":  # both hands on the bars of a scooter
        return _Joints(4, 0.9, (10, -8), (8, 6), (42, 38), (10, 10))
    if pose.action == "throw":
        return _Joints(8, 0.90, (18, -22), (10, 14), (70 + 100 * c, 30), (30 + 30 * s, 30))
    if pose.action == "fall":
        wave = 60 * float(np.sin(np.pi * min(1.0, pose.tip * 1.2)))
        return _Joints(4, 0.90, (14, -10), (16 + wave / 2, 22), (30 + wave, -20 + wave), (30, 26))
    return _Joints(1, 0.91, (5, -5), (3, 4), (7 + 2 * s, -8), (10, 8))


def person(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A person of about 1.72 m, seen from the side; `main` is the jacket, `second` the trousers."""
    joints = _joints(pose)
    hip: Point = (0.0, joints.hip)
    neck = swing(180 - joints.lean, 0.56, hip)
    wide = 0.15 + 0.06 * look.build
    tip = _tipping(pose)

    def leg(side: int, shade: float) -> None:
        start = (hip[0] + (0.03 if side == 0 else -0.03), hip[1])
        knee = swing(joints.thighs[side], 0.44, start)
        foot = swing(joints.thighs[side] - joints.knees[side], 0.43, knee)
        toe = (foot[0] + 0.14, foot[1] - 0.02)
        short = look.style % 4 == 1
        upper, lower = dim(look.second, shade), dim(look.skin if short else look.second, shade)
        brush.limb(tip([knee, foot]), 0.13, lower)
        brush.limb(tip([start, knee]), 0.175, upper)
        brush.line(tip([foot, toe]), 0.1, dim((58, 50, 48), shade))

    def arm(side: int, shade: float) -> None:
        shoulder = (neck[0] - 0.01, neck[1] - 0.05)
        elbow = swing(joints.arms[side], 0.29, shoulder)
        hand = swing(joints.arms[side] + joints.elbows[side], 0.27, elbow)
        bare = look.style % 3 == 2
        brush.limb(tip([elbow, hand]), 0.085, dim(look.skin if bare else look.main, shade))
        brush.limb(tip([shoulder, elbow]), 0.11, dim(look.main, shade))
        brush.disc(tip([hand])[0], 0.05, dim(look.skin, shade))

    arm(1, 0.72)
    leg(1, 0.72)
    leg(0, 1.0)
    _torso(brush, look, hip, neck, wide, tip)
    _head(brush, look, neck, joints.lean, tip)
    arm(0, 0.95)


def _tipping(pose: Pose) -> Tip:
    angle = np.radians(-88.0 * pose.tip)
    sin, cos = float(np.sin(angle)), float(np.cos(angle))
    lift = 0.14 * pose.tip

    def tip(points: Sequence[Point]) -> list[Point]:
        """Rotate a figure around its feet as it falls forward, and lift it by half of its own thickness."""
        return [(x * cos - y * sin, max(0.05 * pose.tip, x * sin + y * cos + lift)) for x, y in points]

    return tip


def _torso(brush: Brush, look: Appearance, hip: Point, neck: Point, wide: float, tip: Tip) -> None:
    back, front = wide * 0.62, wide * 0.78
    shape = [
        (hip[0] - back, hip[1] - 0.05), (hip[0] + front * 0.9, hip[1] - 0.05), (neck[0] + front, neck[1] - 0.16),
        (neck[0] + 0.07, neck[1] + 0.01), (neck[0] - 0.08, neck[1] + 0.01), (neck[0] - back * 1.1, neck[1] - 0.16),
    ]  # fmt: skip
    brush.poly(tip(shape), dim(look.main, 0.9))
    lit = [(x + (0.02 if x < neck[0] else -0.03), y) for x, y in shape]
    brush.poly(tip(lit), look.main)
    if look.style % 5 == 3:  # a coat
        brush.poly(
            tip([(hip[0] - back, hip[1]), (hip[0] + front, hip[1]), (hip[0] + front * 1.1, hip[1] - 0.3),
                 (hip[0] - back * 1.2, hip[1] - 0.3)]), dim(look.main, 0.95))  # fmt: skip


def _head(brush: Brush, look: Appearance, neck: Point, lean: float, tip: Tip) -> None:
    head = swing(180 - lean * 0.5, 0.17, neck)
    brush.limb(tip([neck, head]), 0.09, dim(look.skin, 0.9))
    brush.disc(tip([head])[0], 0.115, look.skin, squash=1.12)
    top = (head[0] - 0.025, head[1] + 0.035)
    brush.disc(tip([top])[0], 0.112, look.hair, squash=0.86, turn=12)
    brush.disc(tip([(head[0] + 0.05, head[1] - 0.02)])[0], 0.07, look.skin)
    if look.style % 2:  # long hair
        brush.limb(tip([(head[0] - 0.09, head[1]), (head[0] - 0.1, head[1] - 0.2)]), 0.1, look.hair)
    if look.style % 7 == 4:  # a cap in the jacket's colour
        brush.poly(
            tip([(head[0] - 0.12, head[1] + 0.05), (head[0] - 0.06, head[1] + 0.15), (head[0] + 0.06, head[1] + 0.14),
                 (head[0] + 0.19, head[1] + 0.05)]), dim(look.main, 0.85))  # fmt: skip
