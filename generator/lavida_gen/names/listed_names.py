"""The names that a prompt lists so far: has another name the wording of one of them?

`lexicon.same_wording` compares two names. Against a prompt of n names that is n comparisons for each candidate; here
each name has keys, computed once, and the keys of all listed names lie in two sets.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import NamedTuple

from lavida_gen.names.lexicon import parse_name
from lavida_gen.names.tables import tables


class WordingKeys(NamedTuple):
    """Keys of a name: two names have the same wording if `own` of one and `wider` of the other share a key.

    Attributes:
        own: The content words; those with synonyms resolved; and for each word what is left without it, with the word.
        wider: The same, and what is left without each word with every kind that the word is of.
    """

    own: frozenset[Hashable]
    wider: frozenset[Hashable]


@lru_cache(maxsize=1 << 15)
def wording_keys(text: str) -> WordingKeys:
    """The keys of a name.

    Args:
        text: The name.

    Returns:
        Its keys.
    """
    known, (words, things) = tables(), parse_name(text)
    own: set[Hashable] = {words}
    if things:
        own.add((things, words - things))
    kinds: set[Hashable] = set()
    for word in words:
        others, resolved = words - {word}, known.synonyms.get(word, word)
        own.add((resolved, others))
        kinds.update((kind, others) for kind in known.hypernyms.get(resolved, ()))
    return WordingKeys(frozenset(own), frozenset(own | kinds))


class ListedNames:
    """A growing set of names that can be asked for a wording."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Start with some names.

        Args:
            texts: The names.
        """
        self._own, self._wider = set[Hashable](), set[Hashable]()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add a name."""
        keys = wording_keys(text)
        self._own.update(keys.own)
        self._wider.update(keys.wider)

    def has_wording_of(self, text: str) -> bool:
        """Whether `lexicon.same_wording` holds for a name and any of these."""
        keys = wording_keys(text)
        return not (self._wider.isdisjoint(keys.own) and self._own.isdisjoint(keys.wider))
