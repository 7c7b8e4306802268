"""The tables of a report, before they become Markdown or HTML: a method, the baselines and published numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lavida_bench.baselines import _base as baseline_base
from lavida_bench.metrics import _base as metric_base
from lavida_bench.metrics._base import Estimate, MetricResult
from lavida_bench.results.published import PublishedMethod, published_for, published_numbers
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import ResultEntry

RowKind = Literal["this", "baseline", "published"]
TITLES = {
    "frame_auc": "frame AUC", "frame_ap": "frame AP", "frame_pr_auc": "frame PR-AUC (trapezoid)",
    "pixel_auc": "pixel AUC", "pixel_ap": "pixel AP", "pixel_auc_40": "pixel AUC 40 %", "rbdc": "RBDC",
    "tbdc": "TBDC", "rbdc_masks": "RBDC by masks", "tbdc_masks": "TBDC by masks",
    "macro_auc_padded": "frame AUC macro, padded", "soft_auc": "soft frame AUC", "soft_ap": "soft frame AP",
    "detection_delay": "detection delay", "false_alarms_per_hour": "false alarms",
}  # fmt: skip
"""Metric -> its title for people, in the order of the tables."""
ROC = frozenset({"frame_auc", "pixel_auc", "soft_auc"})
PRECISION = frozenset({"frame_ap", "frame_pr_auc", "pixel_ap", "soft_ap"})
"""Metrics with a known chance level: areas under ROC curves, and average precisions."""
SHARES = frozenset({"missed"})
"""Variants that are shares whatever their metric's unit."""


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """A metric's first variant as a column.

    Attributes:
        metric: The metric's name.
        title: Its title for people.
        variant: The variant.
        unit: "%" for shares, else the metric's unit.
        higher_is_better: False for delays and false alarms.
        mark: ``official metric`` for the one that the protocol quotes for the benchmark, else "".
        chance: What scores without any skill get in the mean, in this unit; None where it is not known.
    """

    metric: str
    title: str
    variant: str
    unit: str
    higher_is_better: bool
    mark: str = ""
    chance: float | None = None

    @property
    def heading(self) -> str:
        """``detection delay (s) ↓``: title, unit and which way is better."""
        unit = "" if self.unit == "%" else f" ({self.unit})"
        return f"{self.title}{unit} {arrow(self.higher_is_better)}"


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A method as a row.

    Attributes:
        method: The method's name.
        kind: Whether it is the evaluated method, a baseline or a published number.
        protocol: The protocol of its numbers.
        note: What a reader needs to know of it.
        cells: One number per column, None = no such number.
    """

    method: str
    kind: RowKind
    protocol: str
    note: str
    cells: tuple[Estimate | None, ...]


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Methods by metrics; numbers in the units of their columns (percent for shares)."""

    columns: tuple[MetricColumn, ...]
    rows: tuple[MethodRow, ...]


def result_table(entry: ResultEntry) -> ResultTable:
    """Make the main table of an entry.

    Args:
        entry: An entry of results.json.

    Returns:
        The method first, then with smoothed scores if there are any, the baselines, and published methods with their
        own protocols.
    """
    papers = tuple(published_for(entry.result.benchmark))
    columns = tuple(_columns(entry, papers))
    result = entry.result
    rows = [_row(result, result.metrics, "this", "", columns)]
    if result.smoothed is not None:
        note = f"scores smoothed, sigma {result.smoothing:g} frames"
        rows.append(_row(result, result.smoothed, "this", note, columns))
    for baseline in entry.baselines:
        rows.append(_row(baseline, baseline.metrics, "baseline", baseline_summary(baseline.method), columns))
    for paper in papers:
        values = paper.values[result.benchmark]
        cells = tuple(Estimate(values[c.metric]) if c.metric in values else None for c in columns)
        rows.append(
            MethodRow(
                paper.method,
                "published",
                paper.protocol,
                "; ".join(filter(None, (paper.note, published_numbers().where(paper)))),
                cells,
            )
        )
    return ResultTable(columns, tuple(rows))


def baseline_summary(baseline: str) -> str:
    """Describe a baseline.

    Args:
        baseline: Its name.

    Returns:
        What it does, in a sentence; "" for an unknown name.
    """
    return baseline_base.make(baseline).about if baseline in baseline_base.known() else ""


