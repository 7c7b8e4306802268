"""The registry of kinds and acts: what may appear in a view, and how kinds appear together.

An act (a cyclist) has parts (a bicycle, a person); every part has a mask of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lavida_gen.street import animals, figures, things, vehicles
from lavida_gen.street.things import Painter

Motion = Literal["stand", "walk", "run", "ride", "drive", "fall", "throw", "roll", "fly"]


@dataclass(frozen=True, slots=True)
class ThingKind:
    """A kind of thing.

    Attributes:
        paint: Paints it.
        group: Group of related kinds (the supercategory of its name).
        colours: Names of the colours that it comes in.
    """

    paint: Painter
    group: str
    colours: tuple[str, ...] = ("red", "blue", "green", "yellow", "black", "white", "orange", "gray")


PAINTS = ("red", "blue", "green", "yellow", "black", "white", "orange", "gray")


COATS = ("black", "white", "brown", "gray")


TROUSERS = ("blue", "black", "gray", "brown", "white")


KINDS: dict[str, ThingKind] = {
    "person": ThingKind(figures.person, "person", (*PAINTS, "purple", "pink", "brown")),
    "dog": ThingKind(animals.dog, "animal", COATS),
    "cat": ThingKind(animals.cat, "animal", (*COATS, "orange")),
    "horse": ThingKind(animals.horse, "animal", COATS),
    "car": ThingKind(vehicles.car, "vehicle", PAINTS),
    "van": ThingKind(vehicles.van, "vehicle", PAINTS),
    "truck": ThingKind(vehicles.truck, "vehicle", PAINTS),
    "bus": ThingKind(vehicles.bus, "vehicle", ("red", "blue", "green", "yellow", "white", "orange")),
    "motorcycle": ThingKind(things.motorcycle, "vehicle", PAINTS),
    "bicycle": ThingKind(things.bicycle, "wheeled", PAINTS),
    "scooter": ThingKind(things.scooter, "wheeled", PAINTS),
    "skateboard": ThingKind(things.skateboard, "wheeled", PAINTS),
    "wheelchair": ThingKind(things.wheelchair, "wheeled", ("red", "blue", "black", "green")),
    "stroller": ThingKind(things.stroller, "wheeled", (*PAINTS, "purple", "pink")),
    "cart": ThingKind(things.cart, "wheeled", PAINTS),
    "wheelbarrow": ThingKind(things.wheelbarrow, "wheeled", ("red", "blue", "green", "orange", "gray")),
    "umbrella": ThingKind(things.umbrella, "belonging", (*PAINTS, "purple", "pink")),
    "suitcase": ThingKind(things.suitcase, "belonging", (*PAINTS, "purple", "pink")),
    "backpack": ThingKind(things.backpack, "belonging", (*PAINTS, "purple", "pink")),
    "ball": ThingKind(things.ball, "belonging", ("red", "blue", "green", "yellow", "white", "orange", "pink")),
    "box": ThingKind(things.box, "object", ("brown", "white", "gray", "yellow")),
    "traffic cone": ThingKind(things.cone, "object", ("orange", "red", "yellow")),
    "bin": ThingKind(things.bin_, "object", ("green", "gray", "black", "blue", "yellow")),
    "bench": ThingKind(things.bench, "object", ("brown", "green", "gray", "white")),
    "ladder": ThingKind(things.ladder, "object", ("gray", "yellow", "orange", "brown")),
    "chair": ThingKind(things.chair, "object", ("red", "white", "blue", "brown", "green")),
    "fire hydrant": ThingKind(things.hydrant, "object", ("red", "yellow", "blue")),
}
"""Every kind that gets a mask, by its name. A new kind is a painting function and a line here."""


@dataclass(frozen=True, slots=True)
class Act:
    """How kinds appear together.

    Attributes:
        parts: (kind, shift to the right in metres) from back to front.
        extent: Metres to the left, to the right and up that the painting may need.
        motions: Its possible motions, the usual one first.
        pace: Metres per second of each motion.
        ground: The strip of a place that it uses.
        pose: The pose of the person in it, "" for that of the motion.
        phrase: An expression for the person in it, "" if none.
        weight: How often it appears, relative to other acts.
    """

    parts: tuple[tuple[str, float], ...]
    extent: tuple[float, float, float]
    motions: tuple[Motion, ...]
    pace: tuple[float, ...]
    ground: Literal["walk", "drive"] = "walk"
    pose: str = ""
    phrase: str = ""
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
        phrase="person riding a bicycle",
        weight=2,
    ),
    "bicycle": Act((("bicycle", 0),), (1.0, 1.0, 1.2), *_STILL),
    "skateboarder": Act(
        (("skateboard", 0), ("person", 0)),
        (0.9, 0.9, 2.2),
        ("ride",),
        (3.0,),
        pose="balance",
        phrase="skateboarder",
        weight=1.5,
    ),
    "scooter rider": Act(
        (("scooter", 0.1), ("person", -0.1)),
        (0.9, 0.9, 2.2),
        ("ride",),
        (3.2,),
        pose="steer",
        phrase="person on a scooter",
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
        phrase="person in a wheelchair",
    ),
    "stroller": Act(
        (("person", -0.85), ("stroller", 0.1)),
        (1.5, 0.9, 2.0),
        ("walk",),
        (1.1,),
        pose="push",
        phrase="person pushing a stroller",
    ),
    "cart": Act(
        (("person", -1.1), ("cart", 0.0)),
        (1.8, 1.0, 2.0),
        ("walk",),
        (1.0,),
        pose="push",
        phrase="person pushing a cart",
    ),
    "wheelbarrow": Act(
        (("person", -1.2), ("wheelbarrow", 0.0)),
        (1.9, 1.0, 2.0),
        ("walk",),
        (1.0,),
        pose="lift",
        phrase="person with a wheelbarrow",
        weight=0.7,
    ),
    "umbrella": Act(
        (("person", 0), ("umbrella", 0)), (1.0, 1.0, 2.5), ("walk", "stand"), (1.2, 0), phrase="person with an umbrella"
    ),
    "traveller": Act(
        (("person", 0), ("suitcase", -0.5)), (1.2, 0.9, 2.0), ("walk",), (1.2,), phrase="person with a suitcase"
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


FRONTS: dict[str, tuple[Painter, tuple[float, float, float]]] = {
    "car": (vehicles.end(1.8, 1.42, (0.85, 1.34), 0.78), (1.2, 1.2, 1.6)),
    "van": (vehicles.end(2.0, 2.1, (1.1, 1.85), 0.88), (1.3, 1.3, 2.3)),
    "truck": (vehicles.end(2.4, 2.5, (1.45, 2.2), 0.95, load=3.1), (1.6, 1.6, 3.2)),
    "bus": (vehicles.end(2.5, 2.9, (1.05, 2.35), 0.97, sign=True), (1.6, 1.6, 3.1)),
}
"""Vehicles on roads that run away from the camera: painting function and extent."""
