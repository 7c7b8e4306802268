"""The leaderboard: published numbers and own runs, a table for each benchmark, metric and protocol.

Protocols are never mixed: a table has one. Where it is one of ours its rows have ranks, without smoothed scores and
scores of a part of the benchmark; numbers that their authors computed by protocols of their own stand together without
ranks, because nobody can know that they are comparable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.reporting.html_page import fill
from lavida_bench.reporting.leaderboard_rows import LeaderboardRow, own_rows, published_rows, run_titles
from lavida_bench.reporting.markdown import escape, markdown_table
from lavida_bench.reporting.table import TITLES, metric_title
from lavida_bench.results import results_json
from lavida_bench.results.published import OWN_PROTOCOL, published_numbers
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import UserError, problem, unknown_name
from lavida_gen.common.text import text_table

STEM = "leaderboard"
HEAD = ("#", "method", "%", "learned from", "data", "smoothing", "note", "read in")
NO_ORDER = "without ranks: each number is by its authors' own protocol, frames, smoothing and normalisation"


@dataclass(frozen=True, slots=True)
class LeaderboardTable:
    """The numbers of one benchmark, metric and protocol.

    Attributes:
        benchmark: Name of the benchmark.
        title: Its title for people.
        metric: The metric, with its variant unless it is the micro average.
        protocol: name/version, or `OWN_PROTOCOL`.
        ranked: Whether the rows that can be compared have ranks.
        rows: The highest number first; in a table with ranks those without one (smoothed, of a part) after the others.
    """

    benchmark: str
    title: str
    metric: str
    protocol: str
    ranked: bool
    rows: tuple[LeaderboardRow, ...]

    @property
    def heading(self) -> str:
        """``UCF-Crime: frame AUC, protocol paper/2``."""
        return f"{self.title}: {self.metric}, protocol {'of its authors' if not self.ranked else self.protocol}"


def known_benchmarks() -> tuple[str, ...]:
    """Names of all benchmarks with a published number, this project's first."""
    found = {name for method in published_numbers().methods for name in method.values}
    own = [name for name in benchmarks.known() if name in found]
    return (*own, *(name for name in published_numbers().benchmarks if name in found))


def tables(benchmark: str | None = None, group: str | None = None, runs: Sequence[Path] = ()) -> list[LeaderboardTable]:
    """Make the tables.

    Args:
        benchmark: Only this one; None = those of the runs, or all without runs.
        group: Only published methods of this group; own runs are always shown.
        runs: Run folders whose numbers join.

    Returns:
        The tables, by benchmark, metric and protocol, named protocols before the authors' own.

    Raises:
        UserError: The benchmark is unknown, or neither a paper nor a run has a number on it.
        DataError: A run folder has no results, or they cannot be read.
    """
    entries = [(title, entry) for run, title in run_titles(runs).items() for entry in results_json.read(run).entries]
    measured = dict.fromkeys(entry.result.benchmark for _, entry in entries)
    names = list(dict.fromkeys([*known_benchmarks(), *measured]))
    if benchmark is not None and benchmark not in names:
        raise UserError(_no_number(benchmark, names))
    chosen = {benchmark} if benchmark is not None else set(measured if runs else names)
    found: dict[tuple[str, str, str], list[LeaderboardRow]] = {}
    for method in published_numbers().methods:
        if group is None or method.group == group:
            for name, metric, row in published_rows(method):
                found.setdefault((name, metric, method.protocol), []).append(row)
    for title, entry in entries:
        for metric, row in own_rows(title, entry):
            found.setdefault((entry.result.benchmark, metric, entry.result.protocol), []).append(row)
    made = [_table(*key, rows) for key, rows in found.items() if key[0] in chosen]
    return sorted(made, key=lambda t: (names.index(t.benchmark), _place(t.metric), not t.ranked, t.protocol))


def _no_number(benchmark: str, names: Sequence[str]) -> str:
    """Why there is no table of a benchmark."""
    if benchmark not in benchmarks.known():
        return unknown_name("benchmark", benchmark, [*names, *benchmarks.known()])
    todo = "give --run RUN with results on it"
    return problem(f"benchmark {benchmark!r}", "known, but no published number is on it", todo=todo)