def _columns(entry: ResultEntry, papers: Sequence[PublishedMethod]) -> Iterator[MetricColumn]:
    """Every metric that the method, a baseline or a paper has, and the official one, which is first."""
    measured = {name: metric for result in (*entry.baselines, entry.result) for name, metric in result.metrics.items()}
    papers_have = {name for paper in papers for name in paper.values[entry.result.benchmark]}
    names = {*measured, *(papers_have & set(metric_base.known()))}
    official = entry.result.quoted[:1] if measured else ()
    names.update(name for name in official if name in metric_base.known())
    for name in metric_order(names, entry.result):
        metric = measured.get(name) or metric_base.make(name)
        variant = next(iter(metric.variants))
        unit = unit_of(metric.unit, variant)
        mark = official_mark(entry.result.protocol) if name in official else ""
        chance = chance_level(measured[name]) if name in measured else None
        yield MetricColumn(name, metric_title(name), variant, unit, metric.higher_is_better, mark, chance)


def metric_order(names: Iterable[str], result: Result) -> list[str]:
    """Sort metrics as tables list them.

    Args:
        names: Names of metrics.
        result: The method's result.

    Returns:
        The metrics that the protocol quotes, the official one first (in results of older versions the first one that
        was measured); then in the order of TITLES, then by name.
    """
    first = result.quoted or tuple(result.metrics)[:1]
    places = {name: place for place, name in enumerate((*first, *(name for name in TITLES if name not in first)))}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def official_mark(protocol: str) -> str:
    """Name what the metric is that a protocol quotes.

    Args:
        protocol: The protocol of a result.

    Returns:
        ``official metric``, ``paper metric``.
    """
    return f"{protocol.partition('/')[0]} metric"


def arrow(higher_is_better: bool) -> str:
    """Which way is better, as one character.

    Args:
        higher_is_better: False for delays and false alarms.
    """
    return "↑" if higher_is_better else "↓"


def chance_level(metric: MetricResult) -> float | None:
    """Compute what scores without any skill get in the mean.

    Args:
        metric: A metric's result.

    Returns:
        50 percent for areas under ROC curves of frames and pixels, the share of abnormal items for average precision;
        None for all others.
    """
    if metric.name in ROC:
        return 50.0
    positives, negatives = metric.counts.get("positives", 0), metric.counts.get("negatives", 0)
    if metric.name not in PRECISION or not positives + negatives:
        return None
    return 100 * positives / (positives + negatives)


def _row(
    result: Result, metrics: Mapping[str, MetricResult], kind: RowKind, note: str, columns: Sequence[MetricColumn]
) -> MethodRow:
    cells = (in_unit(metrics[c.metric].headline, c.unit) if c.metric in metrics else None for c in columns)
    return MethodRow(result.method, kind, result.protocol, note, tuple(cells))


def metric_title(metric: str) -> str:
    """Look up the title of a metric.

    Args:
        metric: Its name.

    Returns:
        Its name for people.
    """
    return TITLES.get(metric, metric.replace("_", " "))


def unit_of(unit: str, variant: str) -> str:
    """Look up the unit of a variant in tables.

    Args:
        unit: The metric's unit, "" for a share.
        variant: The variant's name.

    Returns:
        "%" for a share, else the metric's unit.
    """
    return "%" if not unit or variant in SHARES else unit


def in_unit(estimate: Estimate, unit: str) -> Estimate:
    """Convert an estimate to the unit of a table.

    Args:
        estimate: The number, a share as 0 to 1.
        unit: The unit of the table.

    Returns:
        The number in percent if the unit is "%", else unchanged.
    """
    if unit != "%":
        return estimate
    value, low, high = (None if x is None else 100 * x for x in (estimate.value, estimate.low, estimate.high))
    return Estimate(value, low, high, estimate.resamples)


def format_number(value: float | None, unit: str) -> str:
    """Format a number for a table. Its unit is in the head of the table.

    Args:
        value: The number, None = undefined.
        unit: Its unit.

    Returns:
        ``82.18``, ``1,234``; a dash where it is undefined.
    """
    if value is None:
        return "–"
    return f"{value:.2f}" if unit == "%" or abs(value) < 100 else f"{value:,.0f}"


def format_estimate(estimate: Estimate | None, unit: str) -> str:
    """Format a number with its interval.

    Args:
        estimate: The number, None = there is none.
        unit: Its unit.

    Returns:
        ``82.18 [79.10, 85.02]``, or without an interval ``82.18``; "" where there is no number.
    """
    if estimate is None:
        return ""
    return f"{format_number(estimate.value, unit)} {format_interval(estimate, unit)}".rstrip()


def format_interval(estimate: Estimate, unit: str) -> str:
    """Format the interval of a number.

    Args:
        estimate: The number.
        unit: Its unit.

    Returns:
        ``[79.10, 85.02]``; "" without an interval.
    """
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{format_number(estimate.low, unit)}, {format_number(estimate.high, unit)}]"
