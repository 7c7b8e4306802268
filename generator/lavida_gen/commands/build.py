"""`lavida-gen build`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lavida_gen.terminal import JSON, RECIPE, SET, WORKERS, cores, progress


@click.command()
@RECIPE
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Folder of the corpus [default: corpora/NAME].")
@WORKERS
@click.option("--engine", default="local", show_default=True, help="Where shards are made.")
@SET
@click.option("--only", type=int, metavar="INDEX", help="Make this one sample as loose files in --out.")
@click.option("--dry-run", is_flag=True, help="Open the data, say what would be made, write nothing.")
@JSON
def command(
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
    with progress(loaded.samples, f"build {loaded.name}") as advance:
        manifest = builder.build(loaded, target, workers or cores(), engine, advance)
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
