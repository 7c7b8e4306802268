"""`lavida-gen sources`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import CODE, JSON, print_found


@click.command()
@click.argument("name", required=False)
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the sources, or say of one what to download, under which licence, how its folder must look."""
    from lavida_gen.inspection import describe

    print_found(describe.describe_source(name, allow_code) if name else describe.list_sources(), as_json)
