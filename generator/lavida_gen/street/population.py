"""Populates a place: which actors appear, where, and how many, without colliding with each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lavida_gen.street.actors import Actor, draw_appearances
from lavida_gen.street.acts import ACTS, FRONTS
from lavida_gen.street.draws import pick, pick_weighted
from lavida_gen.street.layouts import Strip
from lavida_gen.street.place import Place

TRIES = 24
"""Positions that are tried for each actor."""
MIN_HEIGHT = 0.045
"""Least height of a thing as a share of the picture's height: smaller ones are placed nearer or left out."""
MAX_OVERLAP = 0.35
"""Largest share of the smaller of two boxes that both cover."""

_Box = tuple[float, float, float, float]


def populate(rng: np.random.Generator, place: Place, count: int, kinds: Sequence[str], seconds: float) -> list[Actor]:
    """Draw the actors of a scene.

    Args:
        rng: The source of randomness.
        place: Where they are; it need not be painted.
        count: How many actors are wanted.
        kinds: Names of the kinds that may appear.
        seconds: How long they move, 0 for a still.

    Returns:
        Up to `count` actors, fewer if there is no space.
    """
    acts = possible_acts(kinds)
    weights = tuple(ACTS[name].weight for name in acts)
    actors: list[Actor] = []
    boxes: list[_Box] = []
    for _ in range(count * TRIES):
        if len(actors) == count:
            break
        actor = _draw_actor(rng, place, pick_weighted(rng, acts, weights), seconds)
        if _is_on_road(place, actor) or any(_collide(actor, other, seconds / 2) for other in actors):
            continue
        box = _picture_box(place, actor)
        if box is not None and all(_overlap(box, other) < MAX_OVERLAP for other in boxes):
            actors.append(actor)
            boxes.append(box)
    return actors


def possible_acts(kinds: Sequence[str]) -> list[str]:
    """List the acts that some kinds suffice for.

    Args:
        kinds: Names of kinds.

    Returns:
        Names of the acts whose parts are all among `kinds`.
    """
    return [name for name, act in ACTS.items() if all(kind in kinds for kind, _ in act.parts)]


def _draw_actor(rng: np.random.Generator, place: Place, name: str, seconds: float) -> Actor:
    act, camera = ACTS[name], place.camera
    strip = place.drive if act.ground == "drive" else place.walk
    near, far = max(strip.near, camera.near() * 1.04), strip.far
    if far < near * 1.15:
        near, far = camera.near() * 1.04, camera.near() * 2.0
    far = max(min(far, camera.depth_at(place.back) - 1.0), near)  # in front of the walls
    z = near + (far - near) * float(rng.random()) ** 1.6
    numbers = range(len(act.motions))
    number = pick_weighted(rng, numbers, (3.0, *(1.0 for _ in numbers[1:])))
    motion = act.motions[number]
    pace = act.pace[number] * float(rng.uniform(0.85, 1.15))
    is_child = name == "person" and rng.random() < 0.14
    size = float(rng.uniform(0.62, 0.75) if is_child else rng.uniform(0.94, 1.06))
    head_on = place.name == "street" and name in FRONTS
    direction = pick(rng, (-1.0, 1.0))
    if head_on:
        velocity = (0.0, direction * pace)
    else:  # mostly across the view, a little in depth
        velocity = (direction * pace, float(rng.normal(0, 0.12)) * pace)
    x = _draw_across(rng, camera.half_width(z) * 0.92, strip)
    start = (x - velocity[0] * seconds / 2, z - velocity[1] * seconds / 2)
    moment = float(rng.uniform(0.1, 0.6)) * seconds
    if motion == "fall" and seconds == 0:
        moment = -float(rng.uniform(0.45, 1.5))
    return Actor(
        name,
        start,
        velocity,
        motion,
        draw_appearances(rng, name),
        size,
        float(rng.random()),
        moment=moment,
        head_on=head_on,
    )


def _is_on_road(place: Place, actor: Actor) -> bool:
    """Does it stand or lie on a road without being traffic? Cones may."""
    x, _, z = actor.position(0.0)
    is_traffic = actor.act == "traffic cone" or ACTS[actor.act].ground == "drive"
    return not is_traffic and actor.motion in ("stand", "fall") and place.on_road(x, z)


def _collide(one: Actor, two: Actor, time: float) -> bool:
    """Would two actors intersect at a time?"""
    (x, _, z), (other_x, _, other_z) = one.position(time), two.position(time)
    deep = 3.0 if one.head_on or two.head_on else 0.7
    if abs(z - other_z) >= deep:
        return False
    return abs(x - other_x) < sum(sum(ACTS[a.act].extent[:2]) / (4 if not a.head_on else 8) for a in (one, two))


def _draw_across(rng: np.random.Generator, half: float, strip: Strip) -> float:
    left, right = max(strip.left, -half), min(strip.right, half)
    return float(rng.uniform(left, right)) if left < right else float(rng.uniform(-half, half))


def _picture_box(place: Place, actor: Actor) -> _Box | None:
    """Left, top, right and bottom in the picture at time 0; None if it is too small."""
    act, (x, _, z) = ACTS[actor.act], actor.position(0.0)
    if z < place.camera.near() * 0.9:
        return None
    extent = FRONTS[act.parts[0][0]][1] if actor.head_on else act.extent
    scale = place.camera.scale(z) * actor.size
    if extent[2] * scale < MIN_HEIGHT * place.camera.size[0]:
        return None
    foot_x, foot_y = place.camera.project(x, 0.0, z)
    wide = 0.35 * (extent[0] + extent[1]) * scale
    return float(foot_x - wide), float(foot_y - extent[2] * scale * 0.85), float(foot_x + wide), float(foot_y)


def _overlap(one: _Box, two: _Box) -> float:
    """Shared area as a fraction of the smaller box."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, two)]
    return width * height / min(areas)
