"""Numbers that papers and repositories report, each with the place where it was read. They are in data/published.yaml.

A number without a source that the file lists is an error, as is a benchmark or metric that nobody knows. Reports show
those of methods that learn nothing from videos of the target; `lavida-bench leaderboard` shows all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from lavida_gen.common.input_file import parsing, read_text
from lavida_gen.common.resources import resource
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.common.yaml_text import load_yaml

FILE = resource("published.yaml", "lavida_bench")
OWN_PROTOCOL = "its authors' own"
"""The protocol of a number for which none of ours has the same meaning: such numbers are in no order."""
SECOND_HAND = " (second hand)"
Group = Literal["zero-shot", "prompts", "instruction", "weak", "supervised", "one-class"]
GROUPS: Mapping[Group, str] = {
    "zero-shot": "zero-shot or without training",
    "prompts": "prompts or rules learned on the target",
    "instruction": "instruction tuning on anomaly data",
    "weak": "weak supervision: labels of videos",
    "supervised": "supervision: labels of frames or pixels",
    "one-class": "normal videos of the target",
}
"""What a method has learned from, in words."""
REPORTED: tuple[Group, ...] = ("zero-shot", "prompts")
"""Groups that reports show beside a zero-shot model."""


class PublishedSource(StrictModel):
    """Where a number was read.

    Attributes:
        where: Paper and table, or repository, commit and file.
        authors_of: Methods whose authors wrote it, by their names in `PublishedMethod.method`; its rows of other
            methods are second hand.
    """

    where: str = Field(min_length=10)
    authors_of: tuple[str, ...] = ()


class PublishedMethod(StrictModel):
    """One row of a table of a paper or repository.

    Attributes:
        method: Its name.
        group: What it has learned from, as `GROUPS` lists it.
        training: On which data.
        year: Of the method; None = not known.
        protocol: Ours of the same meaning, or `OWN_PROTOCOL`.
        smoothing: What is known of it; "" = nothing is stated.
        normalisation: Of scores for each video; "" = nothing is stated.
        note: What else a reader needs to know.
        source: Keys of the sources, the first to trust first.
        values: Benchmark -> metric or METRIC/VARIANT -> percent.
    """

    method: str
    group: Group
    training: str
    year: int | None = Field(default=None, ge=1990, le=2100)
    protocol: str = OWN_PROTOCOL
    smoothing: str = ""
    normalisation: str = ""
    note: str = ""
    source: tuple[str, ...] = Field(min_length=1)
    values: Mapping[str, Mapping[str, float]]


class PublishedNumbers(StrictModel):
    """The file.

    Attributes:
        sources: Key -> where it is.
        benchmarks: Names of benchmarks that are not this project's -> title.
        metrics: Names of metrics that are not this project's -> title.
        methods: The rows.
    """

    sources: Mapping[str, PublishedSource]
    benchmarks: Mapping[str, str]
    metrics: Mapping[str, str]
    methods: tuple[PublishedMethod, ...]

    @model_validator(mode="after")
    def _every_number_has_a_source(self) -> PublishedNumbers:
        for method in self.methods:
            unknown = [key for key in method.source if key not in self.sources]
            if unknown:
                raise ValueError(f"{method.method}: source {unknown[0]!r} is not under `sources`")
            for benchmark, values in method.values.items():
                for metric, value in values.items():
                    if not 0 <= value <= 100:
                        raise ValueError(f"{method.method}, {benchmark}, {metric}: {value} is no percentage")
        return self

    @model_validator(mode="after")
    def _authors_wrote_a_row(self) -> PublishedNumbers:
        rows = {(key, method.method) for method in self.methods for key in method.source}
        for key, source in self.sources.items():
            for name in source.authors_of:
                if (key, name) not in rows:
                    raise ValueError(f"source {key}: authors_of has {name!r}, of which no row is from it")
        return self

    def where(self, method: PublishedMethod) -> str:
        """Where a row was read, in words; a source that the method's authors did not write is marked second hand.

        Args:
            method: The row.
        """
        places = (self.sources[key] for key in method.source)
        return "; ".join(place.where + ("" if method.method in place.authors_of else SECOND_HAND) for place in places)


@cache
def published_numbers() -> PublishedNumbers:
    """Read the file.

    Raises:
        DataError: It is damaged, or a number has no source.
    """
    text = read_text(FILE)
    with parsing(FILE, "methods with their numbers", "see the others in the file"):
        return PublishedNumbers.model_validate(load_yaml(text))


def published_for(benchmark: str) -> Iterator[PublishedMethod]:
    """Look up what reports show beside a result.

    Args:
        benchmark: The benchmark's name.

    Yields:
        The methods of `REPORTED` groups with a number on it, in the order of the file.
    """
    for method in published_numbers().methods:
        if benchmark in method.values and method.group in REPORTED:
            yield method
