"""The command `lavida-gen`. Each subcommand is a file in `commands/` and imports what it needs when it is called."""

from __future__ import annotations

import click

from lavida_gen import __version__
from lavida_gen.common.cli_group import CONTEXT, CommandGroup
from lavida_gen.common.errors import LavidaGenError

COMMANDS = "lavida_gen.commands"


@click.group(cls=CommandGroup, package=COMMANDS, errors=(LavidaGenError,), context_settings=CONTEXT)
@click.version_option(__version__, prog_name="lavida-gen")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Make pseudo-anomaly corpora for video anomaly detection from segmentation data sets.

    \b
    Start here (needs no download):
      lavida-gen build --recipe street --out corpora/street
      lavida-gen preview corpora/street
    Then your own data:
      lavida-gen sources coco          what to download, layout of its folder
      lavida-gen check --recipe coco --set sources.0.root=/data/coco
      lavida-gen build --recipe coco --set sources.0.root=/data/coco --out corpora/coco
    """
