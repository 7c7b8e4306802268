"""The words of a name: tokens in any script, singulars; and the file of hand-made tables that names are judged by."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

from lavida_gen.common.resources import own_yaml, resource

_WORD = re.compile(r"[^\W_]+(?:'s)?")
_SPACED = re.compile(r"[^\s']+(?:'s)?")
PREPOSITIONS = frozenset({"on", "of", "in", "with", "at", "for", "by", "from", "near", "behind", "over", "under", "to"})


@cache
def lexicon_file() -> dict[str, Any]:
    """The tables of data/lexicon.yaml as they stand there."""
    plain: dict[str, Any] = own_yaml(resource("lexicon.yaml"))
    return plain


@lru_cache(maxsize=400_000)
def singular(word: str) -> str:
    """Turn a plural into its singular: ``dogs`` -> ``dog``.

    Args:
        word: A word in lower case.

    Returns:
        The singular; a word that is no plural as it is.
    """
    known = lexicon_file()["plurals"]
    if word in known:
        return str(known[word])
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=400_000)
def tokens(text: str) -> tuple[str, ...]:
    """Split a name of any script into words.

    Args:
        text: A name.

    Returns:
        Its words in order: lower case, singular, without punctuation, accents composed (NFC).
    """
    if text.isascii():
        found = _WORD.findall(text.lower())
    else:  # combining marks (vowels of Devanagari and Thai) belong to their word, but `re` splits it there
        composed = unicodedata.normalize("NFC", text).lower()
        found = _SPACED.findall("".join(char if char == "'" or _is_of_word(char) else " " for char in composed))
    return tuple(singular(word.removesuffix("'s")) for word in found)


def _is_of_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char).startswith("M")


def head_phrase(text: str) -> str:
    """The part of a name that names the thing itself: "person" of "person on a bench".

    Args:
        text: A name, its words separated by blanks.

    Returns:
        Everything before the first preposition or bracket that is not the first word, without a "group" at its end;
        of names that begin with their kind (lexicon.yaml's section kind_first: "lane marking dashed line") that kind.
    """
    words = text.split()
    ends = (place for place, word in enumerate(words) if place and (word in PREPOSITIONS or word.startswith("(")))
    words = words[: next(ends, len(words))]
    if len(words) > 1 and singular(words[-1]) == "group":
        words.pop()
    head = " ".join(words)
    return next((kind for kind in lexicon_file()["kind_first"] if head.startswith(f"{kind} ")), head)
