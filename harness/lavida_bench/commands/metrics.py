"""`lavida-bench metrics [NAME]`: the metrics, and how one is defined."""

from __future__ import annotations

import click

from lavida_bench.commands._shared import CODE, JSON, NAME, print_listing


@click.command()
@NAME
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the metrics, or show how one is defined."""
    from lavida_bench.commands import _describe

    print_listing(_describe.metric(name, allow_code) if name else _describe.metrics(), as_json)
