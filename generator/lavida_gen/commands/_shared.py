"""What the verbs of the command share: options, progress bar, printing. Imports nothing heavy."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

from lavida_gen.common.text import counted

if TYPE_CHECKING:
    from lavida_gen.corpus.manifest import Manifest

RECIPE = click.option("--recipe", "-r", required=True, metavar="NAME|PATH", help="A built-in recipe, or a YAML file.")
SET = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key: samples=500, sources.0.root=/data/coco.",
)
CODE = click.option(
    "--allow-code",
    is_flag=True,
    help="Import plug-ins that are named package.module:Class. They run with your rights: only for recipes you trust.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
WORKERS = click.option(
    "--workers", "-w", type=click.IntRange(min=1), default=None, help="Processes [default: all cores]."
)
CORPUS = click.argument("corpus", metavar="CORPUS")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Advance(Protocol):
    """What moves a bar on."""

    def __call__(self, done: int, dropped: int = 0) -> None:
        """So many more units are done, for which so many scenes were dropped."""


@contextmanager
def progress(total: int | None, what: str, unit: str = "samples") -> Iterator[Advance]:
    """A bar with rate, drops and time left on a terminal; nothing elsewhere. `total` None: not known."""
    if not sys.stderr.isatty():
        yield lambda done, dropped=0: None
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
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[drops]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, rate=unit, drops="")
        drops = 0

        def advance(done: int, dropped: int = 0) -> None:
            nonlocal drops
            drops += dropped
            speed = bar.tasks[0].speed
            said = counted(drops, "drop") if drops else ""
            bar.update(task, advance=done, drops=said, rate=f"{speed:,.0f} {unit}/s" if speed else unit)

        yield advance


def print_found(found: Any, as_json: bool) -> None:
    """Something of `describe`, as text or JSON."""
    click.echo(json.dumps(found.plain, ensure_ascii=False) if as_json else found.text)


def print_built(place: str, manifest: Manifest, as_json: bool) -> None:
    """A finished corpus: counts, size, drops, digest."""
    if as_json:
        plain = manifest.model_dump(include={"digest", "samples", "exposed", "drops"})
        click.echo(json.dumps({"corpus": place, **plain}))
        return
    size = sum(shard.bytes for shard in manifest.shards) / 1e6
    click.echo(
        f"{place}: {counted(manifest.samples, 'sample')} ({manifest.exposed:,} exposed) "
        f"in {counted(len(manifest.shards), 'shard')}, {size:,.1f} MB"
    )
    for reason, count in sorted(manifest.drops.items(), key=lambda item: -item[1]):
        click.echo(f"  dropped {counted(count, 'scene')}: {reason}")
    click.echo(f"digest {manifest.digest}")
