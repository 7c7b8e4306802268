"""The leaderboard: published numbers and own runs, a table for each benchmark, metric and protocol.

Protocols are never mixed: a table has one. Where it is one of ours its rows have ranks; numbers that their authors
computed by protocols of their own stand together without ranks, because nobody can know that they are comparable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.metrics._base import MetricResult
from lavida_bench.reporting.html_page import fill
from lavida_bench.reporting.markdown import escape, markdown_table
from lavida_bench.reporting.table import TITLES, format_estimate, in_unit, metric_title
from lavida_bench.results import results_json
from lavida_bench.results.published import GROUPS, OWN_PROTOCOL, PublishedMethod, published_numbers
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import ResultEntry
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import UserError, unknown_name
from lavida_gen.common.text import text_table

STEM = "leaderboard"
HEAD = ("#", "method", "%", "learned from", "data", "smoothing", "note", "read in")
NO_ORDER = "without ranks: each number is by its authors' own protocol, frames, smoothing and normalisation"
BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One number.

    Attributes:
        rank: From 1; None in a table without order.
        method: The method's name.
        value: In percent.
        text: The same, with its 95 % interval if it is known.
        group: What the method has learned from, in words; "" for an own run.
        training: On which data.
        smoothing: Of scores over time, and normalisation of each video.
        note: What else a reader needs to know.
        source: Where it was read: paper and table, repository and file, or the run's folder.
        own: Whether it is of an own run.
    """

    rank: int | None
    method: str
    value: float
    text: str
    group: str
    training: str
    smoothing: str
    note: str
    source: str
    own: bool


@dataclass(frozen=True, slots=True)
class LeaderboardTable:
    """The numbers of one benchmark, metric and protocol.

    Attributes:
        benchmark: Name of the benchmark.
        title: Its title for people.
        metric: The metric, with its variant unless it is the micro average.
        protocol: name/version, or `OWN_PROTOCOL`.
        ranked: Whether the rows have ranks.
        rows: The highest number first.
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
        benchmark: Only this one; None = all.
        group: Only published methods of this group; own runs are always shown.
        runs: Run folders whose numbers join.

    Returns:
        The tables, by benchmark, metric and protocol, named protocols before the authors' own.

    Raises:
        UserError: The benchmark is unknown.
        DataError: A run folder has no results, or they cannot be read.
    """
    entries = [(run, entry) for run in runs for entry in results_json.read(run).entries]
    names = [*known_benchmarks(), *(entry.result.benchmark for _, entry in entries)]
    names = list(dict.fromkeys(names))
    if benchmark is not None and benchmark not in names:
        raise UserError(unknown_name("benchmark", benchmark, names))
    cells: dict[tuple[str, str, str], list[LeaderboardRow]] = {}
    for method in published_numbers().methods:
        if group is None or method.group == group:
            for name, metric, row in _published(method):
                cells.setdefault((name, metric, method.protocol), []).append(row)
    for run, entry in entries:
        for metric, row in _own(run, entry):
            rows = cells.setdefault((entry.result.benchmark, metric, entry.result.protocol), [])
            if row not in rows:  # each entry of a run has the same baselines
                rows.append(row)
    made = [_table(*key, rows) for key, rows in cells.items() if (benchmark is None or key[0] == benchmark)]
    return sorted(made, key=lambda t: (names.index(t.benchmark), _place(t.metric), not t.ranked, t.protocol))


def _published(method: PublishedMethod) -> Iterator[tuple[str, str, LeaderboardRow]]:
    """(benchmark, metric, row) of each number of a published method."""
    smoothing = ", ".join(part for part in (method.smoothing, method.normalisation) if part)
    name = f"{method.method} ({method.year})" if method.year else method.method
    where = published_numbers().where(method)
    for benchmark, values in method.values.items():
        for metric, value in values.items():
            row = LeaderboardRow(
                None, name, value, f"{value:.2f}", GROUPS[method.group], method.training, smoothing, method.note, where,
                own=False,
            )  # fmt: skip
            yield benchmark, metric, row


def _own(run: Path, entry: ResultEntry) -> Iterator[tuple[str, LeaderboardRow]]:
    """(metric, row) of each share of an own run, of its baselines and its smoothed scores."""
    fitted = entry.provenance.model.get("fitted on", "")
    seen = published_numbers().methods
    wanted = {metric for method in seen for metric in method.values.get(entry.result.benchmark, ())}
    wanted |= set(entry.result.quoted)
    results: list[tuple[Result, str, str]] = [(entry.result, "", "")]
    if entry.result.smoothed is not None:
        sigma = f"Gaussian, sigma {entry.result.smoothing:g} frames"
        results.append((entry.result, sigma, ""))
    results += [(baseline, "", BASELINE) for baseline in entry.baselines]
    for result, smoothing, note in results:
        metrics = result.smoothed if smoothing and result.smoothed is not None else result.metrics
        for metric, (value, text) in _shares(metrics.values(), wanted):
            data = fitted if not note else "none"
            yield (
                metric,
                LeaderboardRow(None, result.method, value, text, "", data, smoothing, note, str(run), own=True),
            )


def _shares(metrics: Iterable[MetricResult], wanted: set[str]) -> Iterator[tuple[str, tuple[float, str]]]:
    for metric in metrics:
        for variant, estimate in metric.variants.items():
            name = metric.name if variant == next(iter(metric.variants)) else f"{metric.name}/{variant}"
            if not metric.unit and estimate.value is not None and name in wanted:
                percent = in_unit(estimate, "%")
                yield name, (float(percent.value or 0.0), format_estimate(percent, "%"))


def _table(benchmark: str, metric: str, protocol: str, rows: Sequence[LeaderboardRow]) -> LeaderboardTable:
    ranked = protocol != OWN_PROTOCOL
    ordered = sorted(rows, key=lambda row: (-row.value, row.method))
    if ranked:
        ordered = [replace(row, rank=1 + sum(other.value > row.value for other in rows)) for row in ordered]
    title = published_numbers().benchmarks.get(benchmark, "")
    if benchmark in benchmarks.known():
        title = benchmarks.find_class(benchmark).about.title
    return LeaderboardTable(benchmark, title or benchmark, _title(metric), protocol, ranked, tuple(ordered))


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
