"""`lavida-bench scorers [NAME]`: the kinds of scorers, and how one's score is defined."""

from __future__ import annotations

import click

from lavida_bench.commands._shared import CODE, JSON, NAME, print_listing


@click.command()
@NAME
@CODE
@JSON
def command(name: str | None, allow_code: bool, as_json: bool) -> None:
    """List the scorers: LAVIDA, and the other detectors that are scored beside it.

    With a NAME: how its score is defined, what it needs, its models with size and licence, its options.
    """
    from lavida_bench.commands import _describe

    print_listing(_describe.scorer(name, allow_code) if name else _describe.scorers(), as_json)
