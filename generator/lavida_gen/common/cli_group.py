"""A command whose verbs are files: `build` is `commands/build.py`, imported when it is called or listed."""

from __future__ import annotations

import importlib
from typing import Any

import click

from lavida_gen.common import plugins

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
STOPPED = "stopped; what is finished is kept: the same command goes on"


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().params["debug"] = True


DEBUG = click.Option(["--debug"], is_flag=True, expose_value=False, callback=_debug, help="Show tracebacks.")
"""Of every verb, for people write it at the end; the command itself takes it before the verb."""


class CommandGroup(click.Group):
    """Finds verbs by file name; turns our errors into one message and their exit code, tracebacks only with --debug.

    `errors` are those that a user can mend; their `exit_code`, else 1, is the command's.
    """

    def __init__(self, *args: Any, package: str, errors: tuple[type[Exception], ...], **more: Any) -> None:
        super().__init__(*args, **more)
        self.package, self.errors = package, errors

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, sorted."""
        return [name.replace("_", "-") for name in plugins.names(self.package)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of the verb's file, None if there is no such file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = importlib.import_module(f"{self.package}.{cmd_name.replace('-', '_')}").command
        found.name = cmd_name
        if DEBUG not in found.params:
            found.params.append(DEBUG)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """The verb's work."""
        try:
            return super().invoke(ctx)
        except self.errors as error:
            if ctx.params.get("debug"):
                raise
            click.secho(f"error: {error}", fg="red", err=True)
            ctx.exit(getattr(error, "exit_code", 1))
        except (OSError, MemoryError) as error:  # of the machine, not of ours: a path too long, a device gone
            if ctx.params.get("debug") or isinstance(error, BrokenPipeError):
                raise
            place = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
            words = getattr(error, "strerror", None) or str(error) or "out of memory"
            click.secho(f"error: {place}{words}; --debug shows where", fg="red", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            if ctx.params.get("debug"):
                raise
            click.echo(f"\n{STOPPED}", err=True)
            ctx.exit(130)
