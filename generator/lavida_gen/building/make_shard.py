"""One range of samples: what a worker of a build does. It imports no more than that: a spawned worker starts anew."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from lavida_gen.building.plan_file import external_plugins
from lavida_gen.building.shard_records import ShardRecord, record_line, write_record
from lavida_gen.building.toolchain import Toolchain, current_toolchain, differences
from lavida_gen.common.errors import DataError
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.manifest import PluginEntry
from lavida_gen.corpus.shards import ShardWriter
from lavida_gen.sampling.make_sample import make_samples
from lavida_gen.sampling.parts import ShardRange
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.storage.places import open_storage


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One range of samples to make, as it is sent to a worker.

    Attributes:
        recipe: The recipe.
        corpus: Path or URL of the corpus.
        range: The samples.
        plugins: Plug-ins of other packages, in the versions of the process that sends the job.
        toolchain: The only toolchain that may make it; None for any.
    """

    recipe: CorpusRecipe
    corpus: str
    range: ShardRange
    plugins: tuple[PluginEntry, ...] = ()
    toolchain: Toolchain | None = None


@dataclass(frozen=True, slots=True)
class _HashableRecipe:
    """A recipe that can be the key of a cache, in one process."""

    text: str
    process: int
    recipe: CorpusRecipe = field(compare=False)


@lru_cache(maxsize=2)  # of a forked worker, which leaves alone what its parent has open: both would read from one place
def _opened(key: _HashableRecipe) -> SamplePlanner:
    return SamplePlanner.open(key.recipe)


def planner_of(recipe: CorpusRecipe) -> SamplePlanner:
    """The planner of a recipe. A worker opens the data sets once, not for every shard.

    Args:
        recipe: The recipe.

    Returns:
        The planner.

    Raises:
        DataError: The data of a source are missing or broken.
        UserError: No exposure of the recipe fits, or a split has no scene.
    """
    return _opened(_HashableRecipe(recipe.model_dump_json(), os.getpid(), recipe))


def fresh_planner(recipe: CorpusRecipe) -> SamplePlanner:
    """As `planner_of`, but data may have changed since an earlier build in this process, as in a notebook."""
    _opened.cache_clear()
    return planner_of(recipe)


def make_shard(job: ShardJob, tick: Callable[[], None]) -> ShardRecord:
    """Make one range of samples: its tars, then its record. Runs in any process.

    Args:
        job: The range.
        tick: Called after each sample.

    Returns:
        What was written.

    Raises:
        DataError: The data or the place fails, or a plug-in or package has another version in this process.
    """
    _check_plugin_versions(job)
    toolchain = current_toolchain(job.recipe, list(job.plugins))
    if job.toolchain is not None and toolchain != job.toolchain:
        raise DataError(
            "a worker has other versions than the process that started the build: "
            f"{differences(job.toolchain, toolchain)}; install one version on all machines, or allow a mixture with "
            "--mixed-toolchain"
        )
    planner, recipe_digest = planner_of(job.recipe), job.recipe.digest()
    storage, part = open_storage(job.corpus), job.range.part
    rows: list[str] = []
    drops: Counter[str] = Counter()
    broken: set[str] = set()
    with ShardWriter(storage, job.range.name, job.recipe.shard.megabytes) as shard:
        for made in make_samples(planner, range(job.range.start, job.range.stop), recipe_digest, part):
            file = shard.write(made.sample)
            rows.append(record_line(made.sample, file))
            drops.update(made.drops)
            broken.update(made.broken)
            tick()
    record = ShardRecord(job.range.name, shard.files, len(rows), dict(drops), toolchain, sorted(broken))
    write_record(storage, record, rows)
    return record


def _check_plugin_versions(job: ShardJob) -> None:
    """Raise DataError if a plug-in has another version here than in the process that started the build."""
    for wanted, here in zip(job.plugins, external_plugins(job.recipe), strict=True):
        if here != wanted:
            raise DataError(
                f"a worker has {here.distribution} {here.version} for {here.family} {here.name}, the process that "
                f"started the build has {wanted.distribution} {wanted.version}; install one version on all machines"
            )
