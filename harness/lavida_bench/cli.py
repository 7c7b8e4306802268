"""The command `lavida-bench`: one verb a file in commands/, each imported when it is called or listed."""

from __future__ import annotations

import importlib
from typing import Any

import click

from lavida.errors import LavidaError
from lavida_gen import __version__
from lavida_gen.errors import LavidaGenError
from lavida_gen.plugins import names

PACKAGE = "lavida_bench.commands"


class _Group(click.Group):
    """Finds verbs by file name; turns our errors into one message and their exit code, tracebacks only with --debug."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, sorted."""
        return [name.replace("_", "-") for name in names(PACKAGE)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of commands/CMD_NAME.py, None if there is no such file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{PACKAGE}.{cmd_name.replace('-', '_')}")
        found: click.Command = module.command
        found.name = cmd_name
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (LavidaGenError, LavidaError) as error:
            if ctx.params.get("debug"):
                raise
            click.secho(f"error: {error}", fg="red", err=True)
            ctx.exit(error.exit_code if isinstance(error, LavidaGenError) else 1)
        except KeyboardInterrupt:
            if ctx.params.get("debug"):
                raise
            click.echo("\nstopped", err=True)
            ctx.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="lavida-bench")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Score video anomaly detection on benchmarks that can be trusted.

    \b
    Begin here (needs no download):
      lavida-bench check street
    Then real data:
      lavida-bench benchmarks ucf_crime        what to download, how the folder must look
      lavida-bench check ucf_crime --root /data/ucf_crime
    """
