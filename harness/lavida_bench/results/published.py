"""Numbers that papers report, each with its protocol. Reports show them beside ours, marked as published.

They are in data/published.yaml; a new paper is a few lines there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic import TypeAdapter

from lavida_gen.common.input_file import parsing, read_text
from lavida_gen.common.resources import resource
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.common.yaml_text import load_yaml

FILE = resource("published.yaml", "lavida_bench")


class PublishedMethod(StrictModel):
    """One method of a paper.

    Attributes:
        method: Its name.
        source: Where the numbers are, arXiv number and table.
        protocol: How they were computed, in a sentence.
        note: What else a reader needs to know.
        values: Benchmark -> metric -> percent, as the paper gives it (micro).
    """

    method: str
    source: str
    protocol: str
    note: str
    values: Mapping[str, Mapping[str, float]]


@cache
def all_published() -> tuple[PublishedMethod, ...]:
    """All methods, in the order of the file."""
    text = read_text(FILE)
    with parsing(FILE, "methods with their numbers", "see the others in the file"):
        return TypeAdapter(tuple[PublishedMethod, ...]).validate_python(load_yaml(text))


def published_for(benchmark: str) -> tuple[PublishedMethod, ...]:
    """Look up what papers report on a benchmark.

    Args:
        benchmark: The benchmark's name.

    Returns:
        The methods with a number on it.
    """
    return tuple(method for method in all_published() if benchmark in method.values)
