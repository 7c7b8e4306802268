"""The nouns of WordNet 3.0: which names are kinds of which, which are parts of which.

    wordnet.is_kin(wordnet.read("bagel"), wordnet.read("bread"))        # True: a bagel is bread

Only senses that a picture can show count (animals, artifacts, bodies, food, natural objects, plants, what carries a
message), and of these none of data/rare_senses.yaml. Siblings are not kin: a bagel is no bun. data/wordnet.npz is made
by `make_wordnet`, its licence is data/wordnet-licence.txt. It is opened when it is first asked (about 10 MB, 0.05 s).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.arrays import open_archive
from lavida_gen.common.resources import own_yaml, resource
from lavida_gen.names.make_wordnet import LEFT_OUT
from lavida_gen.names.wording import head_phrase, lexicon_file, singular

ANIMAL, ARTIFACT, BODY, COMMUNICATION, FOOD, OBJECT, PERSON, PLANT = 5, 6, 8, 10, 13, 17, 18, 20
"""Lexicographer files (lexnames(5WN)) that a sense lies in."""
VISIBLE = frozenset({ANIMAL, ARTIFACT, BODY, COMMUNICATION, FOOD, OBJECT, PLANT})

BEGINNERS = ("person.n.01", "animal.n.01", "plant.n.02")
"""Kinds of everything in one of these files that lie in none of them themselves, but in that of general words."""

Senses = tuple[int, ...]
"""Numbers of synsets in data/wordnet.npz, the most frequent first."""


class _Nouns:
    """The file's arrays, and look-ups in them."""

    def __init__(self) -> None:
        with open_archive(resource("wordnet.npz")) as file:
            self._lemmas = file["names"].tobytes().decode().split("\n")
            self._sense_starts, self._senses, self._tags = file["sense_starts"], file["senses"], file["tags"]
            self.files = file["files"]
            self._parents = file["parent_starts"], file["parents"]
            self._wholes = file["whole_starts"], file["wholes"]

    def senses(self, lemma: str) -> list[int]:
        """Synsets of a lemma in WordNet's order, LEFT_OUT for proper names; [] for a lemma that is unknown."""
        row = self._row(lemma)
        return [] if row is None else self._senses[self._sense_starts[row] : self._sense_starts[row + 1]].tolist()

    def first_is_tagged(self, lemma: str) -> bool:
        """Whether the first sense occurs in WordNet's tagged texts."""
        row = self._row(lemma)
        return row is not None and bool(self._tags[self._sense_starts[row]])

    def _row(self, lemma: str) -> int | None:
        row = bisect_left(self._lemmas, lemma)
        return row if row < len(self._lemmas) and self._lemmas[row] == lemma else None

    def parents(self, synset: int) -> list[int]:
        """Hypernyms."""
        return _slice(self._parents, synset)

    def wholes(self, synset: int) -> list[int]:
        """What the synset is a part of."""
        return _slice(self._wholes, synset)


def _slice(rows: tuple[NDArray[np.uint32], NDArray[np.uint32]], number: int) -> list[int]:
    starts, values = rows
    found: list[int] = values[starts[number] : starts[number + 1]].tolist()
    return found


@cache
def _nouns() -> _Nouns:
    return _Nouns()


@cache
def rare_senses() -> dict[str, frozenset[int]]:
    """Sense numbers, from 1, that never count, by lemma."""
    plain = own_yaml(resource("rare_senses.yaml"))
    return {str(lemma): frozenset(numbers) for lemma, numbers in plain.items()}


def _spellings(name: str) -> Iterator[str]:
    """Ways to write a name: as it is, singular, joined, with hyphens."""
    before, _, last = name.rpartition(" ")
    one = f"{before} {singular(last)}".strip()
    yield from (name, one, name.replace(" ", ""), name.replace(" ", "-"), name.replace("-", " "), one.replace(" ", ""))


def _lemma(name: str) -> str | None:
    return next((form for form in _spellings(name) if _nouns().senses(form)), None)


class Reading(NamedTuple):
    """What a name may stand for in a picture.

    Attributes:
        senses: Its synsets; of a compound that WordNet does not know the first one of its head.
        is_compound: Whether `senses` are those of the head: the name is some kind of it ("garden chair", a chair).
    """

    senses: Senses
    is_compound: bool = False


