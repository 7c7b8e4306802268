"""The tables of a report, before they become Markdown or HTML: a method, the baselines and what papers say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from lavida_bench.metrics._base import Estimate, MetricResult
from lavida_bench.results import published
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import Entry

Kind = Literal["this", "baseline", "published"]
NAMES = {
    "frame_auc": "frame AUC", "frame_ap": "frame AP", "frame_pr_auc": "frame PR-AUC (trapezoid)",
    "pixel_auc": "pixel AUC", "pixel_ap": "pixel AP", "pixel_auc_40": "pixel AUC 40 %", "rbdc": "RBDC",
    "tbdc": "TBDC", "rbdc_masks": "RBDC by masks", "tbdc_masks": "TBDC by masks",
    "detection_delay": "detection delay", "false_alarms_per_hour": "false alarms",
}  # fmt: skip
SHARES = frozenset({"missed"})  # variants that are shares whatever their metric's unit


@dataclass(frozen=True, slots=True)
class Column:
    """A metric's first variant. `unit` "%" for shares."""

    metric: str
    title: str
    variant: str
    unit: str
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A method. `cells` as the columns, None = no such number."""

    method: str
    kind: Kind
    protocol: str
    note: str
    cells: tuple[Estimate | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Methods by metrics; numbers in the units of their columns (percent for shares)."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Detail:
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


def table(entry: Entry) -> Table:
    """The method first, smoothed if that was asked for, the baselines, then papers with their own protocols."""
    papers = published.of(entry.result.benchmark)
    columns = tuple(_columns(entry, papers))
    result = entry.result
    rows = [_row(result, result.metrics, "this", "", columns)]
    if result.smoothed is not None:
        note = f"scores smoothed, sigma {result.smoothing:g} frames"
        rows.append(_row(result, result.smoothed, "this", note, columns))
    rows += [_row(one, one.metrics, "baseline", about(one.method), columns) for one in entry.baselines]
    for paper in papers:
        values = paper.values[result.benchmark]
        cells = tuple(Estimate(values[c.metric]) if c.metric in values else None for c in columns)
        rows.append(Row(paper.method, "published", paper.protocol, f"{paper.note}; {paper.source}", cells))
    return Table(columns, tuple(rows))


def about(baseline: str) -> str:
    """What a baseline does, in a sentence."""
    from lavida_bench.baselines import _base as room

    return room.make(baseline).about if baseline in room.known() else ""


def _columns(entry: Entry, papers: tuple[published.Published, ...]) -> Iterator[Column]:
    """The one to quote first, then all that the method, a baseline or a paper has, in the order of NAMES."""
    from lavida_bench.metrics import _base as room

    found = {name for one in (entry.result, *entry.baselines) for name in one.metrics}
    found |= {name for paper in papers for name in paper.values[entry.result.benchmark]}
    for name in ordered(found, entry.result):
        metric = room.make(name)
        variant = metric.variants[0]
        yield Column(name, title(name), variant, unit_of(metric.unit, variant), metric.higher_is_better)


def ordered(names: Iterable[str], result: Result) -> list[str]:
    """Metrics as tables list them: the one to quote first, then in the order of NAMES."""
    first = next(iter(result.metrics), "")
    places = {name: at for at, name in enumerate(NAMES)}
    return sorted(names, key=lambda name: (name != first, places.get(name, len(places)), name))


def _row(
    result: Result, metrics: Mapping[str, MetricResult], kind: Kind, note: str, columns: tuple[Column, ...]
) -> Row:
    cells = (in_unit(metrics[c.metric].headline, c.unit) if c.metric in metrics else None for c in columns)
    return Row(result.method, kind, result.protocol, note, tuple(cells))


def title(metric: str) -> str:
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


def details(result: Result) -> Iterator[Detail]:
    """Every variant of every metric of the method."""
    for name in ordered(result.metrics, result):
        found = result.metrics[name]
        counts = ", ".join(f"{value:,} {key.replace('_', ' ')}" for key, value in found.counts.items())
        for at, (variant, estimate) in enumerate(found.variants.items()):
            unit = unit_of(found.unit, variant)
            first = at == 0
            yield Detail(
                name, title(name), variant, unit, in_unit(estimate, unit), counts if first else "",
                found.notes if first else (),
            )  # fmt: skip


def number(value: float | None, unit: str) -> str:
    """``82.18``, ``0.917``; a dash where it is undefined. The unit stands in the table's head."""
    if value is None:
        return "–"
    return f"{value:.2f}" if unit == "%" or abs(value) < 100 else f"{value:,.0f}"


def cell(estimate: Estimate | None, unit: str) -> str:
    """``82.18 [79.10, 85.02]``; the interval where there is one, a blank where there is no number at all."""
    if estimate is None:
        return ""
    text = number(estimate.value, unit)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{number(estimate.low, unit)}, {number(estimate.high, unit)}]"
