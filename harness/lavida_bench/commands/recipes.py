"""`lavida-bench recipes [NAME]`: what there is to begin with."""

from __future__ import annotations

import json

import click

from lavida_bench.commands._options import JSON


@click.command()
@click.argument("name", required=False)
@JSON
def command(name: str | None, as_json: bool) -> None:
    """List the built-in recipes of runs and ablations, or print one, to copy and change."""
    from lavida_gen.inspection import describe
    from lavida_gen.recipe_files.kinds import ABLATION, RUN

    told = describe.describe_recipe(name, RUN, ABLATION) if name else describe.list_recipes(RUN, ABLATION)
    click.echo(json.dumps(told.plain, ensure_ascii=False) if as_json else told.text)
