"""Two or three acts side by side and large in the picture, so that actions are easy to see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lavida_gen.street.actors import Actor, draw_appearances
from lavida_gen.street.acts import ACTS, FRONTS
from lavida_gen.street.camera import Camera
from lavida_gen.street.draws import pick

PEOPLE = 8.0
"""Weight of the act "person" relative to each other act: it alone has five motions."""


def draw_camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """Draw the camera of a person who stands close.

    Args:
        rng: The source of randomness.
        size: (H, W) in pixels.

    Returns:
        The camera.
    """
    return Camera(
        size,
        size[1] * float(rng.uniform(0.9, 1.2)),
        float(rng.uniform(1.6, 2.6)),
        size[0] * float(rng.uniform(0.3, 0.42)),
    )


def populate_closeup(
    rng: np.random.Generator, camera: Camera, acts: Sequence[str], seconds: float = 0.0
) -> list[Actor]:
    """Draw two or three actors side by side, on any ground.

    Args:
        rng: The source of randomness.
        camera: The camera.
        acts: Names of the acts that may appear.
        seconds: How long they move, 0 for a still.

    Returns:
        The actors.
    """
    count = int(rng.integers(2, 4))
    weights = np.array([PEOPLE if name == "person" else 1.0 for name in acts])
    names = [str(name) for name in rng.choice(list(acts), size=count, p=weights / weights.sum())]
    return [_draw_actor(rng, camera, name, (column, count), seconds) for column, name in enumerate(names)]


def _draw_actor(
    rng: np.random.Generator, camera: Camera, name: str, column: tuple[int, int], seconds: float = 0.0
) -> Actor:
    """An actor in column (number, count), at most 25 to 70 % of the picture high and half of it wide."""
    act = ACTS[name]
    tall = camera.focal * act.extent[2] / (camera.size[0] * float(rng.uniform(0.25, 0.7)))
    wide = camera.focal * sum(act.extent[:2]) / (camera.size[1] * 0.5)
    z = max(tall, wide, camera.near() * 1.02)
    across = (column[0] + float(rng.uniform(0.3, 0.7))) / column[1] * 2 - 1
    motion = int(rng.integers(len(act.motions)))
    pace = pick(rng, (-1.0, 1.0)) * act.pace[motion]
    appearances, phase = draw_appearances(rng, name), float(rng.random())
    if act.motions[motion] != "fall":
        moment = 0.0
    elif seconds:
        moment = float(rng.uniform(0.1, 0.6)) * seconds
    else:
        moment = -float(rng.uniform(0.45, 1.5))
    head_on = name in FRONTS and bool(rng.random() < 0.3)
    x = camera.half_width(z) * across - pace * seconds / 2  # in its column at half time
    return Actor(
        name, (x, z), (pace, 0.0), act.motions[motion], appearances, phase=phase, moment=moment, head_on=head_on
    )
