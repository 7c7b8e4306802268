"""Expressions in which one word is replaced: close to what is there, but another thing."""

from __future__ import annotations

from typing import NamedTuple

from lavida_gen.names.tables import tables


class Variant(NamedTuple):
    """An expression with one word replaced.

    Attributes:
        text: The new expression.
        word: The word that replaces another one.
        family: All words of which one may stand there, the replaced one among them.
    """

    text: str
    word: str
    family: frozenset[str]


def one_word_variants(text: str) -> list[Variant]:
    """Expressions that differ from `text` in one word (colour, clothes, action, ...): close to it, but another thing.

    Args:
        text: An expression.

    Returns:
        The variants; none for an expression without a word that may be replaced.
    """
    words = text.split()
    found = []
    for position, word in enumerate(words):
        bare = word.strip(".,;:!?").lower()
        others = tables().variants.get(bare, ())
        family = frozenset((bare, *others))
        if bare in tables().colours and words[position - 1 : position] == ["in"] and position == len(words) - 1:
            continue  # "person in red" may wear brown trousers
        for other in others:
            before = words[:position]
            if before and before[-1] in ("a", "an"):
                before[-1] = "an" if other[0] in "aeiou" else "a"
            changed = " ".join([*before, word.lower().replace(bare, other), *words[position + 1 :]])
            found.append(Variant(changed, other, family))
    return found
