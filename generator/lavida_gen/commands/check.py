"""`lavida-gen check`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import CODE, JSON, RECIPE, SET, print_problems
from lavida_gen.common.text import counted


@click.command()
@RECIPE
@CODE
@SET
@JSON
def command(recipe: str, allow_code: bool, settings: tuple[str, ...], as_json: bool) -> None:
    """Find all problems of a recipe and its data.

    It opens every source and reports missing files and unreadable annotations. It writes nothing.
    """
    from lavida_gen.building.check import check_data
    from lavida_gen.config import recipe as recipes

    loaded = recipes.load(recipe, settings, allow_code)
    problems = list(check_data(loaded))
    verdict = counted(len(problems), "problem") if problems else "sound"
    print_problems(problems, f"recipe {loaded.name}: {verdict}", as_json)
