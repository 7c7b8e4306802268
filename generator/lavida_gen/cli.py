"""The command `lavida-gen`. Each verb lies in `commands/VERB.py` and imports what it needs when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

from lavida_gen import __version__, plugins
from lavida_gen.errors import LavidaGenError

COMMANDS = "lavida_gen.commands"


class _Group(click.Group):
    """Finds verbs by file name; turns our errors into one message and their exit code, tracebacks only with --debug."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(plugins.names(COMMANDS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in plugins.names(COMMANDS):
            return None
        command: click.Command = importlib.import_module(f"{COMMANDS}.{cmd_name}").command
        command.name = cmd_name
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LavidaGenError as error:
            if ctx.params.get("debug"):
                raise
            click.secho(f"error: {error}", fg="red", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            if ctx.params.get("debug"):
                raise
            click.echo("\nstopped; what is finished is kept: the same command goes on", err=True)
            ctx.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="lavida-gen")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Make pseudo-anomaly corpora for video anomaly detection out of segmentation data sets.

    \b
    Begin here (needs no download):
      lavida-gen build --recipe street --out corpora/street
      lavida-gen preview corpora/street
    Then your own data:
      lavida-gen sources coco          what to download, how the folder must look
      lavida-gen check --recipe coco --set sources.0.root=/data/coco
      lavida-gen build --recipe coco --set sources.0.root=/data/coco --out corpora/coco
    """
