"""`lavida-gen merge`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import JSON, MIXED, print_built


@click.command()
@click.argument("out", metavar="CORPUS")
@click.argument("parts", metavar="[PART]...", nargs=-1)
@MIXED
@JSON
def command(out: str, parts: tuple[str, ...], mixed_toolchain: bool, as_json: bool) -> None:
    """Finish a corpus that was built in parts.

    `lavida-gen build --shards A:B` makes a part. The parts are in CORPUS already, or in other folders or URLs, from
    which they are copied. No data set is needed. The corpus has the same bytes as one that was built at once.
    """
    from lavida_gen.building.merge import merge_parts

    print_built(out, merge_parts(out, parts, mixed_toolchain), as_json)
