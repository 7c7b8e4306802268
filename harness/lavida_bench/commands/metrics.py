"""`lavida-bench metrics [NAME]`: what is computed, and what of."""

from __future__ import annotations

import json

import click

from lavida_bench.commands._options import CODE, JSON


@click.command()
@click.argument("name", required=False)
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the metrics, or tell of one how it is defined and which variants it has."""
    from lavida_bench.commands import _describe as describe

    told = describe.metric(name, allow_code) if name else describe.metrics()
    click.echo(json.dumps(told.plain, ensure_ascii=False) if as_json else told.text)
