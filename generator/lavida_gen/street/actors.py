"""Who is in a view, how it looks, and how it moves. A part (a bicycle, its rider) is what gets a mask of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lavida_gen.street import animals, figures, things, vehicles
from lavida_gen.street.figures import Look, Pose
from lavida_gen.street.paint import COLOURS, Colour, vary
from lavida_gen.street.things import Draw

Motion = Literal["stand", "walk", "run", "ride", "drive", "fall", "throw", "roll", "fly"]
MOTIONS: tuple[Motion, ...] = ("stand", "walk", "run", "ride", "drive", "fall", "throw", "roll", "fly")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing: its drawing, the group of kindred kinds, the colours it comes in."""

    draw: Draw
    group: str
    colours: tuple[str, ...] = ("red", "blue", "green", "yellow", "black", "white", "orange", "gray")


PAINTS = ("red", "blue", "green", "yellow", "black", "white", "orange", "gray")
COATS = ("black", "white", "brown", "gray")
TROUSERS = ("blue", "black", "gray", "brown", "white")

KINDS: dict[str, Kind] = {
    "person": Kind(figures.person, "person", (*PAINTS, "purple", "pink", "brown")),
    "dog": Kind(animals.dog, "animal", COATS),
    "cat": Kind(animals.cat, "animal", (*COATS, "orange")),
    "horse": Kind(animals.horse, "animal", COATS),
    "car": Kind(vehicles.car, "vehicle", PAINTS),
    "van": Kind(vehicles.van, "vehicle", PAINTS),
    "truck": Kind(vehicles.truck, "vehicle", PAINTS),
    "bus": Kind(vehicles.bus, "vehicle", ("red", "blue", "green", "yellow", "white", "orange")),
    "motorcycle": Kind(things.motorcycle, "vehicle", PAINTS),
    "bicycle": Kind(things.bicycle, "wheeled", PAINTS),
    "scooter": Kind(things.scooter, "wheeled", PAINTS),
    "skateboard": Kind(things.skateboard, "wheeled", PAINTS),
    "wheelchair": Kind(things.wheelchair, "wheeled", ("red", "blue", "black", "green")),
    "stroller": Kind(things.stroller, "wheeled", (*PAINTS, "purple", "pink")),
    "cart": Kind(things.cart, "wheeled", PAINTS),
    "wheelbarrow": Kind(things.wheelbarrow, "wheeled", ("red", "blue", "green", "orange", "gray")),
    "umbrella": Kind(things.umbrella, "belonging", (*PAINTS, "purple", "pink")),
    "suitcase": Kind(things.suitcase, "belonging", (*PAINTS, "purple", "pink")),
    "backpack": Kind(things.backpack, "belonging", (*PAINTS, "purple", "pink")),
    "ball": Kind(things.ball, "belonging", ("red", "blue", "green", "yellow", "white", "orange", "pink")),
    "box": Kind(things.box, "object", ("brown", "white", "gray", "yellow")),
    "traffic cone": Kind(things.cone, "object", ("orange", "red", "yellow")),
    "bin": Kind(things.bin_, "object", ("green", "gray", "black", "blue", "yellow")),
    "bench": Kind(things.bench, "object", ("brown", "green", "gray", "white")),
    "ladder": Kind(things.ladder, "object", ("gray", "yellow", "orange", "brown")),
    "chair": Kind(things.chair, "object", ("red", "white", "blue", "brown", "green")),
    "fire hydrant": Kind(things.hydrant, "object", ("red", "yellow", "blue")),
}
"""Every kind that gets a mask, by its name. A new one is a drawing and a line here."""


@dataclass(frozen=True, slots=True)
class Act:
    """How kinds appear together: parts from back to front, the space they take, how they move.

    parts      (kind, shift to the right in metres); the person among them comes with `pose`
    extent     metres to the left, to the right and up that the drawing may need
    motions    what it may do; the first one is the usual
    pace       metres a second for each motion in the order above
    ground     "walk" or "drive": which strip of a place it uses
    says       expression for the person in it, "" if none
    """

    parts: tuple[tuple[str, float], ...]
    extent: tuple[float, float, float]
    motions: tuple[Motion, ...]
    pace: tuple[float, ...]
    ground: Literal["walk", "drive"] = "walk"
    pose: str = ""
    says: str = ""
    weight: float = 1.0


