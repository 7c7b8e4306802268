"""A click group whose subcommands are files: `build` is `commands/build.py`, imported when it is called or listed."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import click

from lavida_gen.common import plugins
from lavida_gen.common.console import echo
from lavida_gen.common.errors import unknown_name
from lavida_gen.common.extras import explain, require_posix
from lavida_gen.processes.signals import terminable

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
STOPPED = "stopped; finished work is kept: run the same command again to continue"


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().params["debug"] = True


DEBUG = click.Option(["--debug"], is_flag=True, expose_value=False, callback=_debug, help="Show tracebacks.")
"""An option of every subcommand, since people append it to the line; the group takes it before the subcommand too."""


class CommandGroup(click.Group):
    """Finds subcommands by file name and prints errors as one message; tracebacks only with --debug."""

    def __init__(
        self,
        name: str | None = None,
        *,
        package: str,
        errors: tuple[type[Exception], ...],
        callback: Callable[..., object] | None = None,
        params: list[click.Parameter] | None = None,
        help: str | None = None,
        context_settings: dict[str, object] | None = None,
    ) -> None:
        """Make the group; `click.group(cls=CommandGroup, ...)` passes the arguments that are not listed here.

        Args:
            name: Name of the group.
            package: Dotted name of the package whose modules each define a click command called `command`.
            errors: Exceptions that a user can fix. Their attribute `exit_code`, or 1, becomes the exit code.
            callback: Function that runs before the subcommand.
            params: Options of the group.
            help: Text of --help.
            context_settings: Settings of click's context.
        """
        super().__init__(name, callback=callback, params=params, help=help, context_settings=context_settings)
        self.package, self.errors = package, errors

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all subcommands, sorted."""
        return [name.replace("_", "-") for name in plugins.built_in(self.package)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of a subcommand's file, None if there is no such file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{self.package}.{cmd_name.replace('-', '_')}").command
        command.name = cmd_name
        if DEBUG not in command.params:
            command.params.append(DEBUG)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The subcommand that the arguments name; a misspelt one is an error that suggests the right one."""
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            ctx.fail(f"{unknown_name('command', args[0], known)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand; see the class for its errors. Ctrl-C and SIGTERM end it with one line."""
        with terminable() as signals:
            try:
                return self._invoke(ctx)
            except KeyboardInterrupt as error:
                if ctx.params.get("debug"):
                    raise
                echo(f"\n{STOPPED}", err=True)
                ctx.exit(signals.exit_code(error))

    def _invoke(self, ctx: click.Context) -> object:
        try:
            require_posix()
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            settings = error.ctx is not None and any("--set" in option.opts for option in error.ctx.command.params)
            if settings and not error.possibilities and error.option_name.startswith("--"):
                key = error.option_name.removeprefix("--").partition("=")[0]
                hint = f"If {key!r} is a key of the recipe or data set, give --set {key}=VALUE."
                raise click.NoSuchOption(error.option_name, f"{error.message} {hint}", ctx=error.ctx) from error
            raise
        except self.errors as error:
            if ctx.params.get("debug"):
                raise
            echo(f"error: {error}", err=True, colour="red")
            ctx.exit(getattr(error, "exit_code", 1))
        except (OSError, MemoryError) as error:  # of the machine: a path that is too long, a device that is gone
            if ctx.params.get("debug") or isinstance(error, BrokenPipeError):
                raise
            place = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
            reason = getattr(error, "strerror", None) or str(error) or "out of memory"
            echo(f"error: {place}{reason}; --debug shows where", err=True, colour="red")
            ctx.exit(1)
        except ImportError as error:
            todo = explain(error)
            if ctx.params.get("debug") or todo is None:
                raise
            echo(f"error: {todo}", err=True, colour="red")
            ctx.exit(2)
