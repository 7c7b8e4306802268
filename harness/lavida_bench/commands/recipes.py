"""`lavida-bench recipes [NAME]`: the built-in recipes of runs and ablations."""

from __future__ import annotations

import click

from lavida_bench.commands._shared import JSON, NAME, print_listing


@click.command()
@NAME
@JSON
def command(name: str | None, as_json: bool) -> None:
    """List the built-in recipes, or print one to copy and change.

    There are recipes of runs and of ablations.
    """
    from lavida_gen.inspection.describe import describe_recipe, list_recipes
    from lavida_gen.recipe_files.kinds import ABLATION, RUN

    print_listing(describe_recipe(name, RUN, ABLATION) if name else list_recipes(RUN, ABLATION), as_json)