_STILL: tuple[tuple[Motion, ...], tuple[float, ...]] = (("stand",), (0.0,))
ACTS: dict[str, Act] = {
    "person": Act(
        (("person", 0),), (1.0, 2.0, 2.1), ("walk", "stand", "run", "fall", "throw"), (1.3, 0, 3.4, 0.6, 0), weight=7
    ),
    "cyclist": Act(
        (("bicycle", 0), ("person", -0.2)),
        (1.1, 1.1, 2.1),
        ("ride",),
        (3.8,),
        pose="ride",
        says="person riding a bicycle",
        weight=2,
    ),
    "bicycle": Act((("bicycle", 0),), (1.0, 1.0, 1.2), *_STILL),
    "skateboarder": Act(
        (("skateboard", 0), ("person", 0)),
        (0.9, 0.9, 2.2),
        ("ride",),
        (3.0,),
        pose="balance",
        says="skateboarder",
        weight=1.5,
    ),
    "scooter rider": Act(
        (("scooter", 0.1), ("person", -0.1)),
        (0.9, 0.9, 2.2),
        ("ride",),
        (3.2,),
        pose="steer",
        says="person on a scooter",
    ),
    "motorcyclist": Act(
        (("motorcycle", 0), ("person", -0.25)), (1.3, 1.3, 2.0), ("ride",), (7.0,), "drive", "ride", "motorcyclist"
    ),
    "wheelchair user": Act(
        (("wheelchair", 0), ("person", -0.1)),
        (0.9, 0.9, 1.7),
        ("ride",),
        (1.0,),
        pose="sit",
        says="person in a wheelchair",
    ),
    "stroller": Act(
        (("person", -0.85), ("stroller", 0.1)),
        (1.5, 0.9, 2.0),
        ("walk",),
        (1.1,),
        pose="push",
        says="person pushing a stroller",
    ),
    "cart": Act(
        (("person", -1.1), ("cart", 0.0)), (1.8, 1.0, 2.0), ("walk",), (1.0,), pose="push", says="person pushing a cart"
    ),
    "wheelbarrow": Act(
        (("person", -1.2), ("wheelbarrow", 0.0)),
        (1.9, 1.0, 2.0),
        ("walk",),
        (1.0,),
        pose="lift",
        says="person with a wheelbarrow",
        weight=0.7,
    ),
    "umbrella": Act(
        (("person", 0), ("umbrella", 0)), (1.0, 1.0, 2.5), ("walk", "stand"), (1.2, 0), says="person with an umbrella"
    ),
    "traveller": Act(
        (("person", 0), ("suitcase", -0.5)), (1.2, 0.9, 2.0), ("walk",), (1.2,), says="person with a suitcase"
    ),
    "dog": Act((("dog", 0),), (0.8, 0.9, 1.1), ("walk", "run", "stand"), (1.2, 3.6, 0), weight=1.5),
    "cat": Act((("cat", 0),), (0.6, 0.6, 0.7), ("walk", "stand"), (0.8, 0), weight=0.8),
    "horse": Act((("horse", 0),), (1.3, 1.8, 2.5), ("walk", "stand"), (1.3, 0), weight=0.5),
    "car": Act((("car", 0),), (2.4, 2.4, 1.6), ("drive", "stand"), (7.0, 0), "drive", weight=2),
    "van": Act((("van", 0),), (2.7, 2.7, 2.3), ("drive", "stand"), (6.0, 0), "drive"),
    "truck": Act((("truck", 0),), (3.7, 3.8, 3.3), ("drive", "stand"), (5.5, 0), "drive"),
    "bus": Act((("bus", 0),), (5.2, 5.2, 3.2), ("drive",), (6.0,), "drive", weight=0.7),
    "motorcycle": Act((("motorcycle", 0),), (1.3, 1.3, 1.3), *_STILL, "drive", weight=0.6),
    "suitcase": Act((("suitcase", 0),), (0.5, 0.5, 1.1), *_STILL),
    "backpack": Act((("backpack", 0),), (0.5, 0.5, 0.8), *_STILL),
    "ball": Act((("ball", 0),), (0.4, 0.4, 0.5), ("roll", "stand", "fly"), (2.2, 0, 5.0)),
    "box": Act((("box", 0),), (0.6, 0.6, 0.7), *_STILL),
    "traffic cone": Act((("traffic cone", 0),), (0.4, 0.4, 0.9), *_STILL),
    "bin": Act((("bin", 0),), (0.5, 0.5, 1.2), *_STILL),
    "bench": Act((("bench", 0),), (1.0, 1.0, 1.0), *_STILL),
    "ladder": Act((("ladder", 0),), (0.8, 0.8, 2.2), *_STILL, weight=0.7),
    "chair": Act((("chair", 0),), (0.5, 0.5, 1.1), *_STILL, weight=0.7),
    "fire hydrant": Act((("fire hydrant", 0),), (0.5, 0.5, 1.0), *_STILL, weight=0.7),
}
"""Every way in which kinds appear, by its name."""

