"""`lavida-gen sources`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import CODE, JSON, print_listing


@click.command()
@click.argument("name", required=False)
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the sources, or print what to download for one, its licence, and the layout of its folder."""
    from lavida_gen.inspection import describe

    print_listing(describe.describe_source(name, allow_code) if name else describe.list_sources(), as_json)
