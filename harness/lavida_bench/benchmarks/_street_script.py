"""The scripts of the drawn benchmark `street`: who walks through each video, and what is anomalous in it.

One camera on one place for all videos, as in UCSD. People who walk are normal. Everything is a function of the seed and
the video's number. Times are in seconds, world coordinates in metres (lavida_gen.street).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from lavida_gen.street import place
from lavida_gen.street.actors import Actor, draw_appearances
from lavida_gen.street.acts import Motion
from lavida_gen.street.camera import Camera
from lavida_gen.street.place import Place

FPS = 10.0
PEOPLE = (5, 9)  # lower and upper bound, exclusive, of the people who walk through a video
NORMAL_EVERY = 4  # each fourth video is normal throughout
MIDDLE = ((0.5, 0.5),)  # when the one anomaly of a video happens: bounds, as shares of its length
EARLY_AND_LATE = ((0.25, 0.3), (0.7, 0.75))  # the same for two anomalies


@dataclass(frozen=True, slots=True)
class Anomaly:
    """`actors` (indices into the script's actors) are anomalous from time `begin` on, in seconds."""

    name: str
    actors: tuple[int, ...]
    begin: float = -np.inf


@dataclass(frozen=True, slots=True)
class Script:
    """The actors of one video, and which of them are anomalous when."""

    actors: tuple[Actor, ...]
    anomalies: tuple[Anomaly, ...]


class Event(NamedTuple):
    """Actors that an anomaly adds to a video; those at the indices `anomalous` are anomalous from `begin` on."""

    actors: list[Actor]
    anomalous: tuple[int, ...]
    begin: float


MakeEvent = Callable[[np.random.Generator, Place, float], Event]
"""(random numbers, place, time in seconds) -> event."""


def video_rng(seed: int, video: int) -> np.random.Generator:
    """The random numbers of a video.

    Args:
        seed: Seed of the benchmark.
        video: Number of the video, from 0; -1 = of the place.

    Returns:
        A fresh generator.
    """
    return np.random.default_rng([seed, video + 1])


def place_in_view(seed: int, size: tuple[int, int]) -> Place:
    """The place of all videos, seen from a pole of 5 m.

    Args:
        seed: Seed of the benchmark.
        size: (H, W) in pixels.

    Returns:
        The place with its camera.
    """
    return place.draw_place(video_rng(seed, -1), "campus", Camera(size, size[1] * 1.0, 5.0, size[0] * 0.18))


def write_script(seed: int, video: int, where: Place, seconds: float) -> Script:
    """Write the script of a video.

    Args:
        seed: Seed of the benchmark.
        video: Number of the video, from 0.
        where: The place.
        seconds: Length of the video.

    Returns:
        Its actors and anomalies.
    """
    rng = video_rng(seed, video)
    actors = [_walker(rng, where, seconds) for _ in range(int(rng.integers(*PEOPLE)))]
    if video % NORMAL_EVERY == NORMAL_EVERY - 1:
        return Script(tuple(actors), ())
    anomalies = []
    for number, (low, high) in enumerate(EARLY_AND_LATE if video % 2 else MIDDLE):
        name = NAMES[(video - video // NORMAL_EVERY + 4 * number) % len(NAMES)]
        event = EVENTS[name](rng, where, seconds * float(rng.uniform(low, high)))
        anomalies.append(Anomaly(name, tuple(len(actors) + index for index in event.anomalous), event.begin))
        actors += event.actors
    return Script(tuple(actors), tuple(anomalies))


def _depth(rng: np.random.Generator, where: Place) -> float:
    """A distance from the camera in metres."""
    near = where.camera.near() * 1.15
    return float(rng.uniform(near, near * 2.2))


def _mover(
    rng: np.random.Generator, where: Place, act: str, motion: Motion, pace: float, middle: float, spread: float = 0.5
) -> Actor:
    """Somebody who crosses the view and is within `spread` of its half width at time `middle`."""
    z, direction = _depth(rng, where), float(rng.choice([-1.0, 1.0]))
    x = where.camera.half_width(z) * float(rng.uniform(-spread, spread))
    velocity = (direction * pace, float(rng.normal(0, 0.04)) * pace)
    start = (x - velocity[0] * middle, z - velocity[1] * middle)
    return Actor(
        act, start, velocity, motion, draw_appearances(rng, act), float(rng.uniform(0.94, 1.06)), float(rng.random())
    )


def _walker(rng: np.random.Generator, where: Place, seconds: float) -> Actor:
    """Somebody who walks, now and then with a suitcase or an umbrella."""
    act = str(rng.choice(["person", "traveller", "umbrella"], p=[0.8, 0.1, 0.1]))
    return _mover(rng, where, act, "walk", float(rng.uniform(1.0, 1.5)), float(rng.uniform(0, seconds)), 0.9)


def _crossing(act: str, motion: Motion, pace: float) -> MakeEvent:
    """Something out of place crosses the view at `when`: anomalous as long as it is visible."""

    def event(rng: np.random.Generator, where: Place, when: float) -> Event:
        return Event([_mover(rng, where, act, motion, pace * float(rng.uniform(0.9, 1.1)), when, 0.2)], (0,), -np.inf)

    return event


def _falling(rng: np.random.Generator, where: Place, when: float) -> Event:
    """Somebody walks, falls at `when` and stays on the ground: anomalous from the fall on."""
    walker = _mover(rng, where, "person", "fall", 1.3, when)
    return Event([replace(walker, moment=when)], (0,), when)


def _left_suitcase(rng: np.random.Generator, where: Place, when: float) -> Event:
    """Somebody with a suitcase leaves it at `when` and walks on: the suitcase is anomalous from then on."""
    before = _mover(rng, where, "traveller", "walk", 1.2, when)
    x, _, z = before.position(when)
    after = replace(before, act="person", appearances=before.appearances[:1], visible=(when, np.inf))
    suitcase = Actor(
        "suitcase", (x - 0.5 * before.facing() * before.size, z), (0.0, 0.0), "stand", before.appearances[1:]
    )
    left = replace(suitcase, size=before.size, visible=(when, np.inf))
    return Event([replace(before, visible=(-np.inf, when)), after, left], (2,), when)


EVENTS: dict[str, MakeEvent] = {
    "bicycle": _crossing("cyclist", "ride", 3.6),
    "cart": _crossing("cart", "walk", 1.1),
    "running": _crossing("person", "run", 3.4),
    "falling": _falling,
    "left suitcase": _left_suitcase,
    "skateboard": _crossing("skateboarder", "ride", 2.8),
    "car": _crossing("car", "drive", 4.0),
    "wheelchair": _crossing("wheelchair user", "ride", 1.2),
    "motorcycle": _crossing("motorcyclist", "ride", 5.0),
}
NAMES = tuple(EVENTS)
"""The anomalies, as a prompt may name them."""
