"""The command `lavida-gen`. Each verb imports what it needs when it is called, so that `--help` answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from lavida_gen import __version__
from lavida_gen.errors import LavidaGenError

RECIPE = click.option("--recipe", "-r", required=True, metavar="NAME|PATH", help="A built-in recipe, or a YAML file.")
SET = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key: samples=500, sources.0.root=/data/coco.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
WORKERS = click.option(
    "--workers", "-w", type=click.IntRange(min=1), default=None, help="Processes [default: all cores]."
)
CORPUS = click.argument("corpus", metavar="CORPUS")


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


@main.command()
@RECIPE
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Folder of the corpus [default: corpora/NAME].")
@WORKERS
@click.option("--engine", default="local", show_default=True, help="Where shards are made.")
@SET
@click.option("--only", type=int, metavar="INDEX", help="Make this one sample as loose files in --out.")
@click.option("--dry-run", is_flag=True, help="Open the data, say what would be made, write nothing.")
@JSON
def build(
    recipe: str,
    out: Path | None,
    workers: int | None,
    engine: str,
    settings: tuple[str, ...],
    only: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Build the corpus of a recipe, or go on with it.

    The same recipe gives the same bytes whatever the number of workers. Stopped or killed, the same command goes on
    where it was. A finished corpus is checked and left as it is.
    """
    from lavida_gen import build as builder
    from lavida_gen import recipe as recipes

    loaded = recipes.load(recipe, settings)
    target = out or Path("corpora") / loaded.name
    if only is not None:
        _write_one(loaded, only, target)
        return
    if dry_run:
        _say_ranges(builder.dry_run(loaded), target)
        return
    with _progress(loaded.samples, f"build {loaded.name}") as advance:
        manifest = builder.build(loaded, target, workers or _cores(), engine, advance)
    if as_json:
        click.echo(
            json.dumps(
                {"corpus": str(target), **manifest.model_dump(include={"digest", "samples", "exposed", "drops"})}
            )
        )
        return
    size = sum(shard.bytes for shard in manifest.shards) / 1e6
    click.echo(
        f"{target}: {manifest.samples:,} samples ({manifest.exposed:,} exposed) "
        f"in {len(manifest.shards)} shards, {size:,.1f} MB"
    )
    for reason, count in sorted(manifest.drops.items(), key=lambda item: -item[1]):
        click.echo(f"  dropped {count:,} scenes: {reason}")
    click.echo(f"digest {manifest.digest}")


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _say_ranges(ranges: list[Any], target: Path) -> None:
    click.echo(f"would write to {target}:")
    for one in ranges:
        click.echo(f"  {one.name}.tar  samples {one.start} to {one.stop - 1}")
    click.echo("  corpus.json, README.md, stats.parquet")


def _write_one(recipe: Any, index: int, target: Path) -> None:
    """One sample as loose files, byte for byte what its shard holds."""
    from lavida_gen.pack import pack
    from lavida_gen.plan import Deck
    from lavida_gen.shards import write_whole

    sample = pack(Deck.open(recipe), index, recipe.digest()).sample
    target.mkdir(parents=True, exist_ok=True)
    for field, data in sample.fields():
        write_whole(target / f"{sample.key}.{field}", data)
        click.echo(str(target / f"{sample.key}.{field}"))


