"""Fills a place with a cast: who, where, how many, without treading on each other; and what one may call them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lavida_gen.street.actors import ACTS, FRONTS, KINDS, TROUSERS, Actor, looks
from lavida_gen.street.film import Film
from lavida_gen.street.layouts import Strip
from lavida_gen.street.place import Place

TRIES = 24
SMALLEST = 0.045
"""A thing is at least so tall, as a share of the picture's height: smaller ones are put nearer or left out."""


ACTIONS = {
    "walk": "person walking",
    "stand": "person standing",
    "run": "person running",
    "fall": "person falling",
    "throw": "person throwing",
}
"""What one says of a person who does nothing else; also without the person: "running"."""

LEFT = ("suitcase", "backpack", "box")
"""What is "left" when it stands about alone."""


def cast(rng: np.random.Generator, place: Place, count: int, kinds: Sequence[str], seconds: float) -> list[Actor]:
    """Up to `count` actors whose parts are all among `kinds`; with `seconds` > 0 they move so long."""
    acts = able(kinds)
    weights = np.array([ACTS[name].weight for name in acts])
    found: list[Actor] = []
    boxes: list[tuple[float, float, float, float]] = []
    for _ in range(count * TRIES):
        if len(found) == count:
            break
        actor = _actor(rng, place, str(rng.choice(acts, p=weights / weights.sum())), seconds)
        crowded = _on_road(place, actor) or any(_collide(actor, other, seconds / 2) for other in found)
        box = None if crowded else _box(place, actor)
        if box is not None and all(_overlap(box, other) < 0.35 for other in boxes):
            found.append(actor)
            boxes.append(box)
    return found


def able(kinds: Sequence[str]) -> list[str]:
    """Acts whose parts are all among `kinds`."""
    return [name for name, act in ACTS.items() if all(kind in kinds for kind, _ in act.parts)]


def _actor(rng: np.random.Generator, place: Place, name: str, seconds: float) -> Actor:
    act, camera = ACTS[name], place.camera
    strip = place.drive if act.ground == "drive" else place.walk
    near, far = max(strip.near, camera.near() * 1.04), strip.far
    if far < near * 1.15:
        near, far = camera.near() * 1.04, camera.near() * 2.0
    far = max(min(far, camera.depth_at(place.back) - 1.0), near)  # before the walls
    z = near + (far - near) * float(rng.random()) ** 1.6
    weights = np.array([3.0, *([1.0] * (len(act.motions) - 1))])
    at = int(rng.choice(len(act.motions), p=weights / weights.sum()))
    motion = act.motions[at]
    pace = act.pace[at] * float(rng.uniform(0.85, 1.15))
    size = (
        float(rng.uniform(0.62, 0.75)) if name == "person" and rng.random() < 0.14 else float(rng.uniform(0.94, 1.06))
    )
    head_on = place.name == "street" and name in FRONTS
    way = float(rng.choice([-1, 1]))
    if head_on:
        velocity = (0.0, way * pace)
    else:  # mostly across the view, a little in depth
        velocity = (way * pace, float(rng.normal(0, 0.12)) * pace)
    x = _across(rng, camera.half_width(z) * 0.92, strip)
    start = (x - velocity[0] * seconds / 2, z - velocity[1] * seconds / 2)
    when = float(rng.uniform(0.1, 0.6)) * seconds
    if motion == "fall" and seconds == 0:
        when = -float(rng.uniform(0.45, 1.5))
    return Actor(name, start, velocity, motion, looks(rng, name), size, float(rng.random()), at=when, head_on=head_on)


def _on_road(place: Place, actor: Actor) -> bool:
    """Whether it stands or lies on a road without being traffic; cones may."""
    x, _, z = actor.place(0.0)
    free = actor.act == "traffic cone" or ACTS[actor.act].ground == "drive" or actor.motion not in ("stand", "fall")
    return not free and place.on_road(x, z)


