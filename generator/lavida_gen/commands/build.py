"""`lavida-gen build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_gen.commands._shared import CODE, JSON, MIXED, RECIPE, SET, WORKERS, cores, print_built, progress
from lavida_gen.common.console import echo, echo_json
from lavida_gen.common.errors import UserError
from lavida_gen.common.text import counted
from lavida_gen.processes.forking import keep_one_thread

if TYPE_CHECKING:
    from lavida_gen.config.recipe import CorpusRecipe
    from lavida_gen.sampling.parts import ShardRange


@click.command()
@RECIPE
@CODE
@click.option(
    "--out", "-o", metavar="DIR|URL", help="Folder or URL of the corpus, e.g. s3://bucket/NAME [default: corpora/NAME]."
)
@WORKERS
@click.option("--engine", default="local", show_default=True, help="Who makes the shards: local, ray, or a plug-in.")
@click.option(
    "--address",
    metavar="ADDRESS",
    help="Cluster of --engine ray: auto, HOST:PORT, ray://... [default: RAY_ADDRESS, or start one here].",
)
@click.option("--shards", "part", metavar="A:B", help="Make only shards A to B-1; `lavida-gen merge` joins the parts.")
@MIXED
@SET
@click.option("--only", type=int, metavar="INDEX", help="Make this one sample as loose files in --out.")
@click.option("--dry-run", is_flag=True, help="Open the data, print what would be made, write nothing.")
@JSON
def command(
    recipe: str,
    allow_code: bool,
    out: str | None,
    workers: int | None,
    engine: str,
    address: str | None,
    part: str | None,
    mixed_toolchain: bool,
    settings: tuple[str, ...],
    only: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Build the corpus of a recipe, or continue an interrupted build.

    The same recipe gives the same bytes with any number of workers. After a stop or a kill the same command continues
    where it was. A finished corpus is checked and left unchanged.
    """
    keep_one_thread()  # workers are forked then
    from lavida_gen.building import build as builder
    from lavida_gen.config import recipe as recipes

    loaded = recipes.load(recipe, settings, allow_code)
    target = out or str(Path("corpora") / loaded.name)
    if only is not None:
        _write_one(loaded, only, Path(target), as_json)
        return
    if dry_run:
        _print_ranges(builder.dry_run(loaded), target, as_json)
        return
    with progress(loaded.samples, f"build {loaded.name}", threads=False) as advance:
        if part is not None:
            running = builder.BuildSettings(workers or cores(), engine, address, allow_code, mixed_toolchain)
            count = builder.build_part(loaded, target, _slice(part), running, advance)
            text = f"{counted(count, 'shard is', 'shards are')} finished; when all are: lavida-gen merge {target}"
            if as_json:
                echo_json({"corpus": target, "there": count})
            else:
                echo(f"{target}: {text}")
            return
        manifest = builder.build(
            loaded, target, workers or cores(), engine, advance, address, allow_code, mixed_toolchain
        )
    for note in builder.notes(loaded):
        echo(f"note: {note}", err=True)
    print_built(target, manifest, as_json)


def _slice(part: str) -> slice:
    start, colon, stop = part.partition(":")
    if not colon or not start.isdecimal() or not stop.isdecimal():
        raise UserError(f"--shards {part}: expected A:B, two numbers; --dry-run lists the shards")
    return slice(int(start), int(stop))


def _print_ranges(ranges: list[ShardRange], target: str, as_json: bool) -> None:
    if as_json:  # with the keys of corpus.json
        shards = [{"file": f"{r.name}.tar", "samples": r.stop - r.start, "first": r.start} for r in ranges]
        echo_json({"corpus": target, "shards": shards})
        return
    echo(f"would write to {target}:")
    for number, part in enumerate(ranges):
        echo(f"  {number:5}  {part.name}.tar  samples {part.start} to {part.stop - 1}")
    echo("  corpus.json, README.md, stats.parquet")


def _write_one(recipe: CorpusRecipe, index: int, target: Path, as_json: bool) -> None:
    """Write one sample as loose files, with the same bytes as in its shard."""
    from lavida_gen.common.atomic_file import write_atomic
    from lavida_gen.sampling.make_sample import make_sample
    from lavida_gen.sampling.planner import SamplePlanner
    from lavida_gen.storage.output_folder import make_output_folder

    make_output_folder(target)
    sample = make_sample(SamplePlanner.open(recipe), index, recipe.digest()).sample
    files = []
    for field, data in sample.fields():
        write_atomic(target / f"{sample.key}.{field}", data)
        files.append(str(target / f"{sample.key}.{field}"))
    if as_json:
        echo_json({"files": files})
    else:
        echo("\n".join(files))
