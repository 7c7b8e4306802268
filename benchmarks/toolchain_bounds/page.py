"""The page of the measurement, and the file that cards quote."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

import yaml

from lavida_gen import __version__
from lavida_gen.building.toolchain_bound import PixelBound
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.resources import resource
from lavida_gen.config.transforms import TABLE
from toolchain_bounds.compare import Comparison
from toolchain_bounds.environments import MOST, ROOT

PAGE = ROOT / "docs" / "measurements" / "toolchains.md"

TEXT = """\
# The oldest and the newest allowed versions

{when}, lavida-gen {version}.

    make bounds

uv installed both from pyproject.toml alone: the lowest allowed versions of the generator with [augment] and [hub], and the
newest. Both ran the generator's quick tests and built the same small corpora, which were compared record by record.

| | oldest | newest |
|---|---|---|
{versions}
| quick tests | {oldest_tests} | {newest_tests} |

## What is equal, and what is not

{promise}

| corpus | samples | records that differ | masks that differ | frames | passed through | differ | largest difference | of the worst frame, on average |
|---|---|---|---|---|---|---|---|---|
{rows}

Differences are in grey levels (0 to 255) of a channel. `files` is `paper-plus` over drawn data sets in the official layouts,
without augmentations; `drawn` is `street` with every exposure; `smaller` and `larger` change the size; the others are
`street` with one augmentation for each sample. A record holds names, labels, evidence, question, answer, boxes, areas and
edits. Passed through: the shard has the bytes of the data set's own file.

The bound that cards quote: without augmentations {plain}, with them {augmented}. The largest
differences are single pixels of drawn scenes, where OpenCV 4 rounds the weights of `remap` and `warpAffine` to 1/32 and
OpenCV 5 does not, and a pattern is cut at a threshold. In `files` only pasted and moved things are encoded anew.
"""

EQUAL = """\
In every corpus names, prompts, masks and passed-through JPEGs are equal; drawn and re-encoded pixels differ within the bound."""
DIFFERENT = "**Names, prompts or masks differ: these versions break the promise of docs/corpus.md.**"


@dataclass(frozen=True)
class Measured:
    """All results.

    Attributes:
        oldest: Versions by package.
        newest: The same of the other environment.
        tests: The closing lines of both runs of the tests.
        found: What was counted, by the name of the recipe.
    """

    oldest: dict[str, str]
    newest: dict[str, str]
    tests: tuple[str, str]
    found: dict[str, Comparison]

    def bound(self, augmented: bool) -> PixelBound:
        """The bound over the corpora with, or without, augmentations."""
        return _bound(row for name, row in self.found.items() if (name in TABLE) == augmented)


def _bound(rows: Iterable[Comparison]) -> PixelBound:
    rows = list(rows)
    mean = max(row.largest_mean for row in rows)
    return PixelBound(largest=max(row.largest for row in rows), mean=ceil(mean * 100) / 100)


def markdown(measured: Measured) -> str:
    """The page."""
    names = ("python", *MOST)
    rows = [
        f"| {name} | {row.samples:,} | {row.records.total():,} | {row.masks_differ:,} of {row.masks:,} | {row.frames:,} "
        f"| {row.passed:,} | {row.frames_differ:,} | {row.largest} | {row.largest_mean:.3f} |"
        for name, row in measured.found.items()
    ]
    return TEXT.format(
        when=time.strftime("%Y-%m-%d"),
        version=__version__,
        versions="\n".join(f"| {name} | {measured.oldest[name]} | {measured.newest[name]} |" for name in names),
        oldest_tests=measured.tests[0],
        newest_tests=measured.tests[1],
        promise=EQUAL if all(row.same_annotation for row in measured.found.values()) else DIFFERENT,
        rows="\n".join(rows),
        plain=measured.bound(False).text,
        augmented=measured.bound(True).text,
    )


def write(measured: Measured) -> None:
    """Write the page and the file that cards quote."""
    names = ("python", *MOST)
    plain = {
        "measured": time.strftime("%Y-%m-%d"),
        "oldest": {name: measured.oldest[name] for name in names},
        "newest": {name: measured.newest[name] for name in names},
        "plain": measured.bound(False).model_dump(),
        "augmented": measured.bound(True).model_dump(),
    }
    head = "# How far pixels differ between the oldest and the newest allowed versions, in grey levels. `make bounds` writes it.\n"
    write_atomic(PAGE, markdown(measured).encode())
    write_atomic(resource("toolchains.yaml"), (head + yaml.safe_dump(plain, sort_keys=False)).encode())
