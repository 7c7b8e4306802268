"""`lavida-bench check BENCHMARK`: the files of a benchmark against what they should hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_bench.commands._options import BENCHMARK, CODE, JSON, ROOT, SET, parse_settings, progress
from lavida_gen.common.text import text_table

if TYPE_CHECKING:
    from lavida_bench.benchmarks._check import CheckReport


@click.command()
@BENCHMARK
@ROOT
@SET
@click.option("--quick", is_flag=True, help="Count frames without decoding them: broken ones are not found.")
@CODE
@JSON
def command(
    benchmark: str, root: Path | None, settings: tuple[str, ...], quick: bool, allow_code: bool, as_json: bool
) -> None:
    """Compare the files of a BENCHMARK with what they should hold, and list every defect and what is done about it.

    Every frame and mask is decoded. Exit code 1 if the official number can not be computed from the files: counts that
    differ from the expected ones, or a defect marked FATAL. Notes alone (clamped ends, a repeated frame) give 0.
    """
    from lavida_bench.benchmarks import _base as room
    from lavida_bench.benchmarks._check import check

    opened = room.make(benchmark, root, parse_settings(settings), allow_code)
    expected = opened.expected
    with progress(expected.frames if expected else None, f"check {benchmark}") as advance:
        report = check(opened, decode=not quick, advance=advance)
    if as_json:
        click.echo(json.dumps(report.plain(), ensure_ascii=False))
    else:
        _print(report)
    sys.exit(0 if report.official else 1)


def _print(report: CheckReport) -> None:
    from dataclasses import fields

    from lavida_bench.commands._describe import verdict
    from lavida_bench.reporting.markdown import defect_lines

    rows = []
    for name in (field.name for field in fields(report.found)):
        cells = [getattr(one, name, None) for one in (report.expected, report.annotated, report.found)]
        mark = "differs" if name in report.differences() else ""
        rows.append([name.replace("_", " "), *("-" if cell is None else f"{cell:,}" for cell in cells), mark])
    click.echo(text_table(rows, ["", "expected", "annotated", "found", ""]))
    for line in defect_lines(report.defects):
        click.echo(line)
    click.echo(verdict(report))
