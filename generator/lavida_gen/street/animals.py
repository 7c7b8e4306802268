"""Animals that walk on four legs, seen from the side. Lengths in metres; they look to their right.

One function paints all of them; a BodyShape holds the proportions of a kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lavida_gen.street.figures import Appearance, Pose, swing
from lavida_gen.street.paint import Brush, Colour, Point, dim

_DARK: Colour = (30, 26, 26)


@dataclass(frozen=True, slots=True)
class BodyShape:
    """The proportions of an animal, in metres.

    Attributes:
        length: Length of the trunk.
        belly: Height of the belly above the ground.
        trunk: Thickness of the trunk.
        neck: Vector from the withers to the head.
        head: Radius of the head.
        muzzle: Vector from the middle of the head to the nose.
        leg: Thickness of a leg at its upper end.
        ear: Height of an ear.
        tail: Points of the tail, relative to its root.
        mane: Whether it has a mane.
    """

    length: float
    belly: float
    trunk: float
    neck: Point
    head: float
    muzzle: Point
    leg: float
    ear: float
    tail: tuple[Point, ...]
    mane: bool = False


_DOG = BodyShape(
    0.62, 0.33, 0.22, (0.14, 0.16), 0.095, (0.17, -0.05), 0.085, 0.1, ((-0.1, 0.06), (-0.18, 0.17), (-0.17, 0.26))
)
_CAT = BodyShape(
    0.36, 0.16, 0.13, (0.09, 0.09), 0.075, (0.075, -0.025), 0.05, 0.085, ((-0.08, 0.08), (-0.08, 0.2), (-0.14, 0.27))
)
_HORSE = BodyShape(
    1.5, 0.82, 0.6, (0.42, 0.52), 0.17, (0.4, -0.36), 0.22, 0.17,
    ((-0.12, -0.02), (-0.2, -0.3), (-0.2, -0.75)), mane=True,
)  # fmt: skip


def dog(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A dog of about 0.6 m."""
    _animal(brush, look, pose, _DOG)