def _once(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Rows that differ only in their source as one with all sources: entries and runs have the same baselines."""
    sources: dict[LeaderboardRow, list[str]] = {}
    for row in rows:
        sources.setdefault(replace(row, source=""), []).append(row.source)
    return [replace(row, source="; ".join(dict.fromkeys(where))) for row, where in sources.items()]


def _table(benchmark: str, metric: str, protocol: str, rows: Sequence[LeaderboardRow]) -> LeaderboardTable:
    ranked = protocol != OWN_PROTOCOL
    ordered = sorted(_once(rows), key=lambda row: (-row.value, row.method))
    if ranked:
        compared = _comparable(ordered)
        ordered = [replace(row, rank=1 + sum(other.value > row.value for other in compared)) for row in compared] + [
            row for row in ordered if row not in compared
        ]
    title = published_numbers().benchmarks.get(benchmark, "")
    if benchmark in benchmarks.known():
        title = benchmarks.find_class(benchmark).about.title
    return LeaderboardTable(benchmark, title or benchmark, _title(metric), protocol, ranked, tuple(ordered))


def _comparable(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """The rows that compete: scores that are not smoothed, of the whole benchmark or all of the same part of it."""
    raw = [row for row in rows if not row.smoothing]
    parts = {row.part for row in raw}
    return raw if len(parts) == 1 else [row for row in raw if not row.part]


def _title(metric: str) -> str:
    name, _, variant = metric.partition("/")
    title = published_numbers().metrics.get(name) or metric_title(name)
    return f"{title}, {variant}" if variant else title


def _place(title: str) -> int:
    """The place of a metric's title in the order of all tables; variants after their metric."""
    titles = list(TITLES.values())
    name = title.partition(", ")[0]
    return 2 * (titles.index(name) if name in titles else len(titles)) + (", " in title)


def cells(table: LeaderboardTable) -> list[list[str]]:
    """The rows of a table as text, in the order of `HEAD`.

    Args:
        table: The table.
    """
    return [
        ["" if row.rank is None else str(row.rank), row.method, row.text, row.group or ("own run" if row.own else ""),
         row.training, row.smoothing, row.note, row.source]
        for row in table.rows
    ]  # fmt: skip


def lines(found: Sequence[LeaderboardTable], width: int | None) -> Iterator[str]:
    """The tables for a terminal.

    Args:
        found: The tables.
        width: Columns of the terminal; None = no limit.

    Yields:
        Lines.
    """
    for table in found:
        yield from ["", table.heading, *([] if table.ranked else [NO_ORDER])]
        yield from text_table([row[:-1] for row in cells(table)], HEAD[:-1], width, 2).splitlines()
    yield ""
    yield "--out DIR writes every number with the place where it was read."


def markdown(found: Sequence[LeaderboardTable]) -> str:
    """The tables as Markdown.

    Args:
        found: The tables.
    """
    parts = ["# Leaderboard", "", f"Percent. Tables of authors' own protocols are {NO_ORDER}."]
    for table in found:
        rows = [[escape(cell) for cell in row] for row in cells(table)]
        parts += ["", f"## {escape(table.heading)}", "", *markdown_table(HEAD, rows)]
    return "\n".join(parts) + "\n"


def write(folder: Path, found: Sequence[LeaderboardTable]) -> Path:
    """Write leaderboard.json, .md and .html.

    Args:
        folder: Where; it exists.
        found: The tables.

    Returns:
        The HTML page.

    Raises:
        DataError: The disk is full.
    """
    plain = [asdict(table) for table in found]
    write_atomic(folder / f"{STEM}.json", json.dumps({"tables": plain}, indent=2, ensure_ascii=False).encode())
    write_atomic(folder / f"{STEM}.md", markdown(found).encode())
    shown = [
        {"heading": table.heading, "note": "" if table.ranked else NO_ORDER, "own": [row.own for row in table.rows],
         "rows": cells(table)}
        for table in found
    ]  # fmt: skip
    page = folder / f"{STEM}.html"
    write_atomic(page, fill("leaderboard.html", "Leaderboard", {"head": HEAD, "tables": shown}).encode())
    return page
