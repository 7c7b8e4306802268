"""One entry as lines for a terminal: every metric and variant of the method, the baselines and papers beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lavida_bench.reporting.table import format_estimate, format_number, in_unit, variant_details
from lavida_bench.results import published
from lavida_bench.results import results_json as record
from lavida_bench.results.results_json import ResultEntry


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
    yield from aligned(*_table(entry))
    if result.smoothed is not None:
        yield from ["", f"scores smoothed, sigma {result.smoothing:g} frames"]
        yield from aligned(*_table(replace(entry, result=replace(result, metrics=result.smoothed), baselines=())))
    for why in dict.fromkeys(result.not_scored.values()):
        yield f"not scored, {why}: {', '.join(name for name, one in result.not_scored.items() if one == why)}"
    if papers := list(_papers(entry)):
        yield from ["", "published", *papers]


def _table(entry: ResultEntry) -> tuple[list[str], list[list[str]]]:
    """Rows are variants of metrics; shares in percent."""
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
    return ["metric", "variant", f"{entry.result.method} [95 %]", *methods], rows


def _papers(entry: ResultEntry) -> Iterator[str]:
    rows = []
    for paper in published.published_for(entry.result.benchmark):
        for metric, value in paper.values[entry.result.benchmark].items():
            rows.append([paper.method, metric, f"{value:.2f}", f"protocol: {paper.protocol}", paper.note])
    yield from aligned([], rows)


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns of equal width, two blanks apart; cells that begin like a number to the right."""
    everything = [head, *rows] if head else list(rows)
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*everything, strict=True)]
    right = [all(not row[at] or row[at][0] in "0123456789-–" for row in rows) for at in range(len(widths))]
    for row in everything:
        cells = (t.rjust(w) if r else t.ljust(w) for t, w, r in zip(row, widths, right, strict=True))
        yield "  ".join(cells).rstrip()
