"""`lavida-gen sources`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import JSON, print_found


@click.command()
@click.argument("name", required=False)
@JSON
def command(name: str | None, as_json: bool) -> None:
    """List the sources, or say of one what to download, under which licence, how its folder must look."""
    from lavida_gen.inspection import describe

    print_found(describe.source(name) if name else describe.sources(), as_json)
