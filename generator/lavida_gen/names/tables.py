"""The hand-made tables of data/lexicon.yaml, as look-ups."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from lavida_gen.names.wording import lexicon_file


class Tables(NamedTuple):
    """The tables, ready to be looked up in."""

    stop_words: frozenset[str]  # glue words and qualifiers
    qualifiers: frozenset[str]
    synonyms: dict[str, str]  # word -> the first word of its family
    things: frozenset[str]  # what an expression may name: all words of synonyms and hyponyms
    hypernyms: dict[str, frozenset[str]]  # thing -> everything it is a kind of, transitively, synonyms resolved
    max_words: int  # words of the longest table entry
    wholes: dict[str, frozenset[str]]  # a part -> what it may belong to
    unrelated: frozenset[frozenset[str]]  # pairs that WordNet relates and a picture does not
    overlaps: frozenset[frozenset[str]]  # pairs that may be true of one thing though neither is a kind of the other
    no_parts: frozenset[str]  # words whose first sense in WordNet is a part that nobody means
    colours: frozenset[str]
    variants: dict[str, tuple[str, ...]]  # word -> those that may replace it


@cache
def tables() -> Tables:
    """The tables of data/lexicon.yaml; synonyms are resolved, kinds are transitive."""
    plain = lexicon_file()
    synonyms = {word: family[0] for family in plain["synonyms"] for word in family}
    parents: dict[str, set[str]] = {}
    things = set(synonyms)
    for section in ("hyponyms", "whole_names"):
        for kind, members in plain[section].items():
            for member in members:
                child, parent = synonyms.get(member, member), synonyms.get(kind, kind)
                parents.setdefault(child, set()).add(parent)
                if section == "hyponyms":
                    things.update((child, parent))
    wholes: dict[str, set[str]] = {}
    for whole, members in plain["parts"].items():
        for member in members:
            wholes.setdefault(synonyms.get(member, member), set()).add(synonyms.get(whole, whole))
    qualifiers = frozenset(plain["qualifiers"])
    families = plain["swaps"].values()
    return Tables(
        stop_words=qualifiers.union(plain["glue"]),
        qualifiers=qualifiers,
        synonyms=synonyms,
        things=frozenset(things),
        hypernyms={word: frozenset(_ancestors(word, parents)) for word in parents},
        max_words=max(len(entry.split()) for entry in things),
        wholes={part: frozenset(owners) for part, owners in wholes.items()},
        unrelated=frozenset(frozenset(pair) for pair in plain["unrelated"]),
        overlaps=frozenset(frozenset(pair) for pair in plain["overlaps"]),
        no_parts=frozenset(plain["no_parts"]),
        colours=frozenset(plain["swaps"]["colour"]),
        variants={word: tuple(other for other in family if other != word) for family in families for word in family},
    )


def _ancestors(word: str, parents: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    remaining = [word]
    while remaining:
        for parent in parents.get(remaining.pop(), ()):
            if parent not in found:
                found.add(parent)
                remaining.append(parent)
    return found
