"""`lavida-gen sources`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import CODE, JSON, print_listing


@click.command()
@click.argument("name", required=False)
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the sources, or show how to get one.

    With a NAME: what to download, the licence, the layout of the folder, the options in a recipe.
    """
    from lavida_gen.inspection import describe

    print_listing(describe.describe_source(name, allow_code) if name else describe.list_sources(), as_json)
