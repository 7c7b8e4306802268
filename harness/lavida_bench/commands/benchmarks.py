"""`lavida-bench benchmarks [NAME]`: what there is."""

from __future__ import annotations

import json

import click

from lavida_bench.commands._options import CODE, JSON


@click.command()
@click.argument("name", required=False)
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the benchmarks, or say of one what to download, under which licence, how its folder must look."""
    from lavida_bench.commands import _describe as describe

    told = describe.benchmark(name, allow_code) if name else describe.benchmarks()
    click.echo(json.dumps(told.plain, ensure_ascii=False) if as_json else told.text)
