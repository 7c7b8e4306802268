"""`lavida-bench run --recipe R`: fit, score, report."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._shared import CODE, EXACT, FOLDER, RECIPE, SET, SINGLE_FILE, print_progress, progress
from lavida_gen.common.console import echo, terminal_width
from lavida_gen.common.extras import require


@click.command()
@RECIPE
@click.option("--out", "-o", type=FOLDER, help="The run folder [default: runs/NAME].")
@SET
@EXACT
@SINGLE_FILE
@CODE
def command(
    recipe: str, out: Path | None, settings: tuple[str, ...], exact: bool, single_file: bool, allow_code: bool
) -> None:
    """Train a model, score it on each benchmark, write a report.

    Stages that are finished and unchanged are skipped: after ctrl-C or a kill the same command continues.

    \b
      lavida-bench run --recipe demo
      accelerate launch --num_processes 8 -m lavida_bench run --recipe paper --out runs/paper
    """
    from lavida_bench.common.distributed import Processes
    from lavida_bench.config.recipe import load
    from lavida_bench.reporting.console import run_lines
    from lavida_bench.runs.option_hint import option_hint
    from lavida_bench.runs.run import run

    require("torch", "run")  # before benchmarks are looked through
    loaded = load(recipe, settings, option_hint, allow_code)
    if exact:
        loaded = loaded.with_exact_pixels()
    folder = out or Path("runs") / loaded.name
    page = run(loaded, folder, progress, print_progress, single_file)
    if Processes.current().first:
        for line in run_lines(folder, terminal_width()):
            echo(line)
        echo(f"summary: {folder / 'README.md'}\nreport: {page}")
