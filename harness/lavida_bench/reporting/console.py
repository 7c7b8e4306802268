"""One entry as lines for a terminal: every metric and variant of the method, with baselines and published numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lavida_bench.metrics._base import MetricResult
from lavida_bench.reporting.table import VariantDetail, format_estimate, format_number, in_unit, variant_details
from lavida_bench.results import results_json
from lavida_bench.results.published import published_for
from lavida_bench.results.results_json import ResultEntry
from lavida_gen.common.text import text_table

SHOWN_DEFECTS = 5


def run_lines(run: Path) -> Iterator[str]:
    """Describe every entry of a run folder.

    Args:
        run: The folder.

    Yields:
        Lines for a terminal; none if nothing was scored.

    Raises:
        DataError: results.json cannot be read.
    """
    if (run / results_json.FILE).is_file():
        for entry in results_json.read(run).entries:
            yield from entry_lines(entry)
            yield ""


def entry_lines(entry: ResultEntry) -> Iterator[str]:
    """Describe an entry, as `score-files` prints it.

    Args:
        entry: An entry of results.json.

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
    yield from text_table(*_table(entry)).splitlines()
    if result.smoothed is not None:
        yield from ["", f"scores smoothed, sigma {result.smoothing:g} frames"]
        smoothed = replace(entry, result=replace(result, metrics=result.smoothed), baselines=())
        yield from text_table(*_table(smoothed)).splitlines()
    for reason in dict.fromkeys(result.not_scored.values()):
        yield f"not scored, {reason}: {', '.join(name for name, why in result.not_scored.items() if why == reason)}"
    published = _published_rows(entry)
    if published:
        yield from ["", "published", *text_table(published).splitlines()]


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
        baselines = [_baseline_cell(baseline.metrics.get(detail.name), detail) for baseline in entry.baselines]
        variant = detail.variant if detail.unit == "%" else f"{detail.variant} ({detail.unit})"
        rows.append([detail.metric, variant, format_estimate(detail.estimate, detail.unit), *baselines])
    names = [baseline.method for baseline in entry.baselines]
    return rows, ["metric", "variant", f"{entry.result.method} [95 %]", *names]


def _baseline_cell(metric: MetricResult | None, detail: VariantDetail) -> str:
    """A baseline's number of the same variant; "" if it has none."""
    if metric is None:
        return ""
    return format_number(in_unit(metric.variants[detail.variant], detail.unit).value, detail.unit)


def _published_rows(entry: ResultEntry) -> list[list[str]]:
    rows = []
    for paper in published_for(entry.result.benchmark):
        for metric, value in paper.values[entry.result.benchmark].items():
            rows.append([paper.method, metric, f"{value:.2f}", f"protocol: {paper.protocol}", paper.note])
    return rows
