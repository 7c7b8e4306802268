"""`lavida-gen exposures`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import JSON, print_found


@click.command()
@click.argument("name", required=False)
@JSON
def command(name: str | None, as_json: bool) -> None:
    """List the exposures, or tell of one what it does and its options."""
    from lavida_gen.inspection import describe

    print_found(describe.exposure(name) if name else describe.exposures(), as_json)
