"""One entry as lines for a terminal: every metric and variant of the method, with baselines and published numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lavida_bench.reporting.remarks import DIRECTION, remarks
from lavida_bench.reporting.table import metric_title, official_mark
from lavida_bench.reporting.variants import variant_details, variant_value
from lavida_bench.results import results_json
from lavida_bench.results.published import published_for
from lavida_bench.results.results_json import ResultEntry
from lavida_gen.common.text import text_table

SHOWN_DEFECTS = 5
KEPT = 2  # columns that are repeated where a table is continued: metric and variant
MARK = " *"  # of the official metric


def run_lines(run: Path, width: int | None = None) -> Iterator[str]:
    """Describe every entry of a run folder.

    Args:
        run: The folder.
        width: Columns of the terminal; None = no limit.

    Yields:
        Lines for a terminal; none if nothing was scored.

    Raises:
        DataError: results.json cannot be read.
    """
    if (run / results_json.FILE).is_file():
        for entry in results_json.read(run).entries:
            yield from entry_lines(entry, width)
            yield ""


def entry_lines(entry: ResultEntry, width: int | None = None) -> Iterator[str]:
    """Describe an entry, as `score-files` prints it.

    Args:
        entry: An entry of results.json.
        width: Columns of the terminal, which tables keep to; None = no limit.

    Yields:
        Lines for a terminal.
    """
    result = entry.result
    yield f"{result.benchmark}: {result.method}, protocol {result.protocol}"
    yield f"scored {result.coverage}"
    prompt_check = entry.provenance.model.get("follows the prompt")
    if prompt_check:
        yield f"prompt check: {prompt_check}"
    yield from (f"warning: {warning}" for warning in result.warnings)
    yield from _defects(entry)
    yield ""
    yield from text_table(*_table(entry), width, KEPT).splitlines()
    if result.metrics:
        mark = f"{MARK.strip()} {official_mark(result.protocol)}; " if result.quoted[:1] else ""
        yield f"{mark}{DIRECTION} Shares in percent."
    yield from (f"note: {remark}" for remark in remarks(entry))
    if result.smoothed is not None:
        yield from ["", f"scores smoothed, sigma {result.smoothing:g} frames"]
        smoothed = replace(entry, result=replace(result, metrics=result.smoothed), baselines=())
        yield from text_table(*_table(smoothed), width, KEPT).splitlines()
    for reason in dict.fromkeys(result.not_scored.values()):
        yield f"not scored, {reason}: {', '.join(name for name, why in result.not_scored.items() if why == reason)}"
    published = _published_rows(entry)
    if published:
        yield from ["", "published", *text_table(published, width=width).splitlines()]


def _defects(entry: ResultEntry) -> Iterator[str]:
    """The first defects of the benchmark's files, fatal ones before notes."""
    defects = sorted(entry.data.defects, key=lambda defect: not defect.fatal)
    for defect in defects[:SHOWN_DEFECTS]:
        yield f"{'warning' if defect.fatal else 'note'}: {defect.where}: {defect.what}; {defect.action}"
    if len(defects) > SHOWN_DEFECTS:
        yield f"note: {len(defects) - SHOWN_DEFECTS} more defects; `lavida-bench check` lists all"


def _table(entry: ResultEntry) -> tuple[list[list[str]], list[str]]:
    """Rows and head: the rows are variants of metrics; shares in percent."""
    rows = []
    for detail in variant_details(entry.result):
        metrics = (baseline.metrics.get(detail.name) for baseline in entry.baselines)
        baselines = [variant_value(metric, detail.variants, detail.unit) for metric in metrics]
        title = f"{detail.metric}{MARK}" if detail.official else detail.metric
        rows.append([title, detail.variant, detail.value, detail.interval, *baselines])
    names = [baseline.method for baseline in entry.baselines]
    interval = "[95 %]" if any(row[3] for row in rows) else ""
    return rows, ["metric", "variant", entry.result.method, interval, *names]


def _published_rows(entry: ResultEntry) -> list[list[str]]:
    rows = []
    for paper in published_for(entry.result.benchmark):
        for metric, value in paper.values[entry.result.benchmark].items():
            rows.append([paper.method, metric_title(metric), f"{value:.2f}", f"protocol: {paper.protocol}", paper.note])
    return rows
