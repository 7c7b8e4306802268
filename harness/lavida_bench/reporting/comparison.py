"""A comparison of two runs as lines, Markdown, JSON and one HTML page with both curves of every video."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lavida_bench.evaluation.compare import Comparison
from lavida_bench.metrics import _base as metrics
from lavida_bench.metrics._base import Estimate
from lavida_bench.metrics._bootstrap import Difference
from lavida_bench.reporting.html_page import fill
from lavida_bench.reporting.markdown import escape, markdown_table
from lavida_bench.reporting.table import format_estimate, format_number, in_unit, metric_title, unit_of
from lavida_bench.results.results_json import Provenance
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.text import text_table

SCHEMA = 1
LEGEND = (
    "Shares in percent, differences in points; in brackets the 95 % interval of the difference by paired bootstrap "
    "over videos. P(better): share of the resamples in which the first is better."
)


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One variant of one metric: both values, their difference with its interval, P(better), a verdict in words."""

    metric: str
    variant: str
    first: str
    second: str
    difference: str
    better: str
    verdict: str


def difference_rows(compared: Comparison) -> Iterator[DifferenceRow]:
    """Every metric and variant that both runs have."""
    for name, variants in compared.differences.items():
        metric = metrics.make(name)
        for variant, one in variants.items():
            unit = unit_of(metric.unit, variant)
            first, second = (
                format_number(in_unit(Estimate(value), unit).value, unit) for value in (one.first, one.second)
            )
            estimate = in_unit(Estimate(one.value, one.low, one.high, one.resamples), unit)
            better = "–" if one.share_better is None else f"{one.share_better:.3f}"
            shown = variant if unit == "%" else f"{variant} ({unit})"
            verdict = _verdict(one, metric.higher_is_better, compared.methods)
            yield DifferenceRow(
                metric_title(name), shown, first, second, _signed(format_estimate(estimate, unit)), better, verdict
            )


def _signed(text: str) -> str:
    return text if text.startswith(("-", "–")) else f"+{text}"


def _verdict(one: Difference, higher_is_better: bool, methods: tuple[str, str]) -> str:
    if one.value is None or one.low is None or one.high is None:
        return "undefined" if one.value is None else "no interval"
    if one.low <= 0 <= one.high:
        return "no significant difference"
    return f"{methods[0] if (one.low > 0) == higher_is_better else methods[1]} is better"


def comparison_lines(compared: Comparison) -> Iterator[str]:
    """For a terminal."""
    yield f"{compared.benchmark}, protocol {compared.protocol}: {compared.methods[0]} - {compared.methods[1]}"
    for method, coverage in zip(compared.methods, compared.coverage, strict=True):
        yield f"{method}: scored {coverage}"
    yield ""
    head, rows = _table(compared)
    yield from text_table(rows, head).splitlines()


def _table(compared: Comparison) -> tuple[list[str], list[list[str]]]:
    head = ["metric", "variant", *compared.methods, "difference [95 %]", "P(better)", ""]
    rows = [list(asdict(line).values()) for line in difference_rows(compared)]
    return head, rows


def markdown(all_compared: Sequence[Comparison]) -> str:
    """All benchmarks."""
    parts = []
    for one in all_compared:
        head, rows = _table(one)
        methods = " against ".join(map(escape, one.methods))
        top = f"## {escape(one.benchmark)}, protocol {one.protocol}: {methods}"
        scored = [f"- {escape(m)}: scored {c}" for m, c in zip(one.methods, one.coverage, strict=True)]
        table = markdown_table([*map(escape, head)], [[*map(escape, row)] for row in rows])
        parts.append("\n".join([top, "", *scored, "", *table, "", f"{LEGEND} {_drawn(one)}"]))
    return "\n\n".join(parts) + "\n"


def _drawn(one: Comparison) -> str:
    return f"{one.resamples:,} resamples, seed {one.seed}."


def write(folder: Path, all_compared: Sequence[Comparison], made: Provenance) -> Path:
    """comparison.json, comparison.md and comparison.html; gives the page's path. Raises DataError for a full disk."""
    folder.mkdir(parents=True, exist_ok=True)
    plain_data = {"schema": SCHEMA, "provenance": asdict(made), "compared": [_numbers(one) for one in all_compared]}
    text = json.dumps(plain_data, ensure_ascii=False, indent=1, allow_nan=False)
    write_atomic(folder / "comparison.json", text.encode())
    write_atomic(folder / "comparison.md", f"{markdown(all_compared)}\nCommand: `{made.command}`\n".encode())
    versions = ", ".join(f"{key} {value}" for key, value in made.versions.items())
    data = {
        "legend": LEGEND, "command": made.command, "facts": [("versions", versions), ("made", made.made)],
        "compared": [_page(one) for one in all_compared],
    }  # fmt: skip
    write_atomic(folder / "comparison.html", fill("comparison.html", "comparison", data).encode())
    return folder / "comparison.html"


def _numbers(one: Comparison) -> dict[str, Any]:
    """Without the curves."""
    found = asdict(one)
    found["pairs"] = [{"key": pair.key, "values": pair.values} for pair in one.pairs]
    return found


def _page(one: Comparison) -> dict[str, Any]:
    lines = [asdict(line) for line in difference_rows(one)]
    return {**asdict(one), "lines": lines, "drawn": _drawn(one)}
