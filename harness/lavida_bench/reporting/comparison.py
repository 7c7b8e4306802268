"""A comparison of two runs as lines, Markdown, JSON and one HTML page with both curves of every video."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lavida_bench.evaluation.compare import Comparison
from lavida_bench.metrics import _base as metric_base
from lavida_bench.metrics._base import Estimate
from lavida_bench.metrics._bootstrap import Difference
from lavida_bench.reporting.html_page import fill
from lavida_bench.reporting.markdown import escape, markdown_table
from lavida_bench.reporting.remarks import DIRECTION
from lavida_bench.reporting.table import (
    arrow,
    format_estimate,
    format_number,
    in_unit,
    metric_title,
    official_mark,
    unit_of,
)
from lavida_bench.reporting.variants import BOUNDS, EQUAL, IN_ORDER
from lavida_bench.results.results_json import Provenance
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.text import printable, text_table

SCHEMA = 1
COLUMNS = ("P(better)", "p (Holm)")
KEPT = 2  # columns that are repeated where a table is continued: metric and variant
MARK = " *"  # of the official metric
ALPHA = 0.05  # of all metrics of one comparison together
LEGEND = (
    "Shares in percent, differences in points; in brackets the 95 % interval of the difference by jackknife and paired "
    "bootstrap over videos (Student's t). P(better): share of the resamples in which the first is better. p (Holm): "
    "p-value of no difference, adjusted for the number of metrics, which count once each by their first variant. "
    f"{DIRECTION}"
)


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One variant of one metric, as text.

    Attributes:
        metric: The metric's title, with an arrow that shows which way is better.
        variant: The variant, with its unit unless it is a share.
        first: The first run's value.
        second: The second run's value.
        difference: first - second with its 95 % interval.
        better: Share of the resamples in which the first run is better.
        p: p-value adjusted for the number of metrics; "" for all but a metric's first variant.
        verdict: Which method is better, or that there is no significant difference.
    """

    metric: str
    variant: str
    first: str
    second: str
    difference: str
    better: str
    p: str
    verdict: str


def difference_rows(comparison: Comparison) -> Iterator[DifferenceRow]:
    """List the differences of two runs.

    Args:
        comparison: The comparison.

    Yields:
        Every metric that both runs have, and its variants; those that differ only where detections share scores have no
        row of their own (comparison.json has them).
    """
    for name, variants in comparison.differences.items():
        metric = metric_base.make(name, allow_code=True)  # `compare` has made it before, so it was allowed
        title = f"{metric_title(name)} {arrow(metric.higher_is_better)}"
        official, first = name == comparison.official, next(iter(variants))
        for variant, difference in _rows_of(variants):
            unit = unit_of(metric.unit, variant)
            estimate = Estimate(difference.value, difference.low, difference.high, difference.resamples)
            share = difference.share_better
            yield DifferenceRow(
                metric=f"{title}{MARK}" if official and variant == first else title,
                variant=variant if unit == "%" else f"{variant} ({unit})",
                first=_value(difference.first, unit),
                second=_value(difference.second, unit),
                difference=_with_sign(format_estimate(in_unit(estimate, unit), unit)),
                better="–" if share is None else f"{share:.3f}",
                p="" if difference.p_holm is None else f"{difference.p_holm:.3f}",
                verdict=_verdict(difference, metric.higher_is_better, comparison.methods),
            )


def _rows_of(variants: Mapping[str, Difference]) -> Iterator[tuple[str, Difference]]:
    """The variants without bounds by ties, and without the script's order where that changes nothing."""
    first = next(iter(variants.values())).value
    for variant, difference in variants.items():
        value = difference.value
        same = first == value or (first is not None and value is not None and abs(first - value) < EQUAL)
        if variant not in BOUNDS and not (variant == IN_ORDER and same):
            yield variant, difference


def _value(value: float | None, unit: str) -> str:
    return format_number(in_unit(Estimate(value), unit).value, unit)


def _with_sign(text: str) -> str:
    return text if text.startswith(("-", "–")) else f"+{text}"


def _verdict(difference: Difference, higher_is_better: bool, methods: tuple[str, str]) -> str:
    if difference.value is None:
        return "undefined"
    if difference.low is None or difference.high is None:
        return "no interval"
    if difference.low <= 0 <= difference.high:
        return "no significant difference"
    if difference.p_holm is not None and difference.p_holm > ALPHA:
        return "no significant difference among so many metrics"
    first_is_better = (difference.low > 0) == higher_is_better
    return f"{methods[0] if first_is_better else methods[1]} is better"


def comparison_lines(comparison: Comparison, width: int | None = None) -> Iterator[str]:
    """Describe a comparison for a terminal.

    Args:
        comparison: The comparison.
        width: Columns of the terminal; None = no limit.

    Yields:
        Lines of text.
    """
    methods = comparison.methods
    yield f"{comparison.benchmark}, protocol {comparison.protocol}: {methods[0]} - {methods[1]}"
    for method, coverage in zip(methods, comparison.coverage, strict=True):
        yield f"{method}: scored {coverage}"
    if comparison.warning:
        yield f"warning: {comparison.warning}"
    yield ""
    head, rows = _table(comparison)
    split = [[*row[:4], *_split_interval(row[4]), *row[5:]] for row in rows]
    interval = "[95 %]" if any(row[5] for row in split) else ""
    yield from text_table(split, [*head[:4], "difference", interval, *head[5:]], width, KEPT).splitlines()
    mark = f"{MARK.strip()} {official_mark(comparison.protocol)}; " if comparison.official else ""
    yield f"{mark}{DIRECTION} Shares in percent."


