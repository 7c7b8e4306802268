"""Options, progress bar and printing that several commands share. Imports nothing heavy.

A command is decorated with these options and has one annotated parameter for each of them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, Protocol

import click

from lavida_gen.common.console import bar_title, echo, echo_json
from lavida_gen.common.text import counted

if TYPE_CHECKING:
    from lavida_gen.corpus.manifest import Manifest
    from lavida_gen.inspection.describe import Listing

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
TRUST = click.option(
    "--trust-sources",
    is_flag=True,
    help="Take corpus.json's word for the rights of sources that are not installed here; else they are forbidden.",
)
CORPUS = click.argument("corpus", metavar="CORPUS")
REDRAWN = 0.1
"""Least seconds between two drawings of a progress bar that has no thread."""
MANY_SAMPLES = 100
"""From this many samples of a scene on, on average, a build remarks on it."""


def cores() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Advance(Protocol):
    """The function that `progress` yields."""

    def __call__(self, done: int, dropped: int = 0) -> None:
        """Advance the bar.

        Args:
            done: Units done since the last call.
            dropped: Attempts that failed since the last call.
        """


MIXED = click.option(
    "--mixed-toolchain",
    "mixed_toolchain",
    is_flag=True,
    help="Allow shards made with different versions of numpy, OpenCV, ...: their pixels may differ a little.",
)


@contextmanager
def progress(total: int | None, what: str, unit: str = "samples", threads: bool = True) -> Iterator[Advance]:
    """Show a progress bar with rate, failed attempts and time left; nothing if stderr is not a terminal.

    Args:
        total: Number of units, None if it is unknown.
        what: Title of the bar.
        unit: Plural of the unit.
        threads: Whether a thread draws the bar; else it is drawn when it is advanced.

    Yields:
        The function that advances the bar.
    """
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
    with Progress(*columns, console=Console(stderr=True), auto_refresh=threads) as bar:
        task = bar.add_task(bar_title(what), total=total, rate=unit, drops="")
        drops, drawn = 0, 0.0

        def advance(done: int, dropped: int = 0) -> None:
            nonlocal drops, drawn
            drops += dropped
            speed = bar.tasks[0].speed
            text = counted(drops, "failed attempt") if drops else ""
            bar.update(task, advance=done, drops=text, rate=f"{speed:,.0f} {unit}/s" if speed else unit)
            if not threads and time.monotonic() - drawn > REDRAWN:
                bar.refresh()
                drawn = time.monotonic()

        yield advance


def print_listing(listing: Listing, as_json: bool) -> None:
    """Print a list or description.

    Args:
        listing: What to print.
        as_json: Print JSON instead of text.
    """
    if as_json:
        echo_json(listing.plain)
    else:
        echo(listing.text)


def print_problems(
    problems: Sequence[str],
    summary: str,
    as_json: bool,
    limit: int | None = None,
    notes: Sequence[str] = (),
    dropped: Sequence[str] = (),
    findings: Sequence[Mapping[str, object]] | None = None,
    sources: Sequence[Mapping[str, object]] | None = None,
    unchecked: Sequence[str] = (),
) -> NoReturn:
    """Print the result of a check and exit: with code 0 if there are no problems, else 1.

    Args:
        problems: Messages.
        summary: The last line.
        as_json: Print JSON instead of text.
        limit: Most messages to print as text; None for all.
        notes: What is worth knowing but no problem.
        dropped: What a build leaves out and counts.
        findings: Problems and notes with their severity, as JSON shows them.
        sources: The names of each source, as JSON shows them.
        unchecked: What the check left out.
    """
    if as_json:
        sound = None if unchecked and not problems else not problems  # None: not known
        shown: dict[str, object] = {"sound": sound, "faults": list(problems)}
        if notes:
            shown["notes"] = list(notes)
        if findings is not None:
            shown["findings"] = list(findings)
        if sources is not None:
            shown["sources"] = list(sources)
        if unchecked:
            shown["not_checked"] = list(unchecked)
        echo_json(shown)
    else:
        for message in problems[:limit]:
            echo(message)
        if limit is not None and len(problems) > limit:
            echo(f"... and {len(problems) - limit} more")
        for text in dropped:
            echo(f"dropped: {text}")
        for note in notes:
            echo(f"note: {note}")
        for left_out in unchecked:
            echo(f"not checked: {left_out}")
        echo(summary)
    sys.exit(1 if problems else 0)


def print_built(place: str, manifest: Manifest, as_json: bool) -> None:
    """Print a finished corpus: counts, size, failed attempts, digest.

    Args:
        place: Its folder or URL.
        manifest: Its manifest.
        as_json: Print JSON instead of text.
    """
    if as_json:
        plain = manifest.model_dump(include={"digest", "samples", "exposed", "drops", "scenes", "broken"})
        echo_json({"corpus": place, **plain})
        return
    size = sum(shard.bytes for shard in manifest.shards) / 1e6
    echo(
        f"{place}: {counted(manifest.samples, 'sample')} of {counted(manifest.scenes, 'scene')} "
        f"({manifest.exposed:,} with an anomaly) in {counted(len(manifest.shards), 'shard')}, {size:,.1f} MB"
    )
    if manifest.samples_per_scene >= MANY_SAMPLES:
        echo(f"  each scene is in {manifest.samples_per_scene:,.0f} samples on average: more scenes teach more")
    if manifest.broken:
        echo(f"  left out {counted(manifest.broken, 'scene')}: broken file")
    for reason, count in sorted(manifest.drops.items(), key=lambda item: -item[1]):
        echo(f"  {counted(count, 'attempt')} failed: {reason}")
    echo(f"digest {manifest.digest}")
