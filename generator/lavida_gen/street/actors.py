"""Actors: who appears in a film, where, how they look, and how they move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lavida_gen.street import figures
from lavida_gen.street.acts import ACTS, KINDS, TROUSERS, Motion
from lavida_gen.street.draws import pick
from lavida_gen.street.figures import Appearance, Pose
from lavida_gen.street.paint import COLOURS, Colour, vary


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, animal or thing in a film, or several that belong together.

    Attributes:
        act: Its name in ACTS.
        start: World (x, z) in metres at time 0.
        pace: Metres per second along x and z.
        motion: How it moves.
        appearances: One for each part.
        size: Factor for its size, 1.0 as painted (a child is 0.65).
        phase: Where in the cycle of its motion it begins, 0..1.
        visible: (from, to) in seconds: it is in the picture only then.
        moment: Seconds at which it falls, or throws, or is thrown.
        head_on: Whether it is painted from the front or back (vehicles that drive towards or away from the camera).
    """

    act: str
    start: tuple[float, float]
    pace: tuple[float, float]
    motion: Motion
    appearances: tuple[Appearance, ...]
    size: float = 1.0
    phase: float = 0.0
    visible: tuple[float, float] = (-np.inf, np.inf)
    moment: float = 0.0
    head_on: bool = False

    def __post_init__(self) -> None:
        assert self.act in ACTS, self.act
        parts = len(ACTS[self.act].parts)
        assert len(self.appearances) == parts, f"{self.act}: {len(self.appearances)} appearances for {parts} parts"

    def position(self, time: float) -> tuple[float, float, float]:
        """Compute where it is.

        Args:
            time: Seconds.

        Returns:
            World (x, y, z) of its foot point in metres.
        """
        moved = min(time, self.moment + 0.5) if self.motion == "fall" else time
        x, z = self.start[0] + self.pace[0] * moved, self.start[1] + self.pace[1] * moved
        y = 0.0
        if self.motion == "fly":  # thrown from 1.6 m, bounces once it is down
            flown = max(0.0, time - self.moment)
            y = max(0.0, 1.6 + 4.2 * flown - 4.9 * flown**2)
        return x, y, z

    def pose(self, time: float) -> Pose:
        """Compute the pose of its joints.

        Args:
            time: Seconds.

        Returns:
            The pose.
        """
        if self.motion == "fall":
            tip = float(np.clip((time - self.moment) / 0.7, 0, 1)) ** 2
            return Pose("fall" if tip > 0 else "walk", self._phase(time), tip)
        if self.motion == "throw":
            return Pose("throw", float(np.clip((time - self.moment) * 1.2 + 0.5, 0, 1)))
        moves = abs(self.pace[0]) + abs(self.pace[1]) > 0
        usual = self.motion if moves else "stand"
        return Pose(ACTS[self.act].pose or usual, self._phase(time))

    def _phase(self, time: float) -> float:
        """Where in the cycle of its motion it is, 0..1."""
        stride = {"walk": 0.75, "run": 0.42, "ride": 0.5, "drive": 0.5, "roll": 1.0, "fly": 1.0}.get(self.motion, 1.0)
        speed = float(np.hypot(*self.pace))
        cycles = speed * time * stride / max(self.size, 0.3) / (0.9 if self.motion == "run" else 1.0)
        return (self.phase + cycles) % 1.0

    def facing(self) -> int:
        """Compute which way it looks.

        Returns:
            1 to the right, -1 to the left.
        """
        return -1 if self.pace[0] < 0 else 1


def draw_appearance(rng: np.random.Generator, kind: str, colour: str | None = None) -> Appearance:
    """Draw the appearance of a thing.

    Args:
        rng: The source of randomness.
        kind: The name of its kind.
        colour: The name of its colour; a random one of its kind if None.

    Returns:
        The appearance.
    """
    colours = KINDS[kind].colours
    name = colour or pick(rng, colours)
    second: Colour = COLOURS[pick(rng, TROUSERS)]
    skin = figures.SKINS[rng.integers(len(figures.SKINS))]
    hair = figures.HAIRS[rng.integers(len(figures.HAIRS))]
    return Appearance(
        colour=name,
        main=vary(rng, COLOURS[name]),
        second=vary(rng, second),
        skin=skin,
        hair=hair,
        build=float(rng.random()),
        style=int(rng.integers(420)),
    )


def draw_appearances(rng: np.random.Generator, act: str) -> tuple[Appearance, ...]:
    """Draw the appearances of all parts of an act.

    Args:
        rng: The source of randomness.
        act: The name of the act.

    Returns:
        One appearance per part.
    """
    return tuple(draw_appearance(rng, kind) for kind, _ in ACTS[act].parts)
