"""`lavida-gen check`."""

from __future__ import annotations

import json
import sys

import click

from lavida_gen.commands._shared import CODE, JSON, RECIPE, SET
from lavida_gen.common.text import counted


@click.command()
@RECIPE
@CODE
@SET
@JSON
def command(recipe: str, allow_code: bool, settings: tuple[str, ...], as_json: bool) -> None:
    """Find every fault of a recipe and its data: missing files, unreadable annotations. Writes nothing."""
    from lavida_gen.building.check import check_data
    from lavida_gen.config import recipe as recipes

    loaded = recipes.load(recipe, settings, allow_code)
    problems = list(check_data(loaded))
    if as_json:
        click.echo(json.dumps({"sound": not problems, "faults": problems}))
    else:
        for problem in problems:
            click.echo(problem)
        click.echo(f"recipe {loaded.name}: {'sound' if not problems else counted(len(problems), 'problem')}")
    sys.exit(1 if problems else 0)
