"""`lavida-gen recipes`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import JSON, print_listing


@click.command()
@click.argument("name", required=False)
@JSON
def command(name: str | None, as_json: bool) -> None:
    """List the built-in recipes, or print one to copy and change."""
    from lavida_gen.inspection import describe

    print_listing(describe.describe_recipe(name) if name else describe.list_recipes(), as_json)