@lru_cache(maxsize=100_000)
def read(name: str) -> Reading:
    """Look a name up.

    Args:
        name: In lower case, words separated by blanks.

    Returns:
        Its reading; no senses where WordNet knows neither the name nor its head, and for words such as "object".
    """
    if name in lexicon_file()["too_general"]:
        return Reading((), is_compound=True)
    whole = _lemma(name)
    if whole is not None:
        return Reading(tuple(_visible(whole) or _common(whole)[:1]))
    words = head_phrase(name).split()
    for start in range(len(words)):
        head = _lemma(" ".join(words[start:]))
        if head is not None:
            return Reading(tuple((_visible(head) or _common(head))[:1]), is_compound=True)
    return Reading((), is_compound=True)


def _common(lemma: str) -> list[int]:
    """Every sense that is no proper name."""
    return [synset for synset in _nouns().senses(lemma) if synset != LEFT_OUT]


@cache
def _beginners() -> frozenset[int]:
    return frozenset(sense for name in BEGINNERS for sense in synset(name).senses)


def _visible(lemma: str) -> list[int]:
    """Senses that a picture can show, in WordNet's order; persons where nothing else is, or where they come first."""
    nouns, rare = _nouns(), rare_senses().get(lemma, frozenset())
    every = nouns.senses(lemma)
    kept = [synset for number, synset in enumerate(every, 1) if number not in rare and synset != LEFT_OUT]
    things = [synset for synset in kept if nouns.files[synset] in VISIBLE or synset in _beginners()]
    first = every[0]
    persons_first = first != LEFT_OUT and nouns.files[first] == PERSON and nouns.first_is_tagged(lemma)
    if things and not persons_first:
        return things
    return [synset for synset in kept if nouns.files[synset] in VISIBLE or nouns.files[synset] == PERSON]


@lru_cache(maxsize=100_000)
def synset(name: str) -> Reading:
    """The one sense of a synset's name as data sets write it.

    Words of lexicon.yaml's section too_general ("object.n.01") have none: everything would be a kind of them.

    Args:
        name: ``dog.n.01``: lemma, part of speech, number of the sense from 1 (LVIS, ADE20K, ImageNet).

    Returns:
        Its number; empty for one that WordNet 3.0 does not have (``stop_sign.n.01`` of LVIS).
    """
    lemma, _, number = name.rpartition(".n.")
    word = lemma.replace("_", " ").lower()
    found = [] if word in lexicon_file()["too_general"] else _nouns().senses(word)
    place = int(number) - 1 if number.isdecimal() else -1
    return Reading(tuple(sense for sense in found[place : place + 1] if place >= 0 and sense != LEFT_OUT))


@lru_cache(maxsize=100_000)
def _lives(sense: int) -> bool:
    """Whether it is a person or an animal."""
    return not kinds(sense).isdisjoint((*synset("person.n.01").senses, *synset("animal.n.01").senses))


def live_alike(one: Reading, other: Reading) -> bool:
    """Whether the first senses of both are persons or animals, or of none; True where one is unknown.

    Args:
        one: What a name may stand for.
        other: What another one may stand for. Symmetric.
    """
    return not one.senses or not other.senses or _lives(one.senses[0]) == _lives(other.senses[0])


@lru_cache(maxsize=100_000)
def kinds(sense: int) -> frozenset[int]:
    """A sense and everything it is a kind of."""
    found: set[int] = set()
    todo = [sense]
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += _nouns().parents(one)
    return frozenset(found)


def is_kin(one: Reading, other: Reading) -> bool:
    """Whether in some senses both are the same, or one is a kind of the other.

    Two compounds of one head ("brick wall", "wood wall") are siblings, not kin.

    Args:
        one: What a name may stand for.
        other: What another one may stand for. Symmetric.
    """
    if one.is_compound and other.is_compound:
        return False
    if one.is_compound or other.is_compound:
        compound, whole = (one, other) if one.is_compound else (other, one)
        return any(sense in kinds(head) for head in compound.senses for sense in whole.senses)
    return any(a in kinds(b) or b in kinds(a) for a in one.senses for b in other.senses)


def is_part(part: Reading, whole: Reading) -> bool:
    """Whether a thing called `part` belongs to one called `whole`, in the first sense of both: a wheel to a car.

    Args:
        part: What the name of the part may stand for.
        whole: What the name of the whole may stand for.
    """
    if not part.senses or not whole.senses:
        return False
    return not kinds(whole.senses[0]).isdisjoint(_nouns().wholes(part.senses[0]))
