"""Prompts for the scenes of drawn_scenes: which names are listed, which of them is the anomaly."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cache

import numpy as np

from drawn_scenes import TRAINED_KINDS, Scenes
from lavida.batch import Sample
from lavida_gen.street import phrases
from lavida_gen.street.paint import COLOURS

ROWS = [row for row in phrases.vocabulary() if row[1] in TRAINED_KINDS]
CATEGORY = {text: category for text, category, _ in ROWS}
KINDS = tuple(text for text, category, _ in ROWS if text == category)
EXPRESSIONS = tuple(text for text, category, _ in ROWS if text != category)
GROUP = {text: group for text, _, group in ROWS}
COLOURED = {text for text in EXPRESSIONS if set(text.split()).intersection(COLOURS)}
STATES = [text for text in EXPRESSIONS if text not in COLOURED]
"""What something does, or how it stands about."""


@cache
def kindred(name: str) -> tuple[str, ...]:
    """What is easily taken for a name.

    Other colours for a colour, other doings for a doing, other kinds of its group and the states of its own for a kind.
    """
    if name in COLOURED:
        found = [text for text in EXPRESSIONS if text in COLOURED and GROUP[text] == GROUP[name]]
    elif name in STATES:
        found = [text for text in STATES if GROUP[text] == GROUP[name]]
    else:
        found = [text for text in KINDS if GROUP[text] == GROUP[name]]
        found += [text for text in STATES if CATEGORY[text] == name]
    return tuple(text for text in found if text != name)


@dataclass(frozen=True, slots=True)
class Listed:
    """K names of a prompt, and which of them are in the scene as the anomaly (one, or none)."""

    names: tuple[str, ...]
    labels: tuple[bool, ...]


def absent(
    rng: np.random.Generator, scenes: Scenes, there: Set[str], count: int, near: Sequence[str] = ()
) -> list[str]:
    """`count` names that are not among `there`: captions of other scenes.

    So each name is asked for in vain about as often as in truth, and does not predict the label by itself. The first ones are each
    easily taken for one of `near`, as far as there are such.
    """
    found: list[str] = []
    for name in near:
        alike = [text for text in kindred(name) if text not in there and text not in found]
        found += [alike[int(rng.integers(len(alike)))]] if alike else []
    while len(found) < count:
        captions = scenes.captions[int(rng.integers(len(scenes)))]
        texts = captions[int(rng.integers(len(captions)))] if captions else ()
        name = texts[int(rng.integers(len(texts)))] if texts else ""
        if name and name not in there and name not in found:
            found.append(name)
    return found[:count]


def prompt(rng: np.random.Generator, scenes: Scenes, number: int, exposed: bool, count: int) -> Listed:
    """`count` names, one of them true of a visible thing of scene `number` if `exposed` (and there is one), shuffled."""
    captions, names = scenes.captions[number], list[str]()
    visible = np.flatnonzero(scenes.shown(number))
    exposed = exposed and len(visible) > 0
    if exposed:
        thing = captions[int(rng.choice(visible))]
        kind = len(thing) == 1 or rng.random() < 0.5
        names = [thing[0] if kind else thing[int(rng.integers(1, len(thing)))]]
    there = {name for texts in captions for name in texts}
    near = [*names, *(texts[int(rng.integers(len(texts)))] for texts in captions)] if rng.random() < 0.5 else []
    names += absent(rng, scenes, there, count - len(names), near[: count // 2])
    order = rng.permutation(count)
    return Listed(tuple(names[at] for at in order), tuple(exposed and bool(at == 0) for at in order))


def sample(rng: np.random.Generator, scenes: Scenes, number: int, exposed: bool, count: int) -> Sample:
    """A scene with a prompt, as a corpus would hold it."""
    listed = prompt(rng, scenes, number, exposed, count)
    frames = scenes.frames[number][None]
    mask = np.zeros(frames.shape[:3], np.bool_)
    if any(listed.labels):
        mask[0] = scenes.mask(number, listed.names[listed.labels.index(True)])
    return Sample(frames, listed.names, masks=mask, labels=listed.labels, key=str(number))
