"""The table of an ablation: what every arm reaches, with intervals, and what it gained over the arm before, paired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from lavida_bench.evaluation.compare import Comparison, compare, open_run, shared_entries
from lavida_bench.metrics._base import Estimate
from lavida_bench.metrics._bootstrap import Difference
from lavida_bench.reporting.markdown import escape, markdown_table
from lavida_bench.reporting.table import format_estimate, in_unit, result_table
from lavida_bench.results import results_json as record
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.json_file import write_json

Arm = tuple[str, Sequence[str]]
"""Name and all exposures of an arm."""
Key = tuple[str, str]
"""Benchmark and protocol."""
LEGEND = (
    "Values with 95 % intervals by bootstrap over videos; a gain is the difference to the arm above, its interval by "
    "paired bootstrap over the same videos. **Bold**: the interval excludes 0."
)


def run_folder(out: Path, arm: str) -> Path:
    """Where an arm's run lies."""
    return out / arm / "run"


def write(name: str, about: str, arms: Sequence[Arm], out: Path, say: Callable[[str], None]) -> Path:
    """ablation.md and ablation.json; gives the path of the first. A comparison takes as long as measuring two arms."""
    sides = [open_run(str(run_folder(out, arm))) for arm, _ in arms]
    gains: list[list[Comparison]] = [[]]
    for before, now in pairwise(sides):
        pairs = shared_entries(now, before)
        say(f"compares {now.run.parent.name} with {before.run.parent.name}")
        gains.append([compare((now, mine), (before, theirs)) for mine, theirs in pairs])
    parts = [f"# Ablation {escape(name)}", escape(about)]
    rows: list[dict[str, Any]] = []
    for entry in record.read(run_folder(out, arms[0][0])).entries:
        parts += _part(entry.key[:2], arms, gains, out, rows)
    write_json(out / "ablation.json", {"arms": rows})
    write_atomic(out / "ablation.md", ("\n\n".join(part for part in parts if part) + "\n").encode())
    return out / "ablation.md"


def _part(
    key: Key, arms: Sequence[Arm], gains: Sequence[Sequence[Comparison]], out: Path, rows: list[dict[str, Any]]
) -> list[str]:
    """One benchmark under one protocol; `rows` gets its numbers."""
    lines: list[list[str]] = []
    head: list[str] = []
    for (arm, exposures), compared in zip(arms, gains, strict=True):
        made = result_table(next(one for one in record.read(run_folder(out, arm)).entries if one.key[:2] == key))
        own = next(row for row in made.rows if row.kind == "this")
        gain = next((one for one in compared if (one.benchmark, one.protocol.removesuffix(" (partial)")) == key), None)
        head = ["arm", "exposures"]
        line = [escape(arm), escape(", ".join(exposures))]
        numbers: dict[str, Any] = {}
        for column, estimate in zip(made.columns, own.cells, strict=True):
            found = None if gain is None else gain.differences.get(column.metric, {}).get(column.variant)
            head += [f"{column.title} ({column.unit})", "gain"]
            line += [format_estimate(estimate, column.unit), _gain(found, column.unit)]
            numbers[column.metric] = {
                "variant": column.variant,
                "unit": column.unit,
                "estimate": None if estimate is None else asdict(estimate),
                "gain": None if found is None else asdict(found),
            }
        lines.append(line)
        about = {"benchmark": key[0], "protocol": key[1], "arm": arm, "exposures": list(exposures)}
        rows.append(about | {"metrics": numbers})
    return [f"## {escape(key[0])}, protocol {key[1]}", "\n".join(markdown_table(head, lines)), LEGEND]


def _gain(found: Difference | None, unit: str) -> str:
    """``+1.20 [0.31, 2.04]``, bold where it is more than chance."""
    if found is None or found.value is None:
        return ""
    shown = in_unit(Estimate(found.value, found.low, found.high, 0), unit)
    assert shown.value is not None
    text = f"{'+' if shown.value > 0 else ''}{format_estimate(shown, unit)}"
    sure = found.low is not None and found.high is not None and not found.low <= 0 <= found.high
    return f"**{text}**" if sure else text
