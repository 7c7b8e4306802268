"""What names mean to each other: could one describe what another describes?

A name may be listed as absent only if it conflicts with no name of anything annotated in the scene. Names conflict when
they are worded alike (the same words, whatever the order, articles, plural), are synonyms, or one is a kind of the
other (man, person); and expressions conflict by the kind of thing they speak of. The tables are in data/lexicon.yaml.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

import yaml

from lavida_gen.common.resources import resource
from lavida_gen.scenes.scene import Name

TABLES = resource("lexicon.yaml")
_WORD = re.compile(r"[^\W_]+(?:'s)?")
_SPACED = re.compile(r"[^\s']+(?:'s)?")


class _Tables(NamedTuple):
    plurals: dict[str, str]
    stop: frozenset[str]  # glue and qualifiers
    qualifiers: frozenset[str]
    synonym: dict[str, str]  # to one word of each family
    named: frozenset[str]  # what an expression may speak of: all words of synonyms and hyponyms
    kinds: dict[str, frozenset[str]]  # a thing -> everything it is a kind of, transitively, synonyms resolved
    longest: int  # words of the longest table entry
    colours: frozenset[str]
    swaps: dict[str, tuple[str, ...]]  # a word -> those that may stand in its place


@cache
def _tables() -> _Tables:
    plain = yaml.safe_load(TABLES.read_text(encoding="utf-8"))
    synonym = {word: family[0] for family in plain["synonyms"] for word in family}
    parents: dict[str, set[str]] = {}
    named = set(synonym)
    for section in ("hyponyms", "whole_names"):
        for kind, members in plain[section].items():
            for member in members:
                pair = synonym.get(member, member), synonym.get(kind, kind)
                parents.setdefault(pair[0], set()).add(pair[1])
                if section == "hyponyms":
                    named.update(pair)
    kinds = {word: frozenset(_ancestors(word, parents)) for word in parents}
    swaps = {word: tuple(w for w in group if w != word) for group in plain["swaps"].values() for word in group}
    longest = max(len(entry.split()) for entry in named)
    qualifiers = frozenset(plain["qualifiers"])
    stop, colours = qualifiers.union(plain["glue"]), frozenset(plain["swaps"]["colour"])
    return _Tables(plain["plurals"], stop, qualifiers, synonym, frozenset(named), kinds, longest, colours, swaps)


def _ancestors(word: str, parents: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = [word]
    while todo:
        for parent in parents.get(todo.pop(), ()):
            if parent not in found:
                found.add(parent)
                todo.append(parent)
    return found


class Meaning(NamedTuple):
    """words: content words of a name; things: those of them that name a kind of thing, synonyms resolved."""

    words: frozenset[str]
    things: frozenset[str]


@lru_cache(maxsize=400_000)
def singular(word: str) -> str:
    """``dogs`` -> ``dog``; a word that is no plural stays."""
    known = _tables().plurals
    if word in known:
        return known[word]
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=400_000)
def words(text: str) -> tuple[str, ...]:
    """Words of a name in any script, in order: lower case, singular, without punctuation, accents composed (NFC)."""
    if text.isascii():
        found = _WORD.findall(text.lower())
    else:  # marks that no letter takes up (vowels of Devanagari and Thai) are of their word: `re` splits it there
        composed = unicodedata.normalize("NFC", text).lower()
        found = _SPACED.findall("".join(one if one == "'" or _spells(one) else " " for one in composed))
    return tuple(singular(word.removesuffix("'s")) for word in found)


def _spells(one: str) -> bool:
    return one.isalnum() or unicodedata.category(one).startswith("M")


@lru_cache(maxsize=400_000)
def meaning(text: str) -> Meaning:
    """What a name says."""
    tables, row = _tables(), words(text)
    things: list[str] = []
    at = 0
    while at < len(row):
        for length in range(min(tables.longest, len(row) - at), 0, -1):
            phrase = " ".join(row[at : at + length])
            if phrase in tables.named:
                things.append(tables.synonym.get(phrase, phrase))
                at += length
                break
        else:
            at += 1
    content = frozenset(word for word in row if word not in tables.stop)
    return Meaning(content or frozenset(row), frozenset(things))


def _kin(one: str, two: str) -> bool:
    """The same thing, or one a kind of the other."""
    kinds = _tables().kinds
    return one == two or two in kinds.get(one, ()) or one in kinds.get(two, ())


@lru_cache(maxsize=1 << 17)
def alike(one: str, two: str) -> bool:
    """Do two wordings say the same: equal content words, or equal but for words of kindred things."""
    a, b = meaning(one), meaning(two)
    if a.words == b.words or (a.things and a.things == b.things and a.words - a.things == b.words - b.things):
        return True
    left, right = a.words - b.words, b.words - a.words
    return len(left) == len(right) == 1 and _kin(*map(_resolve, (*left, *right)))


@lru_cache(maxsize=400_000)
def colourless(text: str) -> str:
    """The words of a name but for those of colours: "person in red" and "person in blue" are one."""
    return " ".join(word for word in words(text) if word not in _tables().colours)


def says_as_much(text: str, name: str) -> bool:
    """Is `text` worded like `name`, and does it say all that `name` says of place and action?

    Of a person called "person walking" one may say "person", not "person running".
    """
    return alike(text, name) and _tables().qualifiers.intersection(words(name)).issubset(words(text))


def _resolve(word: str) -> str:
    return _tables().synonym.get(word, word)


@lru_cache(maxsize=200_000)
def same_kind(one: str, two: str) -> bool:
    """Could a thing called `one` be called `two` as well, by category: equal, synonym, or a kind of the other?"""
    if alike(one, two):
        return True
    a, b = meaning(one).things, meaning(two).things
    whole_a, whole_b = _resolve(" ".join(words(one))), _resolve(" ".join(words(two)))
    if _kin(whole_a, whole_b):
        return True
    # Names of several words ("traffic light") stand for themselves; a bare kind stands for all that fall under it.
    return any(_kin(x, y) for x in a for y in b)


def conflict(one: Name, two: Name) -> bool:
    """Could `one` describe what `two` describes? Then it is no safe negative where `two` is annotated.

    Known categories decide: things of unlike kind never conflict, whatever else their expressions say; things of
    kindred kind always do, for an expression may be true of a thing that it was not written for. Where a category is
    unknown, the kinds of things that the wording names decide, and where it names none, any shared content word.
    """
    if one.category and two.category:  # the cheap and common case first
        if same_kind(one.category, two.category):
            return True
        bare = one.text == one.category and two.text == two.category
        return not bare and alike(one.text, two.text)
    if alike(one.text, two.text):
        return True
    a, b = _things(one), _things(two)
    if a and b:
        return any(_kin(x, y) for x in a for y in b)
    return bool(meaning(one.text).words & meaning(two.text).words)


def _things(name: Name) -> frozenset[str]:
    return (
        meaning(name.category).things or frozenset({_resolve(name.category)})
        if name.category
        else meaning(name.text).things
    )


class Swap(NamedTuple):
    """text: an expression with one word changed; new: that word; family: the words of which one may stand there."""

    text: str
    new: str
    family: frozenset[str]


def swaps(text: str) -> list[Swap]:
    """Expressions that differ from `text` in one word (colour, clothes, action, ...): close, and another thing."""
    row = text.split()
    found = []
    for at, word in enumerate(row):
        bare = word.strip(".,;:!?").lower()
        others = _tables().swaps.get(bare, ())
        family = frozenset((bare, *others))
        if bare in _tables().colours and row[at - 1 : at] == ["in"] and at == len(row) - 1:
            continue  # "person in red" may wear brown trousers
        for other in others:
            before = [*row[:at]]
            if before and before[-1] in ("a", "an"):
                before[-1] = "an" if other[0] in "aeiou" else "a"
            changed = " ".join([*before, word.lower().replace(bare, other), *row[at + 1 :]])
            found.append(Swap(changed, other, family))
    return found
