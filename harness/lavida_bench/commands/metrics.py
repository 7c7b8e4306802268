"""`lavida-bench metrics [NAME]`: what is computed, and what of."""

from __future__ import annotations

import json

import click

from lavida_bench.commands._options import JSON


@click.command()
@click.argument("name", required=False)
@JSON
def command(name: str | None, as_json: bool) -> None:
    """List the metrics, or tell of one how it is defined and which variants it has."""
    from lavida_bench.commands import _describe as describe

    told = describe.metric(name) if name else describe.metrics()
    click.echo(json.dumps(told.plain, ensure_ascii=False) if as_json else told.text)
