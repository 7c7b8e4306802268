"""Counts of a corpus: by source, exposure, name, area and reason of rejection."""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise
from typing import TypedDict

from lavida_gen.corpus.distinct import DistinctCount
from lavida_gen.corpus.reader import Corpus
from lavida_gen.scenes.evidence import EVIDENCE

AREAS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Bounds of the area histogram: shares of the frame, about three per decade."""


class SampleCount(TypedDict):
    """How many samples, and how many of them show an anomaly."""

    samples: int
    exposed: int


class CorpusStats(TypedDict):
    """The output of `lavida-gen stats --json`.

    Attributes:
        samples: All samples.
        exposed: Samples that show an anomaly.
        splits: By ``kind/split``.
        sources: By source.
        exposures: By exposure.
        licences: By licence of the picture.
        listed: By name: samples that list it in the prompt, and samples in which it is the anomaly.
        names_per_prompt: Samples by number of names in the prompt.
        evidence: Listed names by class of evidence.
        areas: Exposed samples by the mean share of the frame that the anomaly covers where it is visible.
        drops: Attempts at a sample that failed, by reason.
        scenes: Different scenes that the samples show.
        broken: Different scenes that could not be read and were left out.
    """

    samples: int
    exposed: int
    splits: dict[str, SampleCount]
    sources: dict[str, SampleCount]
    exposures: dict[str, SampleCount]
    licences: dict[str, SampleCount]
    listed: dict[str, SampleCount]
    names_per_prompt: dict[int, int]
    evidence: dict[str, int]
    areas: dict[str, int]
    drops: dict[str, int]
    scenes: int
    broken: int


COLUMNS = ("names", "labels", "evidence", "areas", "exposed", "kind", "split", "source", "exposure", "licence", "scene")


def count_corpus(corpus: Corpus) -> CorpusStats:
    """Count everything in one pass over the rows of a corpus.

    Args:
        corpus: The corpus.

    Returns:
        The counts.

    Raises:
        DataError: stats.parquet cannot be read.
    """
    groups: dict[str, dict[str, SampleCount]] = {
        name: {} for name in ("split", "source", "exposure", "licence", "listed")
    }
    per_prompt, areas, evidence = Counter[int](), Counter[str](), Counter[str]()
    samples = exposed = 0
    scenes = DistinctCount()
    for row in chain.from_iterable(corpus.row_batches(COLUMNS)):
        samples += 1
        scenes.add(row["scene"])
        exposed += row["exposed"]
        for name in ("source", "exposure", "licence"):
            _count(groups[name], row[name], row["exposed"])
        _count(groups["split"], f"{row['kind']}/{row['split']}", row["exposed"])
        for name, label in zip(row["names"], row["labels"], strict=True):
            _count(groups["listed"], name, label)
        evidence.update(row["evidence"])
        per_prompt[len(row["names"])] += 1
        if row["exposed"]:
            areas[_bin(row["areas"])] += 1
    return {
        "samples": samples,
        "exposed": exposed,
        "splits": dict(sorted(groups["split"].items())),
        "sources": dict(sorted(groups["source"].items())),
        "exposures": dict(sorted(groups["exposure"].items())),
        "licences": dict(sorted(groups["licence"].items())),
        "listed": dict(sorted(groups["listed"].items(), key=lambda item: (-item[1]["samples"], item[0]))),
        "names_per_prompt": dict(sorted(per_prompt.items())),
        "evidence": {name: evidence[name] for name in EVIDENCE if evidence[name]},
        "areas": {label: areas[label] for label in _labels()},
        "drops": corpus.manifest.drops,
        "scenes": len(scenes),
        "broken": corpus.manifest.broken,
    }


def _count(counts: dict[str, SampleCount], key: str, exposed: bool) -> None:
    count = counts.setdefault(key, {"samples": 0, "exposed": 0})
    count["samples"] += 1
    count["exposed"] += exposed


def _labels() -> list[str]:
    return [f"{low:g}-{high:g}" for low, high in pairwise(AREAS)]


def _bin(areas: list[float]) -> str:
    seen = [area for area in areas if area > 0]
    mean = sum(seen) / len(seen) if seen else 0.0  # smaller than a millionth of the frame
    return next(label for label, high in zip(_labels(), AREAS[1:], strict=False) if mean <= high)