def cat(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A cat of about 0.35 m, tail up."""
    _animal(brush, look, pose, _CAT)


def horse(brush: Brush, look: Appearance, pose: Pose) -> None:
    """A horse of about 2.1 m."""
    _animal(brush, look, pose, _HORSE)


def _animal(brush: Brush, look: Appearance, pose: Pose, build: BodyShape) -> None:
    coat = look.main
    _tail(brush, build, coat, pose)
    for side in (1, 0):
        _legs(brush, build, dim(coat, 0.62 if side else 0.88), pose, side)
        if side:
            _trunk(brush, build, coat)
    _trunk(brush, build, coat, over=True)
    _neck_and_head(brush, build, coat)


def _legs(brush: Brush, build: BodyShape, coat: Colour, pose: Pose, side: int) -> None:
    """A fore and a hind leg; those of the other side swing the other way."""
    gait = {"stand": 4.0, "walk": 20.0, "run": 40.0}.get(pose.action, 20.0)
    turn = 2 * np.pi * (pose.phase + 0.5 * side)
    half, top = build.length / 2, build.belly + 0.3 * build.trunk
    for x, shift, backwards in ((-half * 0.8, 0.25, 1), (half * 0.72, 0.0, -1)):
        angle = gait * float(np.sin(turn + 2 * np.pi * shift)) + (4.0 if side else -4.0)
        lifted = max(0.0, float(np.cos(turn + 2 * np.pi * shift))) * gait * 1.2
        knee = swing(angle + 6 * backwards, top * 0.5, (x, top))
        foot = swing(angle - 6 * backwards - lifted, top * 0.5, knee)
        foot = (foot[0], max(foot[1], build.leg * 0.2))
        brush.line([knee, foot], build.leg * 0.5, coat)
        brush.poly(_tapered((x, top), knee, build.leg * 0.75, build.leg * 0.3), coat)
        brush.line([foot, (foot[0] + build.leg * 0.35, foot[1])], build.leg * 0.45, dim(coat, 0.6))


def _trunk(brush: Brush, build: BodyShape, coat: Colour, over: bool = False) -> None:
    """The body, then its lighter back over it."""
    half, low, thick = build.length / 2, build.belly, build.trunk
    back = [(-1.02, 0.66), (-0.88, 0.98), (-0.3, 0.93), (0.3, 0.94), (0.72, 1.06), (1.02, 0.8)]
    belly = [(1.04, 0.45), (0.85, 0.08), (0.5, 0.0), (0.0, 0.06), (-0.5, 0.18), (-0.9, 0.12), (-1.06, 0.4)]
    if over:
        belly = [(0.9, 0.52), (0.3, 0.45), (-0.3, 0.48), (-0.9, 0.45)]
    outline = _smooth([(x * half, low + y * thick) for x, y in (*back, *belly)])
    brush.poly(outline, coat if over else dim(coat, 0.86))


def _neck_and_head(brush: Brush, build: BodyShape, coat: Colour) -> None:
    half, low, thick, r = build.length / 2, build.belly, build.trunk, build.head
    x, y = half * 0.75 + build.neck[0], low + 0.9 * thick + build.neck[1]
    neck = [(half * 0.3, low + 0.96 * thick), (x - 0.9 * r, y + 0.5 * r), (x + 0.5 * r, y - 0.7 * r)]
    brush.poly(_smooth([*neck, (half * 1.06, low + 0.6 * thick), (half * 0.8, low + 0.3 * thick)]), dim(coat, 0.96))
    if build.mane:
        crest = [(half * 0.35, low + thick), (x - 1.1 * r, y + 0.6 * r), (x - 0.2 * r, y + 1.25 * r)]
        brush.poly(_smooth([*crest, (x - 0.3 * r, y + 0.2 * r), (half * 0.62, low + 0.85 * thick)]), dim(coat, 0.5))
    nose = (x + build.muzzle[0], y + build.muzzle[1])
    brush.disc((x, y), r, coat)
    brush.poly(_tapered((x + 0.1 * r, y - 0.1 * r), nose, r * 1.7, r * 0.85), dim(coat, 0.95))
    brush.disc(nose, r * 0.43, dim(coat, 0.9))
    brush.disc((nose[0] + r * 0.25, nose[1] + r * 0.12), r * 0.18, _DARK)
    brush.disc((x + r * 0.35, y + r * 0.25), r * 0.15, _DARK)
    for offset, shade in ((0.25, 0.6), (-0.25, 0.8)):
        root = x + offset * r
        brush.poly(
            [
                (root - 0.4 * r, y + 0.55 * r),
                (root - 0.15 * r, y + 0.6 * r + build.ear),
                (root + 0.35 * r, y + 0.7 * r),
            ],
            dim(coat, shade),
        )


def _tail(brush: Brush, build: BodyShape, coat: Colour, pose: Pose) -> None:
    root = (-build.length / 2 * 0.96, build.belly + 0.82 * build.trunk)
    wag = 0.12 * float(np.sin(4 * np.pi * pose.phase))
    points = [root, *((root[0] + dx + wag * dy, root[1] + dy) for dx, dy in build.tail)]
    brush.line(points, build.leg * (0.75 if build.mane else 0.5), dim(coat, 0.5 if build.mane else 0.8))


def _tapered(one: Point, two: Point, wide: float, narrow: float) -> list[Point]:
    """Corners of a limb that is `wide` at its first end and `narrow` at its second."""
    dx, dy = two[0] - one[0], two[1] - one[1]
    size = float(np.hypot(dx, dy)) or 1.0
    px, py = -dy / size / 2, dx / size / 2
    return [
        (one[0] + px * wide, one[1] + py * wide), (two[0] + px * narrow, two[1] + py * narrow),
        (two[0] - px * narrow, two[1] - py * narrow), (one[0] - px * wide, one[1] - py * wide),
    ]  # fmt: skip


def _smooth(points: Sequence[Point]) -> list[Point]:
    """A closed outline with its corners cut twice (Chaikin)."""
    corners = np.asarray(points, float)
    for _ in range(2):
        following = np.roll(corners, -1, axis=0)
        cut = np.stack((0.75 * corners + 0.25 * following, 0.25 * corners + 0.75 * following), axis=1)
        corners = cut.reshape(-1, 2)
    return [(float(x), float(y)) for x, y in corners]
