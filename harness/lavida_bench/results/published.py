"""Numbers that papers report, each with its protocol: they stand beside ours, they are never mixed with them.

They lie in data/published.yaml; a new paper is a few lines there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import yaml
from pydantic import TypeAdapter

from lavida_gen.common.resources import resource
from lavida_gen.common.strict_model import StrictModel

FILE = resource("published.yaml", "lavida_bench")


class PublishedMethod(StrictModel):
    """One method of a paper. `values`: benchmark -> metric -> percent, as the paper gives it (micro)."""

    method: str
    source: str
    protocol: str
    note: str
    values: Mapping[str, Mapping[str, float]]


@cache
def all_published() -> tuple[PublishedMethod, ...]:
    """All of them, in the order of the file."""
    return TypeAdapter(tuple[PublishedMethod, ...]).validate_python(yaml.safe_load(FILE.read_text("utf-8")))


def published_for(benchmark: str) -> tuple[PublishedMethod, ...]:
    """Those that have a number of this benchmark."""
    return tuple(one for one in all_published() if benchmark in one.values)
