"""`lavida-bench ablate`: the effect of each exposure."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._shared import CODE, FOLDER, print_progress, progress
from lavida_gen.common.console import echo
from lavida_gen.common.extras import require


@click.command()
@click.option("--recipe", "-r", required=True, metavar="NAME|PATH", help="A built-in ablation (exposures), or a file.")
@click.option("--out", "-o", type=FOLDER, help="Folder of all arms [default: runs/NAME].")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key: run.fit.steps=200.")
@click.option("--workers", "-w", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that build.")
@CODE
def command(recipe: str, out: Path | None, settings: tuple[str, ...], workers: int, allow_code: bool) -> None:
    """Train and compare arms with more and more exposures.

    Each arm is built, trained and scored with the same budget, scenes and seeds. After a stop or a kill the same
    command continues.
    """
    from lavida_bench.runs.ablation import ablate, load

    require("torch", "ablate")  # before hours of building
    ablation = load(recipe, settings)
    folder = out or Path("runs") / ablation.name
    page = ablate(ablation, folder, workers, progress, print_progress, allow_code)
    echo(page.read_text("utf-8"))
    echo(f"table: {page}")
