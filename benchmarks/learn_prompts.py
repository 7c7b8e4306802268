"""Prompts for the scenes of learn_scenes: which names are listed, which of them is the anomaly."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from learn_scenes import TRAINED_KINDS, Scenes

from lavida.batch import Sample
from lavida_gen.street import cast

ROWS = [row for row in cast.vocabulary() if row[1] in TRAINED_KINDS]
CATEGORY = {text: category for text, category, _ in ROWS}
KINDS = tuple(text for text, category, _ in ROWS if text == category)
EXPRESSIONS = tuple(text for text, category, _ in ROWS if text != category)
GROUP = {text: group for text, _, group in ROWS}
"""Group of kindred kinds of each name: where near misses come from."""


@dataclass(frozen=True, slots=True)
class Listed:
    """K names of a prompt, and which of them are in the scene as the anomaly (one, or none)."""

    names: tuple[str, ...]
    labels: tuple[bool, ...]


def absent(rng: np.random.Generator, scenes: Scenes, there: Set[str], count: int, near: str | None = None) -> list[str]:
    """`count` names that are not among `there`: what is said of other scenes.

    So each name is asked for in vain about as often as in truth, and tells nothing by itself. `near`: the first one is of
    this name's group, if there is any; it may be of a thing that is there, in a colour it does not have.
    """
    found: list[str] = []
    if near is not None:
        alike = [name for name in KINDS + EXPRESSIONS if GROUP[name] == GROUP[near] and name not in there]
        found = [alike[int(rng.integers(len(alike)))]] if alike else []
    while len(found) < count:
        said = scenes.said[int(rng.integers(len(scenes)))]
        texts = said[int(rng.integers(len(said)))] if said else ()
        name = texts[int(rng.integers(len(texts)))] if texts else ""
        if name and name not in there and name not in found:
            found.append(name)
    return found[:count]


def prompt(rng: np.random.Generator, scenes: Scenes, number: int, exposed: bool, count: int) -> Listed:
    """`count` names, one of them true of a thing of scene `number` if `exposed`, shuffled."""
    said, names, near = scenes.said[number], [], None
    if exposed:
        thing = said[int(rng.integers(len(said)))]
        kind = len(thing) == 1 or rng.random() < 0.5
        near = thing[0] if kind else thing[int(rng.integers(1, len(thing)))]
        names = [near]
    there = {name for texts in said for name in texts}
    names += absent(rng, scenes, there, count - len(names), near if rng.random() < 0.5 else None)
    order = rng.permutation(count)
    return Listed(tuple(names[at] for at in order), tuple(exposed and bool(at == 0) for at in order))


def sample(rng: np.random.Generator, scenes: Scenes, number: int, exposed: bool, count: int) -> Sample:
    """A scene with a prompt, as a corpus would hold it."""
    listed = prompt(rng, scenes, number, exposed, count)
    frames = scenes.frames[number][None]
    mask = np.zeros(frames.shape[:3], np.bool_)
    if exposed:
        mask[0] = scenes.mask(number, listed.names[listed.labels.index(True)])
    return Sample(frames, listed.names, masks=mask, labels=listed.labels, key=str(number))
