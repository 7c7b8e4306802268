"""`lavida-gen exposures`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import CODE, JSON, print_listing


@click.command()
@click.argument("name", required=False)
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the exposures, or print what one does and its options."""
    from lavida_gen.inspection import describe

    print_listing(describe.describe_exposure(name, allow_code) if name else describe.list_exposures(), as_json)
