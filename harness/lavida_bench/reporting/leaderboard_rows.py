"""The rows of a leaderboard: the numbers of published methods, and those of own runs with their baselines."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.metrics._base import MetricResult
from lavida_bench.reporting.table import format_estimate, in_unit
from lavida_bench.results.published import GROUPS, PublishedMethod, published_numbers
from lavida_bench.results.result import Coverage, Result
from lavida_bench.results.results_json import ResultEntry
from lavida_gen.common.text import counted

BASELINE = "baseline"
NOT_RECORDED = "not recorded"
"""The data of an own run whose provenance has nothing about them."""
USUAL_NAMES = "benchmark"
"""The kind of a prompt's names that goes without saying."""


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One number.

    Attributes:
        rank: From 1; None in a table without order, and for smoothed scores.
        method: The method's name.
        value: In percent.
        text: The same, with its 95 % interval if it is known.
        group: What the method has learned from, in words; "" for an own run.
        training: On which data.
        smoothing: Of scores over time, and normalisation of each video.
        note: What else a reader needs to know; of an own run how many videos were scored, and what is not by default.
        part: Of an own run: which part of the benchmark was scored, by which options; "" for all of it as it is.
        source: Where it was read: paper and table, repository and file, or the run's folder.
        own: Whether it is of an own run.
    """

    rank: int | None
    method: str
    value: float
    text: str
    group: str
    training: str
    smoothing: str
    note: str
    source: str
    own: bool
    part: str = ""


def run_titles(runs: Sequence[Path]) -> Mapping[Path, str]:
    """What stands for run folders where others read it: nothing of the folders that they lie in.

    Args:
        runs: Run folders.

    Returns:
        Each folder once -> its name; its path from the working folder where two have one name.
    """
    folders = {os.path.abspath(run): run for run in runs}
    names = Counter(map(os.path.basename, folders))
    return {
        run: os.path.basename(path) if names[os.path.basename(path)] == 1 else os.path.relpath(path)
        for path, run in folders.items()
    }


def published_rows(method: PublishedMethod) -> Iterator[tuple[str, str, LeaderboardRow]]:
    """The numbers of a published method.

    Args:
        method: The method.

    Yields:
        (benchmark, metric, row) of each.
    """
    smoothing = ", ".join(part for part in (method.smoothing, method.normalisation) if part)
    name = f"{method.method} ({method.year})" if method.year else method.method
    where = published_numbers().where(method)
    for benchmark, values in method.values.items():
        for metric, value in values.items():
            row = LeaderboardRow(
                None, name, value, f"{value:.2f}", GROUPS[method.group], method.training, smoothing, method.note, where,
                own=False,
            )  # fmt: skip
            yield benchmark, metric, row


def own_rows(title: str, entry: ResultEntry) -> Iterator[tuple[str, LeaderboardRow]]:
    """The numbers of an entry of a run.

    Args:
        title: What stands for the run.
        entry: The entry.

    Yields:
        (metric, row) of each share that the protocol quotes or a paper reports.
    """
    seen = published_numbers().methods
    wanted = {metric for method in seen for metric in method.values.get(entry.result.benchmark, ())}
    wanted |= set(entry.result.quoted)
    fitted = entry.provenance.model.get("fitted on") or NOT_RECORDED
    names = entry.provenance.model.get("names of the prompt", USUAL_NAMES)
    prompt = [] if names == USUAL_NAMES else [f"names of the prompt: {names}"]
    options = _changed_options(entry)

    def rows(
        result: Result, metrics: Mapping[str, MetricResult], training: str, smoothing: str, remarks: Sequence[str]
    ) -> Iterator[tuple[str, LeaderboardRow]]:
        missing, videos = _missing(result.benchmark, result.coverage), counted(result.coverage.videos, "video")
        part = "; ".join([*([missing] if missing else []), *options])
        note = "; ".join([*remarks, missing or videos, *options])
        for metric, value, text in _shares(metrics.values(), wanted):
            yield (
                metric,
                LeaderboardRow(
                    None, result.method, value, text, "", training, smoothing, note, title, own=True, part=part
                ),
            )

    yield from rows(entry.result, entry.result.metrics, fitted, "", prompt)
    if entry.result.smoothed is not None:
        sigma = f"Gaussian, sigma {entry.result.smoothing:g} frames"
        yield from rows(entry.result, entry.result.smoothed, fitted, sigma, prompt)
    for baseline in entry.baselines:
        yield from rows(baseline, baseline.metrics, "none", "", [BASELINE])


def _missing(benchmark: str, coverage: Coverage) -> str:
    """``6 of 48 videos``, of the whole test split where its size is known; "" if all were scored."""
    whole = coverage.videos_total
    if benchmark in benchmarks.known():
        expected = benchmarks.find_class(benchmark).about.expected
        whole = max(whole, expected.videos if expected else 0)
    return "" if coverage.videos >= whole else f"{coverage.videos:,} of {counted(whole, 'video')}"


def _changed_options(entry: ResultEntry) -> list[str]:
    """``frames=48``: the benchmark's options that are not the default; files by their names alone."""
    defaults: Mapping[str, object] = {}
    if entry.result.benchmark in benchmarks.known():
        defaults = benchmarks.find_class(entry.result.benchmark).Options.model_construct().model_dump(mode="json")
    changed = {key: value for key, value in entry.data.settings.items() if value != defaults.get(key)}
    return [f"{key}={_without_folder(value)}" for key, value in changed.items()]


def _without_folder(value: object) -> object:
    return os.path.basename(value) if isinstance(value, str) and os.path.isabs(value) else value


def _shares(metrics: Iterable[MetricResult], wanted: set[str]) -> Iterator[tuple[str, float, str]]:
    """(metric or METRIC/VARIANT, percent, text) of those that are shares and wanted."""
    for metric in metrics:
        for variant, estimate in metric.variants.items():
            name = metric.name if variant == next(iter(metric.variants)) else f"{metric.name}/{variant}"
            if not metric.unit and estimate.value is not None and name in wanted:
                percent = in_unit(estimate, "%")
                yield name, float(percent.value or 0.0), format_estimate(percent, "%")
