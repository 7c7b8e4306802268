"""THE loop of the generator, and its resume.

    build(load("street"), "corpora/street", workers=4)

Shards are made independently of each other, each with a record below `.build/`; corpus.json is written last. Killed at
any moment, the same call goes on: finished shards are kept after a digest check, the rest is made. Parts of a build may
be made anywhere (`build_part`) and are joined by `merge`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lavida_gen.building.finish import finish
from lavida_gen.building.lock import locked
from lavida_gen.building.plan_file import BuildPlan, external_plugins
from lavida_gen.building.shard_records import ShardRecord, read_finished, record_line, record_name, write_record
from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.manifest import STATE as STATE
from lavida_gen.corpus.manifest import Manifest, PluginEntry
from lavida_gen.corpus.shards import ShardWriter
from lavida_gen.engines._base import Engine
from lavida_gen.sampling.make_sample import make_sample
from lavida_gen.sampling.parts import ShardRange
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder
from lavida_gen.storage.places import open_storage

ENGINES = "lavida_gen.engines"

Progress = Callable[[int, int], None]
"""Called with (samples newly done, scenes newly dropped)."""


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One range of samples to make, as it travels to a worker; `plugins` are those of the process that sent it."""

    recipe: CorpusRecipe
    corpus: str
    range: ShardRange
    plugins: tuple[PluginEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """How a build runs, which never changes what it makes.

    Attributes:
        workers: Number of processes.
        engine: Name of an engine, or ``package.module:Class``.
        address: Address of a cluster, for engines that have one.
        allow_code: Whether `engine` may be ``package.module:Class``.
    """

    workers: int = 1
    engine: str = "local"
    address: str | None = None
    allow_code: bool = False


_opened: dict[str, SamplePlanner] = {}


def _planner(recipe: CorpusRecipe) -> SamplePlanner:
    """The recipe's data, opened once in this process."""
    key = recipe.model_dump_json()
    if key not in _opened:
        _opened.clear()
        _opened[key] = SamplePlanner.open(recipe)
    return _opened[key]


def make_shard(job: ShardJob, tick: Callable[[], None]) -> ShardRecord:
    """Make one range of samples: its tars, then its record. Runs in any process."""
    _refuse_other_versions(job)
    planner, recipe_digest = _planner(job.recipe), job.recipe.digest()
    storage, part = open_storage(job.corpus), job.range.part
    rows: list[str] = []
    drops: Counter[str] = Counter()
    with ShardWriter(storage, job.range.name, job.recipe.shard.megabytes) as shard:
        for index in range(job.range.start, job.range.stop):
            packing = make_sample(planner, index, recipe_digest, part)
            file = shard.write(packing.sample)
            rows.append(record_line(packing.sample, file))
            drops.update(packing.drops)
            tick()
    made = ShardRecord(job.range.name, shard.files, len(rows), dict(drops))
    write_record(storage, made, rows)
    return made


def _refuse_other_versions(job: ShardJob) -> None:
    """Raises DataError if a plug-in of this process is not of the version that the builder's process has."""
    for wanted, here in zip(job.plugins, external_plugins(job.recipe), strict=True):
        if here != wanted:
            raise DataError(
                f"a worker has {here.distribution} {here.version} for {here.family} {here.name}, the process that "
                f"started the build has {wanted.distribution} {wanted.version}; install one version on all machines"
            )


def build(
    recipe: CorpusRecipe,
    out: Path | str,
    workers: int = 1,
    engine: str = "local",
    progress: Progress = lambda done, dropped: None,
    address: str | None = None,
    allow_code: bool = False,
) -> Manifest:
    """Build the corpus of `recipe` in a folder or at a URL, or go on with it.

    Raises UserError if `out` holds something else, DataError if data or disk fail (what is finished is kept).
    """
    plugins.find(ENGINES, Engine, engine, allow_code)  # a wrong name is told before anything is made
    outline, storage = BuildPlan.of(_planner(recipe)), open_storage(out)
    with locked(storage, outline) as finished:
        if finished is not None:
            return finished
        ranges = list(outline.ranges())
        made = _make_all(recipe, storage, ranges, BuildSettings(workers, engine, address, allow_code), progress)
        storage.remove_partial_files()  # an engine may have lost workers and gone on
        return finish(outline, storage, [made[one.name] for one in ranges])


def build_part(
    recipe: CorpusRecipe,
    out: Path | str,
    part: slice,
    how: BuildSettings,
    progress: Progress = lambda done, dropped: None,
) -> int:
    """Make some of the ranges of a corpus, by number; returns how many. `merge` finishes it when all are there.

    Any number of parts may be made at once, in one place or in many. Raises UserError, DataError.
    """
    outline, storage = BuildPlan.of(_planner(recipe)), open_storage(out)
    ranges = list(outline.ranges())
    if not ranges[part]:
        raise UserError(f"--shards {part.start}:{part.stop}: recipe {recipe.name} has shards 0 to {len(ranges) - 1}")
    with locked(storage, outline, part=True) as finished:
        if finished is None:
            _make_all(recipe, storage, ranges[part], how, progress)
    return len(ranges[part])


def _make_all(
    recipe: CorpusRecipe, storage: Storage, ranges: Sequence[ShardRange], how: BuildSettings, progress: Progress
) -> dict[str, ShardRecord]:
    """Make the ranges that are not there yet; those of all, by name."""
    made = finished_ranges(storage, ranges)
    for one in made.values():
        progress(one.samples, sum(one.drops.values()))
    place = str(storage.path.absolute()) if isinstance(storage, LocalFolder) else storage.place
    brought = tuple(external_plugins(recipe))
    jobs = [ShardJob(recipe, place, one, brought) for one in ranges if one.name not in made]
    alone = not storage.shared  # memory:// is seen by this process only
    runner = plugins.find(ENGINES, Engine, "local" if alone else how.engine, how.allow_code)(how.address)
    for done in runner.run(make_shard, jobs, 1 if alone else how.workers, lambda n: progress(n, 0)):
        made[done.name] = done
        progress(0, sum(done.drops.values()))
    return made


def finished_ranges(storage: Storage, ranges: Sequence[ShardRange]) -> dict[str, ShardRecord]:
    """The ranges that are finished and whole, by name. Reads every byte of them in a folder."""
    noted = set(storage.names(STATE))
    asked = [one for one in ranges if record_name(one.name) in noted]
    with ThreadPoolExecutor(4 if isinstance(storage, LocalFolder) else 32) as pool:
        return {one.name: one for one in pool.map(lambda one: read_finished(storage, one), asked) if one is not None}


def dry_run(recipe: CorpusRecipe) -> list[ShardRange]:
    """The ranges that a build would make: opens the data, writes nothing."""
    return list(SamplePlanner.open(recipe).ranges())
