"""The rows of the tables of all variants: those that people quote, with bounds by ties in one row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lavida_bench.metrics._base import MetricResult
from lavida_bench.reporting.table import (
    arrow,
    format_interval,
    format_number,
    in_unit,
    metric_order,
    metric_title,
    unit_of,
)
from lavida_bench.results.result import Result
from lavida_gen.common.text import counted

IN_ORDER, BOUNDS = "script_order", ("ties_worst", "ties_best")
"""Variants of RBDC and TBDC that differ from the first where detections share scores."""
EQUAL = 5e-7  # variants that differ by less are one row
USUAL = ("videos_left_out", "videos_undefined", "frames_of_one_score")
"""Counts that are written only where they are not 0."""


@dataclass(frozen=True, slots=True)
class VariantDetail:
    """One row: a variant of a metric, or the two bounds of one.

    Attributes:
        name: The metric's name.
        metric: Its title for people, with an arrow that shows which way is better.
        official: Whether it is the number that the protocol quotes.
        variant: The variant, with its unit unless it is a share.
        unit: "%" for shares, else the metric's unit.
        variants: Names of the numbers in the row: one, or two bounds.
        value: The number as text, or ``48.50 to 49.25``.
        interval: Its 95 % interval as text, "" without one.
        counts: What it was computed from, as text; "" for all but the first row of a metric.
        notes: Sentences about the metric; () for all but the first row.
    """

    name: str
    metric: str
    official: bool
    variant: str
    unit: str
    variants: tuple[str, ...]
    value: str
    interval: str
    counts: str
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The number with its interval."""
        return f"{self.value} {self.interval}".rstrip()


def variant_details(result: Result) -> Iterator[VariantDetail]:
    """List the variants of every metric of a method.

    Args:
        result: The method's result.

    Yields:
        The rows, metric by metric, the official one first. results.json holds the numbers of all variants, also where
        several are one row.
    """
    for name in metric_order(result.metrics, result):
        metric = result.metrics[name]
        counts = ", ".join(_count_text(key, value) for key, value in metric.counts.items() if value or key not in USUAL)
        rows, merged = _variant_rows(metric)
        notes = (*metric.notes, *merged)
        for label, variants in rows:
            unit = unit_of(metric.unit, variants[0])
            estimate = in_unit(metric.variants[variants[0]], unit)
            yield VariantDetail(
                name=name,
                metric=f"{metric_title(name)} {arrow(metric.higher_is_better)}",
                official=name in result.quoted[:1] and variants[0] == next(iter(metric.variants)),
                variant=label if unit == "%" else f"{label} ({unit})",
                unit=unit,
                variants=variants,
                value=variant_value(metric, variants, unit),
                interval=format_interval(estimate, unit) if len(variants) == 1 else "",
                counts=counts,
                notes=notes,
            )
            counts, notes = "", ()  # once per metric


def _variant_rows(metric: MetricResult) -> tuple[list[tuple[str, tuple[str, ...]]], tuple[str, ...]]:
    """(label, variants) of each row, and a sentence on variants without a row of their own."""
    alone = [name for name in metric.variants if name not in (IN_ORDER, *BOUNDS)]
    rows: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in alone]
    tied = [name for name in (IN_ORDER, *BOUNDS) if name in metric.variants]
    if len(tied) < 3 or not alone:
        return [(name, (name,)) for name in metric.variants], ()
    values = [metric.variants[name].value for name in (alone[0], *tied)]
    if all(value is None for value in values):
        return rows, ()
    known = [value for value in values if value is not None]
    if len(known) == len(values) and max(known) - min(known) < EQUAL:
        return rows, ("no equal scores decide: script_order, ties_worst and ties_best are the same",)
    return [*rows, ("script order", (IN_ORDER,)), ("ties, worst to best", BOUNDS)], ()


def variant_value(metric: MetricResult | None, variants: tuple[str, ...], unit: str) -> str:
    """Format the number of a row for any method.

    Args:
        metric: The metric's result of the method, None = it has none.
        variants: `VariantDetail.variants`.
        unit: `VariantDetail.unit`.

    Returns:
        The number or the two bounds, "" without.
    """
    if metric is None or not all(name in metric.variants for name in variants):
        return ""
    return " to ".join(format_number(in_unit(metric.variants[name], unit).value, unit) for name in variants)


def _count_text(key: str, value: int) -> str:
    """``3 videos undefined``, ``1 video undefined``."""
    noun, _, rest = key.partition("_")
    return f"{counted(value, noun.removesuffix('s'), noun)} {rest.replace('_', ' ')}".rstrip()
