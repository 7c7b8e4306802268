"""The loop of the generator, which can be interrupted and resumed.

    build(load("street"), "corpora/street", workers=4)

Shards are made independently of each other, each with a record below `.build/`; corpus.json is written last. After a
kill at any moment the same call continues: it checks the digests of finished shards, keeps them, and makes the others.
Parts of a build may be made on several machines (`build_part`) and are joined by `merge_parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lavida_gen.building.finish import finish
from lavida_gen.building.lock import locked
from lavida_gen.building.make_shard import ShardJob, fresh_planner, make_shard, planner_of
from lavida_gen.building.plan_file import BuildPlan, external_plugins
from lavida_gen.building.shard_records import ShardRecord, read_finished, record_name
from lavida_gen.building.toolchain import current_toolchain, refuse_mixture
from lavida_gen.common import plugins
from lavida_gen.common.errors import UserError
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.manifest import STATE as STATE
from lavida_gen.corpus.manifest import Manifest
from lavida_gen.engines._base import Engine, WorkerPool
from lavida_gen.processes.waiting import completed
from lavida_gen.sampling.parts import ShardRange
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder
from lavida_gen.storage.places import open_storage

ENGINES = "lavida_gen.engines"

ProgressCallback = Callable[[int, int], None]
"""Called with the numbers of samples made and failed attempts since the last call."""


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """How a build runs. None of it changes what is made.

    Attributes:
        workers: Number of processes.
        engine: Name of an engine, or ``package.module:Class``.
        address: Address of a cluster, for engines that have one.
        allow_code: Whether `engine` may be ``package.module:Class``.
        mixed_toolchain: Whether shards may be made with different versions of the packages that decode and encode.
    """

    workers: int = 1
    engine: str = "local"
    address: str | None = None
    allow_code: bool = False
    mixed_toolchain: bool = False


def build(
    recipe: CorpusRecipe,
    out: Path | str,
    workers: int = 1,
    engine: str = "local",
    progress: ProgressCallback = lambda done, dropped: None,
    address: str | None = None,
    allow_code: bool = False,
    mixed_toolchain: bool = False,
) -> Manifest:
    """Build the corpus of a recipe, or continue an interrupted build.

    Args:
        recipe: The recipe.
        out: Folder or URL of the corpus.
        workers: Number of processes.
        engine: Name of an engine, or ``package.module:Class``.
        progress: Called with the numbers of samples made and failed attempts since the last call.
        address: Address of a cluster, for engines that have one.
        allow_code: Whether `engine` may be ``package.module:Class``.
        mixed_toolchain: Whether shards of an earlier run may have been made with other versions of the packages.

    Returns:
        The manifest of the finished corpus.

    Raises:
        UserError: `out` holds something else or shards of another toolchain, or an argument is invalid.
        DataError: The data or the place fails; finished shards are kept.
    """
    plugins.find(ENGINES, Engine, engine, allow_code)  # an unknown name is reported before any work
    plan, storage = BuildPlan.of(fresh_planner(recipe)), open_storage(out)
    with locked(storage, plan) as finished:
        if finished is not None:
            return finished
        ranges = list(plan.ranges())
        settings = BuildSettings(workers, engine, address, allow_code, mixed_toolchain)
        with _made(recipe, storage, ranges, settings, progress) as (records, pool):
            storage.remove_partial_files()  # an engine may have lost workers and continued without them
            return finish(plan, storage, [records[part.name] for part in ranges], pool)


def notes(recipe: CorpusRecipe) -> list[str]:
    """What users should know about a recipe's sources: what is left out of them, and about their names.

    Args:
        recipe: The recipe. Its data sets are opened unless a build of this process has them open.

    Returns:
        Lines, each with the source that it is about.
    """
    planner = planner_of(recipe)
    left_out = [
        f"sources[{number}] ({opened.name}): left out: {finding.text}"
        for number, opened in enumerate(planner.sources)
        for finding in opened.source.left_out()
    ]
    return [*left_out, *planner.notes()]


def build_part(
    recipe: CorpusRecipe,
    out: Path | str,
    part: slice,
    settings: BuildSettings,
    progress: ProgressCallback = lambda done, dropped: None,
) -> int:
    """Make some shards of a corpus. Parts may be made at the same time, in one place or several.

    Args:
        recipe: The recipe of the whole corpus.
        out: Folder or URL of this part.
        part: Numbers of the shards.
        settings: How to run.
        progress: Called with the numbers of samples made and failed attempts since the last call.

    Returns:
        The number of shards of this part. `merge_parts` finishes the corpus when all parts are made.

    Raises:
        UserError: There is no such shard, or `out` holds something else.
        DataError: The data or the place fails; finished shards are kept.
    """
    plan, storage = BuildPlan.of(fresh_planner(recipe)), open_storage(out)
    ranges = list(plan.ranges())
    if not ranges[part]:
        raise UserError(f"--shards {part.start}:{part.stop}: recipe {recipe.name} has shards 0 to {len(ranges) - 1}")
    with locked(storage, plan, part=True) as finished:
        if finished is None:
            with _made(recipe, storage, ranges[part], settings, progress):
                pass
    return len(ranges[part])


@contextmanager
def _made(
    recipe: CorpusRecipe,
    storage: Storage,
    ranges: Sequence[ShardRange],
    settings: BuildSettings,
    progress: ProgressCallback,
) -> Iterator[tuple[dict[str, ShardRecord], WorkerPool | None]]:
    """Make the ranges that are missing; yield the records of all, by name, and the workers if there are any."""
    records = finished_ranges(storage, ranges)
    external = tuple(external_plugins(recipe))
    toolchain = current_toolchain(recipe, list(external))
    if not settings.mixed_toolchain:
        refuse_mixture(storage, (record.toolchain for record in records.values()), toolchain)
    for record in records.values():
        progress(record.samples, sum(record.drops.values()))
    place = str(storage.path.absolute()) if isinstance(storage, LocalFolder) else storage.url
    allowed = None if settings.mixed_toolchain else toolchain
    jobs = [ShardJob(recipe, place, part, external, allowed) for part in ranges if part.name not in records]
    name, workers = settings.engine, settings.workers
    if not storage.shared:  # only this process sees memory://
        name, workers = "local", 1
    with closing(plugins.find(ENGINES, Engine, name, settings.allow_code)(settings.address)) as engine:
        for record in engine.run(make_shard, jobs, workers, lambda count: progress(count, 0)):
            records[record.name] = record.sharing(toolchain)
            progress(0, sum(record.drops.values()))
        pool = partial(engine.run, workers=workers, progress=lambda count: None)
        yield records, pool if workers > 1 and len(jobs) > 1 else None


def finished_ranges(storage: Storage, ranges: Sequence[ShardRange]) -> dict[str, ShardRecord]:
    """The ranges whose shards are finished and intact. In a folder this reads every byte of them.

    Args:
        storage: The corpus.
        ranges: The ranges to look for.

    Returns:
        Their records, by name, in the order of the ranges.
    """
    existing = set(storage.names(STATE))
    candidates = [part for part in ranges if record_name(part.name) in existing]
    threads = 4 if isinstance(storage, LocalFolder) else 32
    with ThreadPoolExecutor(threads) as pool:
        futures = completed(lambda part: pool.submit(read_finished, storage, part), candidates, 2 * threads)
        records: dict[str, ShardRecord] = {}
        for record in (future.result() for done in futures for future in done):
            if record is not None:
                records[record.name] = record.sharing(next(iter(records.values()), record).toolchain)
    return {part.name: records[part.name] for part in candidates if part.name in records}


def dry_run(recipe: CorpusRecipe) -> list[ShardRange]:
    """The ranges that a build would make. Opens the data, writes nothing.

    Args:
        recipe: The recipe.

    Returns:
        All ranges, in order.
    """
    return list(SamplePlanner.open(recipe).ranges())
