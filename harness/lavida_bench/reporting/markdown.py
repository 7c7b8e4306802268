"""A run's results as Markdown: for a pull request, a README, a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lavida_bench.benchmarks._defects import Defect
from lavida_bench.metrics._intervals import METHOD
from lavida_bench.reporting.remarks import DIRECTION, remarks
from lavida_bench.reporting.table import MethodRow, ResultTable, format_estimate, result_table
from lavida_bench.reporting.variants import variant_details
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import ResultEntry, RunResults

LEGEND = (
    f"Shares in percent; in brackets 95 % intervals {METHOD}. Published numbers follow their own protocols and are "
    f"comparable only where the protocol is the same. {DIRECTION}"
)
SHOWN = 10  # items of a defect that are listed


def markdown(results: RunResults, name: str) -> str:
    """Write the report of a run.

    Args:
        results: Its entries.
        name: Its title.

    Returns:
        The whole text.
    """
    parts = [f"# {escape(name)}"]
    for entry in results.entries:
        parts.append("\n".join(_entry_lines(entry)))
    return "\n\n".join(parts) + "\n"


def _entry_lines(entry: ResultEntry) -> Iterator[str]:
    result = entry.result
    yield f"## {escape(result.benchmark)}: {escape(result.method)}, protocol {result.protocol}"
    yield ""
    yield f"Scored {result.coverage}."
    for warning in result.warnings:
        yield f"\n> **Warning:** {escape(warning)}"
    yield ""
    yield from markdown_table(*table_cells(result_table(entry)))
    yield f"\n{LEGEND}\n"
    found = [f"- {escape(remark)}" for remark in remarks(entry)]
    yield from [*found, ""] if found else []
    rows = _detail_rows(result)
    if rows:
        yield from markdown_table(["metric", "variant", "value", "over", "notes"], rows)
    for reason in dict.fromkeys(result.not_scored.values()):
        yield f"\nNot scored, {reason}: {', '.join(name for name, why in result.not_scored.items() if why == reason)}."
    yield ""
    yield from _provenance_lines(entry)


def _detail_rows(result: Result) -> list[list[str]]:
    """The rows of the table of all variants."""
    rows = []
    for detail in variant_details(result):
        title = f"**{detail.metric}**" if detail.official else detail.metric
        rows.append([title, detail.variant, detail.text, detail.counts, "; ".join(detail.notes)])
    return rows


def _provenance_lines(entry: ResultEntry) -> Iterator[str]:
    provenance = entry.provenance
    yield f"- protocol {entry.result.protocol}: {entry.result.protocol_text}"
    yield f"- bootstrap: {entry.result.resamples:,} resamples, seed {entry.result.seed}"
    if entry.names:
        yield f"- names given to the prompt: {escape(', '.join(entry.names))}"
    for key, value in provenance.model.items():
        yield f"- {escape(key)}: {escape(value)}"
    yield f"- data: `{escape_code(entry.data.root)}` ({entry.data.licence})"
    yield f"- command: `{escape_code(provenance.command)}`"
    versions = ", ".join(f"{package} {version}" for package, version in provenance.versions.items())
    yield f"- versions: {versions}; made {provenance.made}"
    if entry.data.defects:
        yield "\nDefects of the data:\n"
        yield from (f"    {' '.join(line.splitlines())}" for line in defect_lines(entry.data.defects))


def table_cells(table: ResultTable) -> tuple[list[str], list[list[str]]]:
    """Convert the main table to Markdown text.

    Args:
        table: The table.

    Returns:
        (head, rows) of cells.
    """
    titles = [f"{c.heading} ({c.mark})" if c.mark else c.heading for c in table.columns]
    rows = []
    for row in table.rows:
        values = (format_estimate(estimate, c.unit) for estimate, c in zip(row.cells, table.columns, strict=True))
        rows.append([_row_label(row), escape(row.protocol), *values])
    return ["method", "protocol", *titles], rows


def _row_label(row: MethodRow) -> str:
    name = f"**{escape(row.method)}**" if row.kind == "this" else escape(row.method)
    note = {"this": row.note, "baseline": "baseline", "published": f"published; {row.note}"}[row.kind]
    return f"{name} ({escape(note)})" if note else name


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write a Markdown table.

    Args:
        head: Titles of the columns.
        rows: Cells by row.

    Yields:
        The lines of the table.
    """
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def escape(text: str) -> str:
    """Make text from files or users safe for Markdown.

    Args:
        text: Any text.

    Returns:
        One line without markup.
    """
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", " ".join(text.split()))


def escape_code(text: str) -> str:
    """Make text safe between backticks.

    Args:
        text: Any text.

    Returns:
        One line without backticks.
    """
    return " ".join(text.split()).replace("`", "'")


def defect_lines(defects: Sequence[Defect]) -> Iterator[str]:
    """Describe the defects of a benchmark's files.

    Args:
        defects: The defects.

    Yields:
        For each of them: where and what it is, the videos or frames concerned, what is done about it.
    """
    for defect in defects:
        yield f"{'FATAL' if defect.fatal else 'note '}  {defect.where}: {defect.what}"
        if defect.items:
            more = f" and {len(defect.items) - SHOWN} more" if len(defect.items) > SHOWN else ""
            yield f"       {', '.join(defect.items[:SHOWN])}{more}"
        yield f"       -> {defect.action}"
