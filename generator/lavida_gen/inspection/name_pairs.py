"""Which names of one vocabulary conflict, and the pairs that a person should read: those that no hand-made table knows.

Conflicting names are never listed as absent over one another. A pair that conflicts by WordNet alone may be a mistake
of the thesaurus; one that shares its last word and does not conflict may be a mistake of the tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

from lavida_gen.names import lexicon
from lavida_gen.names.wording import tokens
from lavida_gen.scenes.scene import Name

FEW = 1300
"""Largest vocabulary of which all pairs are compared."""
COMPARED = 300
"""Names that are compared with all others in a larger one."""
SHARED_WORD = "same last word, no conflict"
DOUBTFUL = ("kind, by WordNet", SHARED_WORD, "overlap", "part")
"""Reasons that a person should read, the most doubtful first; the others are certain."""

Pairs = dict[tuple[str, str], str]
"""Two names -> why they conflict."""


def compared(count: int) -> int:
    """How many names of a vocabulary are compared with all others.

    Args:
        count: Number of names.
    """
    return count if count <= FEW else COMPARED


def conflicting_pairs(names: Sequence[Name], related: Callable[[str], Mapping[str, str]]) -> Pairs:
    """Compare the names of a vocabulary, each with each; of a large one the first with all others.

    Args:
        names: Categories, the most frequent first.
        related: Returns what the data set or the recipe relates to a category: wording -> "kind" or "part".

    Returns:
        The conflicting pairs, in the order of `names`.
    """
    found: Pairs = {}
    main = names[: compared(len(names))]
    stated = [related(name.text) for name in main]
    for at, one in enumerate(main):
        for two in names[at + 1 :]:
            reason = lexicon.relation(one, two)
            if not reason and two.text in stated[at]:
                reason = f"{stated[at][two.text]}, as stated"
            if reason:
                found[one.text, two.text] = reason
    return found


def doubtful_pairs(names: Sequence[Name], conflicting: Pairs) -> list[tuple[str, str, str]]:
    """The pairs that a person should read.

    Args:
        names: The categories that were compared.
        conflicting: The pairs of them that conflict.

    Returns:
        Two names and the reason, the most doubtful first.
    """
    pairs = [(one, two, reason) for (one, two), reason in conflicting.items() if reason in DOUBTFUL]
    pairs += _same_last_word(names, conflicting)
    return sorted(pairs, key=lambda pair: DOUBTFUL.index(pair[2]))


def _same_last_word(names: Sequence[Name], conflicting: Pairs) -> Iterator[tuple[str, str, str]]:
    by_word: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if words := tokens(name.text):
            by_word[words[-1]].append(name.text)
    for texts in by_word.values():
        for one, two in combinations(texts, 2):
            if (one, two) not in conflicting and (two, one) not in conflicting:
                yield one, two, SHARED_WORD
