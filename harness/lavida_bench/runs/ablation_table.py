"""The table of an ablation: the numbers of every arm with intervals, and the paired gain over the arm before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from lavida_bench.evaluation.compare import Comparison, compare, open_run, shared_entries
from lavida_bench.metrics._base import Estimate
from lavida_bench.metrics._bootstrap import Difference
from lavida_bench.metrics._intervals import METHOD
from lavida_bench.protocols.protocol import plain_id
from lavida_bench.reporting.markdown import escape, markdown_table
from lavida_bench.reporting.table import MetricColumn, format_estimate, in_unit, result_table
from lavida_bench.results import results_json
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.json_file import write_json

Task = tuple[str, str]
"""Benchmark and protocol."""
LEGEND = (
    f"Values with 95 % intervals {METHOD}; a gain is the difference to the arm above, its interval the same over the "
    "same videos. **Bold**: the interval excludes 0."
)


@dataclass(frozen=True, slots=True)
class ArmRun:
    """A finished arm.

    Attributes:
        name: Its name.
        exposures: Names of all exposures that it has.
        run: Its run folder.
    """

    name: str
    exposures: Sequence[str]
    run: Path


def write_table(
    name: str, about: str, arms: Sequence[ArmRun], out: Path, log: Callable[[str], None], allow_code: bool = False
) -> Path:
    """Write ablation.md and ablation.json. Each comparison takes as long as measuring two arms.

    Args:
        name: The ablation's name.
        about: What it is for.
        arms: Its arms in order.
        out: Folder of the ablation.
        log: Prints a line about the progress.
        allow_code: Whether plug-ins may be named ``package.module:Class``.

    Returns:
        The path of ablation.md.

    Raises:
        DataError: The results or scores of an arm cannot be read, or the disk is full.
        UserError: Two arms have nothing in common to compare.
    """
    comparisons = [[], *_compare_neighbours(arms, log, allow_code)]
    sections = [f"# Ablation {escape(name)}", escape(about)]
    plain: list[dict[str, object]] = []
    for entry in results_json.read(arms[0].run).entries:
        task = entry.key[:2]
        rows = [_arm_row(task, arm, compared) for arm, compared in zip(arms, comparisons, strict=True)]
        table = markdown_table(rows[-1].head, [row.cells for row in rows])
        sections += [f"## {escape(task[0])}, protocol {task[1]}", "\n".join(table), LEGEND]
        plain += [row.plain for row in rows]
    write_json(out / "ablation.json", {"arms": plain})
    write_atomic(out / "ablation.md", ("\n\n".join(section for section in sections if section) + "\n").encode())
    return out / "ablation.md"


def _compare_neighbours(arms: Sequence[ArmRun], log: Callable[[str], None], allow_code: bool) -> list[list[Comparison]]:
    """Every arm but the first, compared with the one before."""
    comparisons = []
    for before, after in pairwise(arms):
        log(f"compares {after.name} with {before.name}")
        first, second = open_run(str(after.run)), open_run(str(before.run))
        pairs = shared_entries(first, second)
        comparisons.append([compare((first, a), (second, b), allow_code=allow_code) for a, b in pairs])
    return comparisons


@dataclass(frozen=True, slots=True)
class _ArmRow:
    """An arm on one benchmark under one protocol: titles of the columns, cells, the same for ablation.json."""

    head: list[str]
    cells: list[str]
    plain: dict[str, object]


def _arm_row(task: Task, arm: ArmRun, comparisons: Sequence[Comparison]) -> _ArmRow:
    entry = next(entry for entry in results_json.read(arm.run).entries if entry.key[:2] == task)
    table = result_table(entry)
    own = next(row for row in table.rows if row.kind == "this")
    comparison = next((item for item in comparisons if _task(item) == task), None)
    head, cells = ["arm", "exposures"], [escape(arm.name), escape(", ".join(arm.exposures))]
    metrics: dict[str, object] = {}
    for column, estimate in zip(table.columns, own.cells, strict=True):
        gain = None if comparison is None else _difference(comparison, column)
        head += [f"{column.title} ({column.unit})", "gain"]
        cells += [format_estimate(estimate, column.unit), _format_gain(gain, column.unit)]
        metrics[column.metric] = {
            "variant": column.variant,
            "unit": column.unit,
            "estimate": None if estimate is None else asdict(estimate),
            "gain": None if gain is None else asdict(gain),
        }
    plain: dict[str, object] = {
        "benchmark": task[0], "protocol": task[1], "arm": arm.name, "exposures": list(arm.exposures),
        "metrics": metrics,
    }  # fmt: skip
    return _ArmRow(head, cells, plain)


def _task(comparison: Comparison) -> Task:
    return comparison.benchmark, plain_id(comparison.protocol)


def _difference(comparison: Comparison, column: MetricColumn) -> Difference | None:
    return comparison.differences.get(column.metric, {}).get(column.variant)


def _format_gain(gain: Difference | None, unit: str) -> str:
    """``+1.20 [0.31, 2.04]``, bold where the interval excludes 0."""
    if gain is None or gain.value is None:
        return ""
    estimate = in_unit(Estimate(gain.value, gain.low, gain.high, 0), unit)
    assert estimate.value is not None
    text = f"{'+' if estimate.value > 0 else ''}{format_estimate(estimate, unit)}"
    significant = gain.low is not None and gain.high is not None and not gain.low <= 0 <= gain.high
    return f"**{text}**" if significant else text
