"""`lavida-bench leaderboard [BENCHMARK]`: published numbers, each with where it was read, and own runs beside them."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._shared import FOLDER, JSON, PATH
from lavida_gen.common.console import echo, echo_json, terminal_width

GROUPS = ("zero-shot", "prompts", "instruction", "weak", "supervised", "one-class")


@click.command()
@click.argument("benchmark", required=False)
@click.option("--group", type=click.Choice(GROUPS), help="Only published methods that learn from this.")
@click.option("--run", "runs", multiple=True, type=PATH, metavar="RUN", help="A run whose numbers join. Several times.")
@click.option("--out", "-o", type=FOLDER, help="Folder for leaderboard.html, .md and .json.")
@JSON
def command(benchmark: str | None, group: str | None, runs: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Published numbers on a BENCHMARK (or all) by protocol, with training data, smoothing and source.

    Each table is of one protocol. Only a named protocol gives ranks: by their authors' own protocols numbers cannot be
    compared. --run adds your runs under the protocol that they were measured with, smoothed scores without ranks.
    Without a BENCHMARK it shows those of the runs alone.

    \b
      lavida-bench leaderboard ucsd_ped2
      lavida-bench leaderboard ubnormal --group zero-shot --run runs/mine --out board
    """
    from dataclasses import asdict

    from lavida_bench.reporting import leaderboard
    from lavida_gen.storage.output_folder import make_output_folder

    found = leaderboard.tables(benchmark, group, runs)
    page = leaderboard.write(make_output_folder(out), found) if out is not None else None
    if as_json:
        echo_json({"tables": [asdict(table) for table in found]})
        return
    if benchmark is not None or runs or page is None:
        for line in leaderboard.lines(found, terminal_width()):
            echo(line)
    if page is not None:
        echo(f"leaderboard: {page}")
