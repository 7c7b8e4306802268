"""`lavida-bench benchmarks [NAME]`: the benchmarks, and how to get one."""

from __future__ import annotations

import click

from lavida_bench.commands._shared import CODE, JSON, NAME, print_listing


@click.command()
@NAME
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the benchmarks, or show how to get one.

    With a NAME: what to download, the licence, the layout of the folder, the options.
    """
    from lavida_bench.commands import _describe

    print_listing(_describe.benchmark(name, allow_code) if name else _describe.benchmarks(), as_json)
