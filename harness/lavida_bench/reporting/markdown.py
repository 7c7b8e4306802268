"""A run's results as Markdown: for a pull request, a README, a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lavida_bench.benchmarks._base import Defect
from lavida_bench.reporting.table import ResultTable, format_estimate, result_table, variant_details
from lavida_bench.results.results_json import ResultEntry, RunResults

LEGEND = (
    "Shares in percent; in brackets 95 % intervals by bootstrap over videos. Published numbers rest on their own "
    "protocols and are comparable only where the protocol is the same."
)


def markdown(record: RunResults, name: str) -> str:
    """The whole text."""
    parts = [f"# {escape(name)}"]
    for entry in record.entries:
        parts.append("\n".join(_entry(entry)))
    return "\n\n".join(parts) + "\n"


def _entry(entry: ResultEntry) -> Iterator[str]:
    result = entry.result
    yield f"## {escape(result.benchmark)}: {escape(result.method)}, protocol {result.protocol}"
    yield ""
    yield f"Scored {result.coverage}."
    for warning in result.warnings:
        yield f"\n> **Warning:** {escape(warning)}"
    yield ""
    yield from markdown_table(*table_cells(result_table(entry)))
    yield f"\n{LEGEND}\n"
    rows = [
        [
            d.metric,
            d.variant if d.unit == "%" else f"{d.variant} ({d.unit})",
            format_estimate(d.estimate, d.unit),
            d.counts,
            "; ".join(d.notes),
        ]
        for d in variant_details(result)
    ]
    if rows:
        yield from markdown_table(["metric", "variant", "value", "over", "notes"], rows)
    for why in dict.fromkeys(result.not_scored.values()):
        yield f"\nNot scored, {why}: {', '.join(name for name, one in result.not_scored.items() if one == why)}."
    yield ""
    yield from _foot(entry)


def _foot(entry: ResultEntry) -> Iterator[str]:
    made = entry.provenance
    yield f"- protocol {entry.result.protocol}: {entry.result.protocol_text}"
    yield f"- bootstrap: {entry.result.resamples:,} resamples, seed {entry.result.seed}"
    if entry.names:
        yield f"- names given to the prompt: {escape(', '.join(entry.names))}"
    for key, value in made.model.items():
        yield f"- {escape(key)}: {escape(value)}"
    yield f"- data: `{escape_code(entry.data.root)}` ({entry.data.licence})"
    yield f"- command: `{escape_code(made.command)}`"
    yield f"- versions: {', '.join(f'{key} {value}' for key, value in made.versions.items())}; made {made.made}"
    if entry.data.defects:
        yield "\nThe data as found:\n"
        yield from (f"    {' '.join(line.splitlines())}" for line in defect_lines(entry.data.defects))


def table_cells(made: ResultTable) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the main table, as text."""
    head = ["method", "protocol", *(f"{c.title}{'' if c.unit == '%' else f' ({c.unit})'}" for c in made.columns)]
    rows = []
    for row in made.rows:
        name = f"**{escape(row.method)}**" if row.kind == "this" else escape(row.method)
        note = {"this": row.note, "baseline": "baseline", "published": f"published; {row.note}"}[row.kind]
        values = (format_estimate(x, c.unit) for x, c in zip(row.cells, made.columns, strict=True))
        rows.append([f"{name} ({escape(note)})" if note else name, escape(row.protocol), *values])
    return head, rows


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |"


def escape(text: str) -> str:
    """Text that comes from files or users, so that it shows as it is: one line, no markup."""
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", " ".join(text.split()))


def escape_code(text: str) -> str:
    """Text for between backticks."""
    return " ".join(text.split()).replace("`", "'")


SHOWN = 10  # items of a defect that are listed


def defect_lines(defects: tuple[Defect, ...]) -> Iterator[str]:
    """Each defect: where, what, which, and what is done about it."""
    for defect in defects:
        yield f"{'FATAL' if defect.fatal else 'note '}  {defect.where}: {defect.what}"
        if defect.items:
            more = f" and {len(defect.items) - SHOWN} more" if len(defect.items) > SHOWN else ""
            yield f"       {', '.join(defect.items[:SHOWN])}{more}"
        yield f"       -> {defect.action}"
