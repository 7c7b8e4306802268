"""`lavida-bench check BENCHMARK`: compare the files of a benchmark with what they should hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_bench.commands._shared import BENCHMARK, CODE, JSON, OPTION, ROOT, parse_settings, progress
from lavida_gen.common.console import echo, echo_json, terminal_width
from lavida_gen.common.text import text_table

if TYPE_CHECKING:
    from lavida_bench.benchmarks._check import CheckReport


@click.command()
@BENCHMARK
@ROOT
@OPTION
@click.option("--quick", is_flag=True, help="Count frames without decoding them: broken ones are not found.")
@CODE
@JSON
def command(
    benchmark: str, root: Path | None, settings: tuple[str, ...], quick: bool, allow_code: bool, as_json: bool
) -> None:
    """Compare a benchmark's files with the official test split.

    It lists every defect and what is done about it. Every frame and mask is decoded. Exit code 1 if the official number
    cannot be computed from the files: counts that differ from the expected ones, or a defect marked FATAL. Notes alone
    (clamped ends, a repeated frame) give 0.
    """
    from lavida_bench.benchmarks._check import check
    from lavida_bench.benchmarks._gate import keep
    from lavida_bench.benchmarks._label_pack import open_benchmark

    opened = open_benchmark(benchmark, root, parse_settings(settings), allow_code)
    expected = opened.expected
    with progress(expected.frames if expected else None, f"check {benchmark}") as advance:
        report = check(opened, decode=not quick, advance=advance)
    if report.decoded:
        keep(opened, report)
    if as_json:
        echo_json(report.plain())
    else:
        _print_report(report)
    sys.exit(0 if report.official else 1)


def _print_report(report: CheckReport) -> None:
    from dataclasses import fields

    from lavida_bench.commands._describe import verdict
    from lavida_bench.reporting.markdown import defect_lines

    rows = []
    differences = report.differences()
    for name in (field.name for field in fields(report.found)):
        counts = [getattr(size, name, None) for size in (report.expected, report.annotated, report.found)]
        cells = ["-" if count is None else f"{count:,}" for count in counts]
        rows.append([name.replace("_", " "), *cells, "differs" if name in differences else ""])
    echo(text_table(rows, ["", "expected", "annotated", "found", ""], terminal_width()))
    for line in defect_lines(report.defects):
        echo(line)
    echo(verdict(report))
