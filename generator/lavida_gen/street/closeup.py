"""Two or three acts side by side and large in the picture: where what somebody does is plain to see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lavida_gen.street.actors import ACTS, FRONTS, Actor, looks
from lavida_gen.street.camera import Camera

PEOPLE = 8.0
"""How often a person without anything comes, compared with another act: it alone does five things."""


def look(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """The camera of somebody who stands near by."""
    return Camera(
        size,
        size[1] * float(rng.uniform(0.9, 1.2)),
        float(rng.uniform(1.6, 2.6)),
        size[0] * float(rng.uniform(0.3, 0.42)),
    )


def cast(rng: np.random.Generator, camera: Camera, acts: Sequence[str], seconds: float = 0.0) -> list[Actor]:
    """Two or three of the acts side by side, on whatever ground there is; with `seconds` > 0 they move so long."""
    count = int(rng.integers(2, 4))
    weights = np.array([PEOPLE if name == "person" else 1.0 for name in acts])
    names = [str(name) for name in rng.choice(list(acts), size=count, p=weights / weights.sum())]
    return [_actor(rng, camera, name, (column, count), seconds) for column, name in enumerate(names)]


def _actor(rng: np.random.Generator, camera: Camera, name: str, column: tuple[int, int], seconds: float = 0.0) -> Actor:
    """In its column of so many, so far away that it is at most 25 to 70 % of the picture high and half of it wide."""
    act = ACTS[name]
    tall = camera.focal * act.extent[2] / (camera.size[0] * float(rng.uniform(0.25, 0.7)))
    wide = camera.focal * sum(act.extent[:2]) / (camera.size[1] * 0.5)
    z = max(tall, wide, camera.near() * 1.02)
    across = (column[0] + float(rng.uniform(0.3, 0.7))) / column[1] * 2 - 1
    motion = int(rng.integers(len(act.motions)))
    pace = float(rng.choice([-1.0, 1.0])) * act.pace[motion]
    look, phase = looks(rng, name), float(rng.random())
    if act.motions[motion] != "fall":
        when = 0.0
    elif seconds:
        when = float(rng.uniform(0.1, 0.6)) * seconds
    else:
        when = -float(rng.uniform(0.45, 1.5))
    head_on = name in FRONTS and bool(rng.random() < 0.3)
    x = camera.half_width(z) * across - pace * seconds / 2  # in its column half way
    return Actor(name, (x, z), (pace, 0.0), act.motions[motion], look, phase=phase, at=when, head_on=head_on)
