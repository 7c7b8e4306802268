"""What happens in the drawn benchmark `street`: who walks through each video, and what is not normal in it.

One camera on one place for all videos, as in UCSD. People who walk are normal. Everything is a function of the seed and
the video's number. Times are in seconds, world coordinates in metres (lavida_gen.street).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lavida_gen.street import place
from lavida_gen.street.actors import Actor, Motion, looks
from lavida_gen.street.camera import Camera
from lavida_gen.street.place import Place

FPS = 10.0
PEOPLE = (5, 9)  # who walk through a video
NORMAL_EVERY = 4  # each fourth video is normal throughout


@dataclass(frozen=True, slots=True)
class Anomaly:
    """`actors` (numbers in the film's cast) are anomalous from `begin` on."""

    name: str
    actors: tuple[int, ...]
    begin: float = -np.inf


@dataclass(frozen=True, slots=True)
class Script:
    """The cast of one video and what of it is anomalous."""

    actors: tuple[Actor, ...]
    anomalies: tuple[Anomaly, ...]


def video_rng(seed: int, video: int) -> np.random.Generator:
    """The generator of a video; -1 is the place."""
    return np.random.default_rng([seed, video + 1])


def place_in_view(seed: int, size: tuple[int, int]) -> Place:
    """The place, seen from a pole of 5 m."""
    return place.build(video_rng(seed, -1), "campus", Camera(size, size[1] * 1.0, 5.0, size[0] * 0.18))


def write_script(seed: int, video: int, where: Place, seconds: float) -> Script:
    """The script of a video."""
    rng = video_rng(seed, video)
    cast = [_walker(rng, where, seconds) for _ in range(int(rng.integers(*PEOPLE)))]
    anomalies = []
    if video % NORMAL_EVERY != NORMAL_EVERY - 1:
        for number in range(1 + video % 2):
            name = NAMES[(video - video // NORMAL_EVERY + 4 * number) % len(NAMES)]
            share = (0.5, 0.5) if video % 2 == 0 else ((0.25, 0.3), (0.7, 0.75))[number]
            added, begin = EVENTS[name](rng, where, seconds, seconds * float(rng.uniform(*share)))
            bad = range(len(cast), len(cast) + len(added)) if name != LEFT else range(len(cast) + 2, len(cast) + 3)
            cast += added
            anomalies.append(Anomaly(name, tuple(bad), begin))
    return Script(tuple(cast), tuple(anomalies))


def _depth(rng: np.random.Generator, where: Place) -> float:
    near = where.camera.near() * 1.15
    return float(rng.uniform(near, near * 2.2))


def _mover(
    rng: np.random.Generator, where: Place, act: str, motion: Motion, pace: float, middle: float, spread: float = 0.5
) -> Actor:
    """Crosses the view, and is within `spread` of its half width at time `middle`."""
    z, way = _depth(rng, where), float(rng.choice([-1.0, 1.0]))
    x = where.camera.half_width(z) * float(rng.uniform(-spread, spread))
    velocity = (way * pace, float(rng.normal(0, 0.04)) * pace)
    start = (x - velocity[0] * middle, z - velocity[1] * middle)
    return Actor(act, start, velocity, motion, looks(rng, act), float(rng.uniform(0.94, 1.06)), float(rng.random()))


def _walker(rng: np.random.Generator, where: Place, seconds: float) -> Actor:
    """Somebody who walks, now and then with a suitcase or an umbrella."""
    act = str(rng.choice(["person", "traveller", "umbrella"], p=[0.8, 0.1, 0.1]))
    return _mover(rng, where, act, "walk", float(rng.uniform(1.0, 1.5)), float(rng.uniform(0, seconds)), 0.9)


Event = Callable[[np.random.Generator, Place, float, float], tuple[list[Actor], float]]


def _crossing(act: str, motion: Motion, pace: float) -> Event:
    """Something that should not be here crosses the view at `when`: anomalous as long as it is seen."""

    def event(rng: np.random.Generator, where: Place, seconds: float, when: float) -> tuple[list[Actor], float]:
        return [_mover(rng, where, act, motion, pace * float(rng.uniform(0.9, 1.1)), when, 0.2)], -np.inf

    return event


def _falling(rng: np.random.Generator, where: Place, seconds: float, when: float) -> tuple[list[Actor], float]:
    """Walks, falls at `when`, stays lying: anomalous from the fall on."""
    walker = _mover(rng, where, "person", "fall", 1.3, when)
    return [replace(walker, at=when)], when


def _left(rng: np.random.Generator, where: Place, seconds: float, when: float) -> tuple[list[Actor], float]:
    """Somebody with a suitcase leaves it at `when` and walks on: the suitcase is anomalous from then on."""
    before = _mover(rng, where, "traveller", "walk", 1.2, when)
    x, _, z = before.place(when)
    after = replace(before, act="person", looks=before.looks[:1], seen=(when, np.inf))
    case = Actor("suitcase", (x - 0.5 * before.facing() * before.size, z), (0.0, 0.0), "stand", before.looks[1:])
    return [replace(before, seen=(-np.inf, when)), after, replace(case, size=before.size, seen=(when, np.inf))], when


LEFT = "left suitcase"
EVENTS: dict[str, Event] = {
    "bicycle": _crossing("cyclist", "ride", 3.6),
    "cart": _crossing("cart", "walk", 1.1),
    "running": _crossing("person", "run", 3.4),
    "falling": _falling,
    LEFT: _left,
    "skateboard": _crossing("skateboarder", "ride", 2.8),
    "car": _crossing("car", "drive", 4.0),
    "wheelchair": _crossing("wheelchair user", "ride", 1.2),
    "motorcycle": _crossing("motorcyclist", "ride", 5.0),
}
NAMES = tuple(EVENTS)
"""What happens, and what a prompt may name."""
