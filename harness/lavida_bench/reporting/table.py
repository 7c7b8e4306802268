"""The tables of a report, before they become Markdown or HTML: a method, the baselines and what papers say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from lavida_bench.metrics._base import Estimate, MetricResult
from lavida_bench.results import published
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import ResultEntry

RowKind = Literal["this", "baseline", "published"]
NAMES = {
    "frame_auc": "frame AUC", "frame_ap": "frame AP", "frame_pr_auc": "frame PR-AUC (trapezoid)",
    "pixel_auc": "pixel AUC", "pixel_ap": "pixel AP", "pixel_auc_40": "pixel AUC 40 %", "rbdc": "RBDC",
    "tbdc": "TBDC", "rbdc_masks": "RBDC by masks", "tbdc_masks": "TBDC by masks",
    "detection_delay": "detection delay", "false_alarms_per_hour": "false alarms",
}  # fmt: skip
SHARES = frozenset({"missed"})  # variants that are shares whatever their metric's unit


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """A metric's first variant. `unit` "%" for shares."""

    metric: str
    title: str
    variant: str
    unit: str
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A method. `cells` as the columns, None = no such number."""

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


@dataclass(frozen=True, slots=True)
class VariantDetail:
    """One variant of one metric of the method, in its unit, with what the number rests on in words.

    name, metric  the metric's name, for machines and for people
    """

    name: str
    metric: str
    variant: str
    unit: str
    estimate: Estimate
    counts: str
    notes: tuple[str, ...]


def result_table(entry: ResultEntry) -> ResultTable:
    """The method first, smoothed if that was asked for, the baselines, then papers with their own protocols."""
    papers = published.published_for(entry.result.benchmark)
    columns = tuple(_columns(entry, papers))
    result = entry.result
    rows = [_row(result, result.metrics, "this", "", columns)]
    if result.smoothed is not None:
        note = f"scores smoothed, sigma {result.smoothing:g} frames"
        rows.append(_row(result, result.smoothed, "this", note, columns))
    rows += [_row(one, one.metrics, "baseline", baseline_summary(one.method), columns) for one in entry.baselines]
    for paper in papers:
        values = paper.values[result.benchmark]
        cells = tuple(Estimate(values[c.metric]) if c.metric in values else None for c in columns)
        rows.append(MethodRow(paper.method, "published", paper.protocol, f"{paper.note}; {paper.source}", cells))
    return ResultTable(columns, tuple(rows))


def baseline_summary(baseline: str) -> str:
    """What a baseline does, in a sentence."""
    from lavida_bench.baselines import _base as room

    return room.make(baseline).about if baseline in room.known() else ""


def _columns(entry: ResultEntry, papers: tuple[published.PublishedMethod, ...]) -> Iterator[MetricColumn]:
    """The one to quote first, then all that the method, a baseline or a paper has, in the order of NAMES."""
    from lavida_bench.metrics import _base as room

    found = {name for one in (entry.result, *entry.baselines) for name in one.metrics}
    found |= {name for paper in papers for name in paper.values[entry.result.benchmark]}
    for name in metric_order(found, entry.result):
        metric = room.make(name)
        variant = metric.variants[0]
        yield MetricColumn(name, metric_title(name), variant, unit_of(metric.unit, variant), metric.higher_is_better)


def metric_order(names: Iterable[str], result: Result) -> list[str]:
    """Metrics as tables list them: the one to quote first, then in the order of NAMES."""
    first = next(iter(result.metrics), "")
    places = {name: at for at, name in enumerate(NAMES)}
    return sorted(names, key=lambda name: (name != first, places.get(name, len(places)), name))


def _row(
    result: Result, metrics: Mapping[str, MetricResult], kind: RowKind, note: str, columns: tuple[MetricColumn, ...]
) -> MethodRow:
    cells = (in_unit(metrics[c.metric].headline, c.unit) if c.metric in metrics else None for c in columns)
    return MethodRow(result.method, kind, result.protocol, note, tuple(cells))


def metric_title(metric: str) -> str:
    """A metric's name for people."""
    return NAMES.get(metric, metric.replace("_", " "))


def unit_of(unit: str, variant: str) -> str:
    """ "%" for a share, else the metric's unit."""
    return "%" if not unit or variant in SHARES else unit


def in_unit(estimate: Estimate, unit: str) -> Estimate:
    """Shares in percent."""
    if unit != "%":
        return estimate
    value, low, high = (None if x is None else 100 * x for x in (estimate.value, estimate.low, estimate.high))
    return Estimate(value, low, high, estimate.resamples)


def variant_details(result: Result) -> Iterator[VariantDetail]:
    """Every variant of every metric of the method."""
    for name in metric_order(result.metrics, result):
        found = result.metrics[name]
        counts = ", ".join(f"{value:,} {key.replace('_', ' ')}" for key, value in found.counts.items())
        for at, (variant, estimate) in enumerate(found.variants.items()):
            unit = unit_of(found.unit, variant)
            first = at == 0
            yield VariantDetail(
                name, metric_title(name), variant, unit, in_unit(estimate, unit), counts if first else "",
                found.notes if first else (),
            )  # fmt: skip


def format_number(value: float | None, unit: str) -> str:
    """``82.18``, ``0.917``; a dash where it is undefined. The unit stands in the table's head."""
    if value is None:
        return "–"
    return f"{value:.2f}" if unit == "%" or abs(value) < 100 else f"{value:,.0f}"


def format_estimate(estimate: Estimate | None, unit: str) -> str:
    """``82.18 [79.10, 85.02]``; the interval where there is one, a blank where there is no number at all."""
    if estimate is None:
        return ""
    text = format_number(estimate.value, unit)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{format_number(estimate.low, unit)}, {format_number(estimate.high, unit)}]"