def _collide(one: Actor, two: Actor, time: float) -> bool:
    """Whether two would be in one another at a time."""
    (x, _, z), (other_x, _, other_z) = one.place(time), two.place(time)
    deep = 3.0 if one.head_on or two.head_on else 0.7
    wide = sum(sum(ACTS[a.act].extent[:2]) / (4 if not a.head_on else 8) for a in (one, two))
    return abs(z - other_z) < deep and abs(x - other_x) < wide


def _across(rng: np.random.Generator, half: float, strip: Strip) -> float:
    left, right = max(strip.left, -half), min(strip.right, half)
    return float(rng.uniform(left, right)) if left < right else float(rng.uniform(-half, half))


def _box(place: Place, actor: Actor) -> tuple[float, float, float, float] | None:
    """Picture box at time 0 (left, top, right, bottom); None if it is too small to be seen."""
    act, (x, _, z) = ACTS[actor.act], actor.place(0.0)
    if z < place.camera.near() * 0.9:
        return None
    extent = FRONTS[act.parts[0][0]][1] if actor.head_on else act.extent
    scale = place.camera.scale(z) * actor.size
    if extent[2] * scale < SMALLEST * place.camera.size[0]:
        return None
    foot_x, foot_y = place.camera.project(x, 0.0, z)
    wide = 0.35 * (extent[0] + extent[1]) * scale
    return float(foot_x - wide), float(foot_y - extent[2] * scale * 0.85), float(foot_x + wide), float(foot_y)


def _overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> float:
    """Shared area over the smaller box."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, two)]
    return width * height / min(areas)


def expressions(film: Film) -> list[tuple[str, ...]]:
    """For each part: every expression that is said of it. Two red cars are both "red car"."""
    return [said for _, said in named(film.actors)]


def named(actors: Sequence[Actor]) -> list[tuple[str, tuple[str, ...]]]:
    """(kind, what is said of it) of each part, in the order of `Film.parts`."""
    return [
        (kind, tuple(dict.fromkeys(_said(actor, at, kind))))
        for actor in actors
        for at, (kind, _) in enumerate(ACTS[actor.act].parts)
    ]


def untrue(actors: Sequence[Actor]) -> list[str]:
    """Expressions of kinds that are there, which are true of none of them, whoever looks.

    Left out is whatever could be argued about: the colours that trousers have too, walking and standing (who pushes a
    cart walks as well), and people with a thing of a kind that is there without them.
    """
    parts = named(actors)
    there, said = {kind for kind, _ in parts}, {text for _, texts in parts for text in texts}
    unsure = {f"person in {colour}" for colour in TROUSERS} | {*_doing("walk"), *_doing("stand")}
    unsure |= {act.says for act in ACTS.values() if there.intersection(kind for kind, _ in act.parts) - {"person"}}
    return [
        text
        for text, kind, _ in vocabulary()
        if kind in there and text != kind and text not in said and text not in unsure
    ]


def _said(actor: Actor, at: int, kind: str) -> Iterator[str]:
    act, look = ACTS[actor.act], actor.looks[at]
    if kind != "person":
        yield f"{look.name} {kind}"
        if kind in LEFT and actor.act == kind:
            yield f"left {kind}"
        return
    yield f"person in {look.name}"
    if act.says:
        yield act.says
    elif actor.act == "person":
        yield from _doing(actor.motion)


def _doing(motion: str) -> tuple[str, str]:
    """What one says of a person who does this, with and without the person."""
    return ACTIONS[motion], ACTIONS[motion].removeprefix("person ")


def vocabulary() -> list[tuple[str, str, str]]:
    """(text, category, group) of every name that may occur: kinds first, then expressions."""
    found = [(kind, kind, one.group) for kind, one in KINDS.items()]
    for kind, one in KINDS.items():
        word = "person in {}" if kind == "person" else f"{{}} {kind}"
        found += [(word.format(colour), kind, one.group) for colour in one.colours]
    said = dict.fromkeys(act.says for act in ACTS.values() if act.says)
    actions = [*said, *ACTIONS.values(), *(text for motion in ACTIONS for text in _doing(motion)[1:])]
    left = [(f"left {kind}", kind, KINDS[kind].group) for kind in LEFT]
    return found + left + [(text, "person", "person") for text in actions]
