"""What the parts of a scene are called: expressions that are true of them, and expressions that are true of none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lavida_gen.street.actors import Actor
from lavida_gen.street.acts import ACTS, KINDS, TROUSERS

ACTIONS = {
    "walk": "person walking",
    "stand": "person standing",
    "run": "person running",
    "fall": "person falling",
    "throw": "person throwing",
}
"""Expressions of a person who does nothing else; also without the person: "running"."""

LEFT_ALONE = ("suitcase", "backpack", "box")
"""Kinds that are "left" if nobody is with them."""


class PartName(NamedTuple):
    """What a part is called.

    Attributes:
        kind: Its kind, e.g. "car".
        expressions: All expressions that are true of it; two red cars are both "red car".
    """

    kind: str
    expressions: tuple[str, ...]


class Word(NamedTuple):
    """A name of the vocabulary."""

    text: str
    category: str
    group: str


def part_names(actors: Sequence[Actor]) -> list[PartName]:
    """Name every part of a scene.

    Args:
        actors: The actors of the scene.

    Returns:
        The names, in the order of `Film.parts`.
    """
    return [
        PartName(kind, tuple(dict.fromkeys(_expressions(actor, number, kind))))
        for actor in actors
        for number, (kind, _) in enumerate(ACTS[actor.act].parts)
    ]


def untrue_expressions(actors: Sequence[Actor]) -> list[str]:
    """List expressions of present kinds that are certainly true of no part.

    Debatable ones are left out: colours that trousers have too, walking and standing (a person who pushes a cart walks
    as well), and people with a thing of a kind that is present without them.

    Args:
        actors: The actors of the scene.

    Returns:
        The expressions, in the order of the vocabulary.
    """
    parts = part_names(actors)
    kinds = {part.kind for part in parts}
    true = {text for part in parts for text in part.expressions}
    debatable = {f"person in {colour}" for colour in TROUSERS} | {*_action_phrases("walk"), *_action_phrases("stand")}
    for act in ACTS.values():
        things = {kind for kind, _ in act.parts} - {"person"}
        if things & kinds:
            debatable.add(act.phrase)
    return [
        word.text
        for word in vocabulary()
        if word.category in kinds and word.text != word.category and word.text not in true | debatable
    ]


def _expressions(actor: Actor, number: int, kind: str) -> Iterator[str]:
    act, colour = ACTS[actor.act], actor.appearances[number].colour
    if kind != "person":
        yield f"{colour} {kind}"
        if kind in LEFT_ALONE and actor.act == kind:
            yield f"left {kind}"
        return
    yield f"person in {colour}"
    if act.phrase:
        yield act.phrase
    elif actor.act == "person":
        yield from _action_phrases(actor.motion)


def _action_phrases(motion: str) -> tuple[str, str]:
    """Expressions of a person who makes a motion, with and without the person."""
    return ACTIONS[motion], ACTIONS[motion].removeprefix("person ")


def vocabulary() -> list[Word]:
    """List every name that may occur.

    Returns:
        Kinds first, then expressions.
    """
    words = [Word(name, name, kind.group) for name, kind in KINDS.items()]
    for name, kind in KINDS.items():
        pattern = "person in {}" if name == "person" else f"{{}} {name}"
        words += [Word(pattern.format(colour), name, kind.group) for colour in kind.colours]
    words += [Word(f"left {name}", name, KINDS[name].group) for name in LEFT_ALONE]
    phrases = dict.fromkeys(act.phrase for act in ACTS.values() if act.phrase)
    actions = [*phrases, *ACTIONS.values(), *(_action_phrases(motion)[1] for motion in ACTIONS)]
    return words + [Word(text, "person", "person") for text in actions]