FRONTS: dict[str, tuple[Draw, tuple[float, float, float]]] = {
    "car": (vehicles.end(1.8, 1.42, (0.85, 1.34), 0.78), (1.2, 1.2, 1.6)),
    "van": (vehicles.end(2.0, 2.1, (1.1, 1.85), 0.88), (1.3, 1.3, 2.3)),
    "truck": (vehicles.end(2.4, 2.5, (1.45, 2.2), 0.95, load=3.1), (1.6, 1.6, 3.2)),
    "bus": (vehicles.end(2.5, 2.9, (1.05, 2.35), 0.97, sign=True), (1.6, 1.6, 3.1)),
}
"""Vehicles on roads that run away from the camera: drawing and extent."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a film.

    act       a name in ACTS
    start     world (x, z) in metres at time 0
    pace      metres a second along x and z
    motion    what it does
    looks     one per part
    size      1.0 = as drawn (a child is 0.65)
    phase     where in its cycle it begins, 0..1
    seen      (from, to) in seconds: it is in the picture only then
    at        seconds at which it falls, or throws, or is thrown
    head_on   drawn from the front (vehicles that drive towards or away from the camera)
    """

    act: str
    start: tuple[float, float]
    pace: tuple[float, float]
    motion: Motion
    looks: tuple[Look, ...]
    size: float = 1.0
    phase: float = 0.0
    seen: tuple[float, float] = (-np.inf, np.inf)
    at: float = 0.0
    head_on: bool = False

    def __post_init__(self) -> None:
        assert self.act in ACTS, self.act
        assert len(self.looks) == len(ACTS[self.act].parts), f"{self.act}: {len(self.looks)} looks"

    def place(self, time: float) -> tuple[float, float, float]:
        """World (x, y, z) of its foot point at a time in seconds."""
        moved = min(time, self.at + 0.5) if self.motion == "fall" else time
        x, z = self.start[0] + self.pace[0] * moved, self.start[1] + self.pace[1] * moved
        y = 0.0
        if self.motion == "fly":  # thrown from 1.6 m, bounces once it is down
            flown = max(0.0, time - self.at)
            y = max(0.0, 1.6 + 4.2 * flown - 4.9 * flown**2)
        return x, y, z

    def pose(self, time: float) -> Pose:
        """What its joints do at a time."""
        act, moves = ACTS[self.act], abs(self.pace[0]) + abs(self.pace[1]) > 0
        stride = {"walk": 0.75, "run": 0.42, "ride": 0.5, "drive": 0.5, "roll": 1.0, "fly": 1.0}.get(self.motion, 1.0)
        speed = float(np.hypot(*self.pace))
        cycles = speed * time * stride / max(self.size, 0.3) / (1.0 if self.motion != "run" else 0.9)
        phase = (self.phase + cycles) % 1.0
        if self.motion == "fall":
            tip = float(np.clip((time - self.at) / 0.7, 0, 1)) ** 2
            return Pose("fall" if tip > 0 else "walk", phase, tip)
        if self.motion == "throw":
            return Pose("throw", float(np.clip((time - self.at) * 1.2 + 0.5, 0, 1)))
        if act.pose:
            return Pose(act.pose, phase)
        return Pose(self.motion if moves else "stand", phase)

    def facing(self) -> int:
        """1 to the right, -1 to the left."""
        return -1 if self.pace[0] < 0 else 1


def look(rng: np.random.Generator, kind: str, colour: str | None = None) -> Look:
    """A look for a kind, in one of its colours."""
    colours = KINDS[kind].colours
    name = colour or str(rng.choice(colours))
    second: Colour = COLOURS[str(rng.choice(TROUSERS))]
    skin = figures.SKINS[rng.integers(len(figures.SKINS))]
    hair = figures.HAIRS[rng.integers(len(figures.HAIRS))]
    return Look(
        name, vary(rng, COLOURS[name]), vary(rng, second), skin, hair, float(rng.random()), int(rng.integers(420))
    )


def looks(rng: np.random.Generator, act: str) -> tuple[Look, ...]:
    """Looks for all parts of an act."""
    return tuple(look(rng, kind) for kind, _ in ACTS[act].parts)
