"""The command `lavida-bench`. Each verb imports what it needs when it is called, so that `--help` answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from lavida_gen import __version__
from lavida_gen.errors import LavidaGenError, UserError

BENCHMARK = click.argument("benchmark", metavar="BENCHMARK")
ROOT = click.option(
    "--root", type=click.Path(path_type=Path), help="Its folder [default: NAME in $LAVIDA_BENCH_DATA, or in data/]."
)
SET = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the benchmark: labels=intervals."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


class _Group(click.Group):
    """Turns our errors into one message and their exit code; tracebacks only with --debug."""

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


def parse_settings(settings: tuple[str, ...]) -> dict[str, Any]:
    """KEY=VALUE words with values in YAML -> options. Raises UserError."""
    import yaml

    found = {}
    for word in settings:
        key, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"--set {word}: no '='; expected KEY=VALUE")
        try:
            found[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UserError(f"--set {word}: the value is no YAML ({error})") from error
    return found


@main.command()
@BENCHMARK
@ROOT
@SET
@click.option("--quick", is_flag=True, help="Count frames without decoding them: broken ones are not found.")
@JSON
def check(benchmark: str, root: Path | None, settings: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Compare the files of a BENCHMARK with what they should hold, and list every defect and what is done about it.

    Every frame and mask is decoded. Exit code 1 if the official number can not be computed from the files: counts that
    differ from the expected ones, or a defect marked FATAL. Notes alone (clamped ends, a repeated frame) give 0.
    """
    from lavida_bench import benchmark as room

    opened = room.make(benchmark, root, parse_settings(settings))
    expected = opened.expected
    with _progress(expected.frames if expected else None, f"check {benchmark}") as advance:
        report = opened.check(decode=not quick, advance=advance)
    if as_json:
        click.echo(json.dumps(report.plain(), ensure_ascii=False))
    else:
        _print_report(report)
    sys.exit(0 if report.official else 1)


def _print_report(report: Any) -> None:
    from dataclasses import fields

    from rich.console import Console
    from rich.table import Table

    from lavida_bench.describe import defect_lines, verdict

    table = Table("", "expected", "annotated", "found", "", box=None, header_style="bold")
    for column in table.columns[1:4]:
        column.justify = "right"
    for name in (field.name for field in fields(report.found)):
        cells = [getattr(one, name, None) for one in (report.expected, report.annotated, report.found)]
        mark = "differs" if name in report.differences() else ""
        table.add_row(name.replace("_", " "), *("-" if cell is None else f"{cell:,}" for cell in cells), mark)
    Console().print(table)
    for line in defect_lines(report.defects):
        click.echo(line)
    click.echo(verdict(report))


@main.command()
@click.argument("name", required=False)
@JSON
def benchmarks(name: str | None, as_json: bool) -> None:
    """List the benchmarks, or say of one what to download, under which licence, how its folder must look."""
    from lavida_bench import describe

    told = describe.benchmark(name) if name else describe.benchmarks()
    click.echo(json.dumps(told.plain, ensure_ascii=False) if as_json else told.text)


@contextmanager
def _progress(total: int | None, what: str) -> Iterator[Callable[[int], None]]:
    """A bar with rate and time left on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("frames"), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, advance=done)