@contextmanager
def _progress(total: int, what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with rate, drops and time left on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, dropped: None
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
        TextColumn("{task.fields[drops]} drops"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, rate="", drops=0)
        drops = 0

        def advance(done: int, dropped: int) -> None:
            nonlocal drops
            drops += dropped
            speed = bar.tasks[0].speed
            bar.update(task, advance=done, drops=drops, rate=f"{speed:,.0f}/s" if speed else "")

        yield advance


@main.command()
@CORPUS
@WORKERS
@JSON
def verify(corpus: str, workers: int | None, as_json: bool) -> None:
    """Read every byte of a corpus: digests, pictures, masks, prompts, splits, counts. A fault gives exit code 1."""
    from lavida_gen import verify as verifier
    from lavida_gen.corpus import open_corpus

    opened = open_corpus(corpus)
    with _progress(opened.manifest.samples, "verify") as advance:
        faults = verifier.verify(opened, workers or _cores(), lambda n: advance(n, 0))
    if as_json:
        click.echo(json.dumps({"sound": not faults, "faults": faults}))
    else:
        for fault in faults[:50]:
            click.echo(fault)
        if len(faults) > 50:
            click.echo(f"... and {len(faults) - 50} more")
        shards = len(opened.manifest.shards)
        verdict = "sound" if not faults else f"{len(faults)} faults; build it again into a new folder"
        click.echo(f"{corpus}: {opened.manifest.samples:,} samples in {shards} shards: {verdict}")
    sys.exit(1 if faults else 0)


@main.command()
@CORPUS
@click.option("--names", "top", type=int, default=20, show_default=True, help="How many names to list.")
@JSON
def stats(corpus: str, top: int, as_json: bool) -> None:
    """Count a corpus: by source, exposure, name, area, reason of drops."""
    from lavida_gen import stats as counter
    from lavida_gen.corpus import open_corpus

    counts = counter.stats(open_corpus(corpus))
    if as_json:
        click.echo(json.dumps(counts, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console()
    click.echo(f"{counts['samples']:,} samples, {counts['exposed']:,} exposed")
    for title, rows in (
        ("split", counts["splits"]), ("source", counts["sources"]), ("exposure", counts["exposures"]),
        ("licence", counts["licences"]),
    ):  # fmt: skip
        console.print(_table(title, ["samples", "exposed"], {k: [v["samples"], v["exposed"]] for k, v in rows.items()}))
    listed = dict(list(counts["listed"].items())[:top])
    title = f"name ({len(listed)} of {len(counts['listed'])})"
    console.print(_table(title, ["listed", "anomaly"], {k: [v["samples"], v["exposed"]] for k, v in listed.items()}))
    console.print(_table("anomaly's share of the frame", ["samples"], {k: [v] for k, v in counts["areas"].items()}))
    if counts["drops"]:
        console.print(_table("dropped scenes", ["count"], {k: [v] for k, v in counts["drops"].items()}))


def _table(title: str, heads: list[str], rows: dict[str, list[int]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title, *heads, box=None, title_justify="left", header_style="bold")
    for head in table.columns[1:]:
        head.justify = "right"
    for label, cells in rows.items():
        table.add_row(Text(label), *(f"{cell:,}" for cell in cells))
    return table


@main.command()
@CORPUS
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The HTML file [default: CORPUS/preview.html].")
@click.option(
    "--samples", "limit", type=click.IntRange(min=1), default=120, show_default=True, help="How many to show."
)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def preview(corpus: str, out: Path | None, limit: int, open_it: bool) -> None:
    """Write one HTML file to look at: gallery with outlines, filters, histograms. Needs no network."""
    from lavida_gen.corpus import open_corpus
    from lavida_gen.preview import write_preview

    opened = open_corpus(corpus)
    page = write_preview(opened, out or opened.path / "preview.html", limit)
    click.echo(f"preview: {page}")
    if open_it:
        click.launch(str(page))


@main.command()
@CORPUS
@click.argument("index", type=int)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The picture, .png or .jpg [default: sample-INDEX.png]."
)
@JSON
def show(corpus: str, index: int, out: Path | None, as_json: bool) -> None:
    """Show sample INDEX: its words, its picture, and the command that makes it again alone."""
    from lavida_gen.corpus import open_corpus
    from lavida_gen.recipe import missing_places
    from lavida_gen.shards import write_whole
    from lavida_gen.show import encoded, picture

    opened = open_corpus(corpus)
    sample = next(opened.stored([index]))
    path = out or Path(f"sample-{index}.png")
    write_whole(path, encoded(picture(sample), path.suffix))
    places = " ".join(f"--set {key}=..." for key in missing_places(opened.manifest.recipe))
    again = f"lavida-gen build --recipe {corpus} {places} --only {index} --out sample-{index}".replace("  ", " ")
    if as_json:
        click.echo(json.dumps({**sample.record, "picture": str(path), "again": again}, ensure_ascii=False))
        return
    record = sample.record
    anomalies = [name for name, label in zip(record["names"], record["labels"], strict=True) if label]
    for label, text in (
        ("sample", f"{index} ({record['kind']}, {record['split']}, {record['width']} x {record['height']})"),
        ("question", record["question"]), ("answer", record["answer"]),
        ("anomaly", ", ".join(anomalies) or "none of the names listed"),
        ("area", f"{max(record['areas']):.2%} of the frame at most"),
        ("made of", f"{record['source']} {record['scene']} by {record['exposure']}"),
        ("licence", f"{record['licence']}  {record['attribution']}"), ("picture", str(path)), ("again", again),
    ):  # fmt: skip
        click.echo(f"{label:<9} {text}")


@main.command()
@RECIPE
@SET
@JSON
def check(recipe: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Find every fault of a recipe and its data: missing files, unreadable annotations. Writes nothing."""
    from lavida_gen import recipe as recipes
    from lavida_gen.check import check as find_faults

    loaded = recipes.load(recipe, settings)
    faults = list(find_faults(loaded))
    if as_json:
        click.echo(json.dumps({"sound": not faults, "faults": faults}))
    else:
        for fault in faults:
            click.echo(fault)
        click.echo(f"recipe {loaded.name}: {'sound' if not faults else f'{len(faults)} faults'}")
    sys.exit(1 if faults else 0)


@main.command()
@click.argument("name", required=False)
@JSON
def sources(name: str | None, as_json: bool) -> None:
    """List the sources, or say of one what to download, under which licence, how its folder must look."""
    from lavida_gen import describe

    _print_table_or_text(describe.source(name) if name else describe.sources(), as_json)


@main.command()
@click.argument("name", required=False)
@JSON
def exposures(name: str | None, as_json: bool) -> None:
    """List the exposures, or tell of one what it does and its options."""
    from lavida_gen import describe

    _print_table_or_text(describe.exposure(name) if name else describe.exposures(), as_json)


@main.command()
@click.argument("name", required=False)
@JSON
def recipes(name: str | None, as_json: bool) -> None:
    """List the built-in recipes, or print one, to copy and change."""
    from lavida_gen import describe

    _print_table_or_text(describe.recipe(name) if name else describe.recipes(), as_json)


def _print_table_or_text(found: Any, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found.plain, ensure_ascii=False))
    else:
        click.echo(found.text)
