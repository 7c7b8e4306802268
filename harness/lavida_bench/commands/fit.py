"""`lavida-bench fit`: fit a model on corpora."""

from __future__ import annotations

from pathlib import Path

import click

from lavida_bench.commands._shared import CODE, FOLDER, JSON, RECIPE, SET
from lavida_gen.common.console import echo, echo_json
from lavida_gen.common.json_file import read_json_object


@click.command()
@RECIPE
@click.option("--out", "-o", type=FOLDER, help="The fit's folder [default: fits/NAME].")
@SET
@CODE
@JSON
def command(recipe: str, out: Path | None, settings: tuple[str, ...], allow_code: bool, as_json: bool) -> None:
    """Train the model of a recipe on its corpora.

    After ctrl-C or a kill the same command continues from the last checkpoint, with the same losses as without the
    stop. A finished fit is left unchanged. With several processes:

    \b
      accelerate launch --num_processes 4 -m lavida_bench fit --recipe paper --out fits/paper
      torchrun --nproc_per_node 4 -m lavida_bench fit --recipe paper --out fits/paper
    """
    from lavida_bench.config import recipe as recipes
    from lavida_bench.runs.option_hint import option_hint
    from lavida_bench.runs.stages import holds_run
    from lavida_gen.common.errors import UserError, problem
    from lavida_gen.storage.output_folder import make_output_folder

    loaded = recipes.load(recipe, settings, option_hint, allow_code)
    if loaded.fit is None:
        raise UserError(f"recipe {loaded.name!r} has no `fit`; expected how to fit its model")
    target = out or Path("fits") / loaded.name
    if holds_run(target):
        inner = f"its fit is in {target / 'fit'}; " if (target / "fit").is_dir() else ""
        raise UserError(problem(target, "holds a run", todo=f"{inner}give another --out"))
    make_output_folder(target)
    from lavida_bench.fitting.trainer import fit

    model = fit(loaded, target, (lambda message: None) if as_json else echo)
    if as_json:
        facts = read_json_object(target / "fit.json")
        echo_json({"out": str(target), "model": str(model), **facts})
