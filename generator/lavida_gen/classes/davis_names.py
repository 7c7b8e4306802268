"""Categories of the objects of DAVIS 2016 and 2017, which its masks do not state.

The tables are those of the DAVIS 2017 semantics (davis_semantics.json, categories.json): 386 objects of 150 videos, as
many as the masks of train, val, test-dev and test-challenge of 2017 have. https://davischallenge.org
"""

from __future__ import annotations

from functools import cache

from lavida_gen.common.resources import own_text, resource

OBJECTS = resource("davis_objects.tsv")
CATEGORIES = resource("davis_categories.tsv")
SPELLING = {"chamaleon": "chameleon", "paraglide": "paraglider"}
"""The tables' own spelling -> the usual one."""


@cache
def categories_by_video() -> dict[str, tuple[str, ...]]:
    """For each video the categories of its objects 1, 2, ..."""
    return {video: tuple(names.split(", ")) for video, names in _rows(own_text(OBJECTS))}


@cache
def groups() -> dict[str, str]:
    """Category -> super-category: "bird" -> "animal"."""
    return dict(_rows(own_text(CATEGORIES)))


def _rows(text: str) -> list[tuple[str, str]]:
    pairs = (line.partition("\t") for line in text.splitlines() if not line.startswith("#"))
    return [(first, second) for first, _, second in pairs]