def _split_interval(text: str) -> tuple[str, str]:
    """``+1.00 [0.50, 2.00]`` as two cells, so that both are aligned."""
    value, _, interval = text.partition(" ")
    return value, interval


def _table(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """(head, rows) of the table of differences."""
    head = ["metric", "variant", *comparison.methods, "difference [95 %]", *COLUMNS, ""]
    rows = [list(asdict(row).values()) for row in difference_rows(comparison)]
    return head, rows


def markdown(comparisons: Sequence[Comparison]) -> str:
    """Write comparisons as Markdown.

    Args:
        comparisons: One per benchmark and protocol.

    Returns:
        The whole text.
    """
    parts = []
    for comparison in comparisons:
        head, rows = _table(comparison)
        methods = " against ".join(map(escape, comparison.methods))
        title = f"## {escape(comparison.benchmark)}, protocol {comparison.protocol}: {methods}"
        coverage = [
            f"- {escape(method)}: scored {scored}"
            for method, scored in zip(comparison.methods, comparison.coverage, strict=True)
        ]
        coverage += [
            f"- names given to the prompt, {escape(who)}: {escape(', '.join(names) or 'none')}"
            for who, names in _prompts(comparison)
        ]
        official = f" ({official_mark(comparison.protocol)})"
        rows = [[row[0].replace(MARK, official), *row[1:]] for row in rows]
        table = markdown_table([*map(escape, head)], [[*map(escape, row)] for row in rows])
        parts.append("\n".join([title, "", *coverage, "", *table, "", f"{LEGEND} {_bootstrap_text(comparison)}"]))
    return "\n\n".join(parts) + "\n"


def _bootstrap_text(comparison: Comparison) -> str:
    warning = f" Warning: {comparison.warning}." if comparison.warning else ""
    return f"{comparison.resamples:,} resamples, seed {comparison.seed}.{warning}"


def write(folder: Path, comparisons: Sequence[Comparison], provenance: Provenance) -> Path:
    """Write comparison.json, comparison.md and comparison.html.

    Args:
        folder: Where to, made where it is missing.
        comparisons: One per benchmark and protocol.
        provenance: How they came about.

    Returns:
        The path of the HTML page.

    Raises:
        DataError: The disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [_without_timelines(comparison) for comparison in comparisons]
    plain = {"schema": SCHEMA, "provenance": asdict(provenance), "compared": numbers}
    text = json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False)
    write_atomic(folder / "comparison.json", text.encode())
    write_atomic(
        folder / "comparison.md", printable(f"{markdown(comparisons)}\nCommand: `{provenance.command}`\n").encode()
    )
    versions = ", ".join(f"{package} {version}" for package, version in provenance.versions.items())
    data = {
        "legend": LEGEND, "command": provenance.command, "facts": [("versions", versions), ("made", provenance.made)],
        "compared": [_page_data(comparison) for comparison in comparisons],
    }  # fmt: skip
    write_atomic(folder / "comparison.html", fill("comparison.html", "comparison", data).encode())
    return folder / "comparison.html"


def _without_timelines(comparison: Comparison) -> dict[str, object]:
    """A comparison as comparison.json holds it."""
    pairs = [{"key": video.key, "values": video.values} for video in comparison.pairs]
    return {**asdict(comparison), "pairs": pairs}


def _page_data(comparison: Comparison) -> dict[str, object]:
    rows = []
    for row in difference_rows(comparison):
        official = row.metric.endswith(MARK)
        more = [row.better, row.p]
        rows.append({**asdict(row), "metric": row.metric.removesuffix(MARK), "official": official, "more": more})
    return {
        **asdict(comparison), "lines": rows, "columns": COLUMNS, "mark": official_mark(comparison.protocol),
        "cautions": [comparison.warning] if comparison.warning else [], "prompts": _prompts(comparison),
        "forest": list(_points(comparison)),
        "drawn": f"{comparison.resamples:,} resamples, seed {comparison.seed}.",
    }  # fmt: skip


def _prompts(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """Who was given names, and the names: both, and each method alone; [] where neither was."""
    first, second = comparison.names
    if not first and not second:
        return []
    both = [name for name in first if name in second]
    alone = [[name for name in first if name not in second], [name for name in second if name not in first]]
    if not any(alone):
        return [("both methods, the same", both)]
    methods = (f"{method} alone" for method in comparison.methods)
    return [("both methods", both), *zip(methods, alone, strict=True)]


def _points(comparison: Comparison) -> Iterator[dict[str, object]]:
    """The first variant of every metric that is a share, higher = better, as points of a plot."""
    for name, variants in comparison.differences.items():
        metric = metric_base.make(name, allow_code=True)
        variant, difference = next(iter(variants.items()))
        if difference.value is None or unit_of(metric.unit, variant) != "%" or not metric.higher_is_better:
            continue
        points = in_unit(Estimate(difference.value, difference.low, difference.high), "%")
        text = _with_sign(format_number(points.value, "%"))
        yield {"name": metric_title(name), "value": points.value, "low": points.low, "high": points.high, "text": text}
