"""`lavida-bench benchmarks [NAME]`: what there is."""

from __future__ import annotations

import json

import click

from lavida_bench.commands._options import JSON


@click.command()
@click.argument("name", required=False)
@JSON
def command(name: str | None, as_json: bool) -> None:
    """List the benchmarks, or say of one what to download, under which licence, how its folder must look."""
    from lavida_bench.commands import _describe as describe

    told = describe.benchmark(name) if name else describe.benchmarks()
    click.echo(json.dumps(told.plain, ensure_ascii=False) if as_json else told.text)
