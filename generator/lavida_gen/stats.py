"""What is in a corpus: counts by source, exposure, name, area and reason of drops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, TypedDict

from lavida_gen.corpus import Corpus

AREAS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Bounds of the area histogram: shares of the frame, about three a decade."""


class Count(TypedDict):
    """How many samples, and how many of them show an anomaly."""

    samples: int
    exposed: int


class Stats(TypedDict):
    """`lavida-gen stats --json`."""

    samples: int
    exposed: int
    splits: dict[str, Count]
    sources: dict[str, Count]
    exposures: dict[str, Count]
    licences: dict[str, Count]
    listed: dict[str, Count]
    """Per name: samples that list it, and samples in which it is the anomaly."""
    names_per_prompt: dict[int, int]
    areas: dict[str, int]
    """Exposed samples by the mean share of the frame that the anomaly covers where it is visible."""
    drops: dict[str, int]


def stats(corpus: Corpus) -> Stats:
    """Count everything once over the rows of a corpus. Raises DataError."""
    rows = corpus.rows()
    listed: dict[str, Count] = {}
    for row in rows:
        for name, label in zip(row["names"], row["labels"], strict=True):
            count = listed.setdefault(name, {"samples": 0, "exposed": 0})
            count["samples"] += 1
            count["exposed"] += label
    areas = Counter(_bin(row["areas"]) for row in rows if row["exposed"])
    return {
        "samples": len(rows),
        "exposed": sum(row["exposed"] for row in rows),
        "splits": _counts(rows, lambda row: f"{row['kind']}/{row['split']}"),
        "sources": _counts(rows, lambda row: row["source"]),
        "exposures": _counts(rows, lambda row: row["exposure"]),
        "licences": _counts(rows, lambda row: row["licence"]),
        "listed": dict(sorted(listed.items(), key=lambda item: (-item[1]["samples"], item[0]))),
        "names_per_prompt": dict(sorted(Counter(len(row["names"]) for row in rows).items())),
        "areas": {label: areas[label] for label in _labels()},
        "drops": corpus.manifest.drops,
    }


def _counts(rows: Iterable[dict[str, Any]], key: Any) -> dict[str, Count]:
    counts: dict[str, Count] = {}
    for row in rows:
        count = counts.setdefault(key(row), {"samples": 0, "exposed": 0})
        count["samples"] += 1
        count["exposed"] += row["exposed"]
    return dict(sorted(counts.items()))


def _labels() -> list[str]:
    return [f"{low:g}-{high:g}" for low, high in pairwise(AREAS)]


def _bin(areas: list[float]) -> str:
    seen = [area for area in areas if area > 0]
    mean = sum(seen) / len(seen)
    return next(label for label, high in zip(_labels(), AREAS[1:], strict=False) if mean <= high)
