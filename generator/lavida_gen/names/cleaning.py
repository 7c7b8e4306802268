"""Wordings of categories for prompts, and words of class lists that name nothing.

clean("aerosol_can")        # "aerosol can"
clean("bat_(animal)")       # "bat"
clean("tv/monitor")         # "tv or monitor"
is_no_name("_background_")  # True
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from lavida_gen.common.text import without_controls
from lavida_gen.names.wording import lexicon_file

_SENSE = re.compile(r"\s*\([^()]*\)\s*$")
_SLASH = re.compile(r"(?<=[^\W\d_]{2})\s*/\s*(?=[^\W\d_]{2})")
_CAMEL = re.compile(r"(?:[A-Z][a-z]+){2,}")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


@cache
def _no_names() -> frozenset[str]:
    return frozenset(_letters(text) for text in lexicon_file()["no_names"])


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


@lru_cache(maxsize=100_000)
def is_no_name(text: str) -> bool:
    """Whether a class name names nothing: background, void, unlabeled, ignore, others, don't care.

    Args:
        text: A name, in any spelling: ``_background_``, ``Don't care``.
    """
    return _letters(text) in _no_names()


def clean(text: str, keep_sense: bool = False) -> str:
    """Write the name of a class in words.

    Args:
        text: The data set's own wording.
        keep_sense: Keep a sense in brackets ("bat (animal)").

    Returns:
        Words separated by blanks; `text` itself where nothing else is left.
    """
    words = _HUMP.sub(" ", text).lower() if _CAMEL.fullmatch(text) else text
    words = " ".join(_SLASH.sub(" or ", without_controls(words).replace("_", " ")).split())
    if not keep_sense:
        words = _SENSE.sub("", words)
    return words.strip(" ,;:") or text


class Wordings:
    """The readable wording of each category of a data set, and back.

    Two classes that differ in the bracket alone ("bat_(animal)", "bat_(sports equipment)") keep it.
    """

    def __init__(self, categories: Iterable[str]) -> None:
        """Clean the categories.

        Args:
            categories: The data set's own wordings.
        """
        self._texts = {raw: clean(raw) for raw in categories}
        raw_of: dict[str, list[str]] = {}
        for raw, text in self._texts.items():
            raw_of.setdefault(text, []).append(raw)
        for rows in raw_of.values():
            if len(rows) > 1:
                self._texts.update((raw, clean(raw, keep_sense=True)) for raw in rows)

    def __getitem__(self, raw: str) -> str:
        """The readable wording of a category; of one that is not in the list as well."""
        if raw not in self._texts:
            self._texts[raw] = clean(raw)
        return self._texts[raw]

    def originals(self) -> dict[str, str]:
        """The data set's own wording by the readable one, where they differ."""
        return {text: raw for raw, text in self._texts.items() if text != raw}
