"""Words of names, compared by rules of their own: nothing here knows the lexicon that the corpora are made with."""

from __future__ import annotations

import re
from collections.abc import Iterable

ARTICLES = frozenset(("a", "an", "the"))

NO_NAMES = frozenset(
    (
        "background",
        "ignore",
        "void",
        "unlabeled",
        "unlabelled",
        "other",
        "unknown",
        "dont care",
        "don t care",
        "do not care",
    )
)
"""What annotators write for "no class", in the form of `normal`."""


def normal(text: str) -> str:
    """Words in lower case and in the singular, without brackets, articles and punctuation: "The wine_glasses" -> "wine glass"."""
    words = re.findall(r"[^\W_]+", re.sub(r"\([^)]*\)", " ", text.lower()))
    return " ".join(_singular(word) for word in words if word not in ARTICLES)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def wordings(texts: Iterable[str]) -> frozenset[str]:
    """All that is meant by some texts: each one, and what slashes divide ("tv/monitor")."""
    parts = [part for text in texts for part in (text, *text.split("/"))]
    return frozenset(filter(None, map(normal, parts)))


def contains(text: str, phrase: str) -> bool:
    """Whether a normalised text holds the words of another one in a row."""
    return f" {phrase} " in f" {text} "
