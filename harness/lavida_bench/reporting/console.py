"""One entry as lines for a terminal: every metric and variant of the method, the baselines and papers beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lavida_bench.reporting.table import format_estimate, format_number, in_unit, variant_details
from lavida_bench.results import published
from lavida_bench.results import results_json as record
from lavida_bench.results.results_json import ResultEntry
from lavida_gen.common.text import text_table


def run_lines(run: Path) -> Iterator[str]:
    """Every entry of a run folder; nothing where nothing was scored."""
    if (run / record.FILE).is_file():
        for entry in record.read(run).entries:
            yield from entry_lines(entry)
            yield ""


def entry_lines(entry: ResultEntry) -> Iterator[str]:
    """What `score-files` prints."""
    result = entry.result
    yield f"{result.benchmark}: {result.method}, protocol {result.protocol}"
    yield f"scored {result.coverage}"
    if fall := entry.provenance.model.get("follows the prompt"):
        yield f"prompt check: {fall}"
    yield from (f"warning: {text}" for text in result.warnings)
    yield ""
    yield from text_table(*_table(entry)).splitlines()
    if result.smoothed is not None:
        yield from ["", f"scores smoothed, sigma {result.smoothing:g} frames"]
        smoothed = replace(entry, result=replace(result, metrics=result.smoothed), baselines=())
        yield from text_table(*_table(smoothed)).splitlines()
    for why in dict.fromkeys(result.not_scored.values()):
        yield f"not scored, {why}: {', '.join(name for name, one in result.not_scored.items() if one == why)}"
    if papers := list(_papers(entry)):
        yield from ["", "published", *papers]


def _table(entry: ResultEntry) -> tuple[list[list[str]], list[str]]:
    """Rows and head: the rows are variants of metrics; shares in percent."""
    methods = [one.method for one in entry.baselines]
    rows = []
    for detail in variant_details(entry.result):
        others = [one.metrics.get(detail.name) for one in entry.baselines]
        beside = [
            "" if one is None else format_number(in_unit(one.variants[detail.variant], detail.unit).value, detail.unit)
            for one in others
        ]
        unit = "" if detail.unit == "%" else f" ({detail.unit})"
        rows.append([detail.metric, f"{detail.variant}{unit}", format_estimate(detail.estimate, detail.unit), *beside])
    return rows, ["metric", "variant", f"{entry.result.method} [95 %]", *methods]


def _papers(entry: ResultEntry) -> Iterator[str]:
    rows = []
    for paper in published.published_for(entry.result.benchmark):
        for metric, value in paper.values[entry.result.benchmark].items():
            rows.append([paper.method, metric, f"{value:.2f}", f"protocol: {paper.protocol}", paper.note])
    yield from text_table(rows).splitlines()
