"""The cost of corpora of 10 million and a billion samples, computed from small ones measured on this machine.

    python benchmarks/sample_cost.py [--samples 2000]

CPU seconds are counted instead of wall time, so that the numbers are valid on a busy machine. Images are those of
benchmarks/drawn_data: 640 x 480 JPEGs of about 85 kB that pass through untouched; clips are rendered by `street`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drawn_data import coco_recipe, draw_coco, street_recipe

from lavida_gen.building import build as builder
from lavida_gen.building import finish
from lavida_gen.building.shard_records import read_finished
from lavida_gen.config import recipe
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.manifest import Manifest
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.inspection.verify import find_problems
from lavida_gen.publishing.publish import ENTRIES, FILES
from lavida_gen.publishing.upload_plan import COMMITS, PER_COMMIT
from lavida_gen.storage.places import open_storage

SIZES = (10**7, 10**9)
CORES = (2, 64, 1024)


@dataclass(frozen=True)
class Cost:
    """The cost of one sample.

    Attributes:
        build: CPU seconds to build it.
        verify: CPU seconds to verify it.
        shard: Bytes in shards.
        stats: Bytes in stats.parquet.
        record: Bytes in records below `.build/` while the corpus is built.
        finish: CPU seconds of the end of a build.
    """

    build: float
    verify: float
    shard: float
    stats: float
    record: float
    finish: float


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process and of its children that have ended."""

    def now() -> float:
        t = os.times()
        return t.user + t.system + t.children_user + t.children_system

    began = now()
    work()
    return now() - began


def measured(made: CorpusRecipe, home: Path) -> Cost:
    """Measure the cost of one sample of a recipe, with one worker."""
    builder.build(made.model_copy(update={"samples": 20}), home / "warm")
    build = cpu_seconds(lambda: builder.build(made, home / "whole"))
    corpus = open_corpus(home / "whole")
    check = cpu_seconds(lambda: find_problems(corpus))
    shards = sum(shard.bytes for shard in corpus.manifest.shards)
    stats = (home / "whole" / "stats.parquet").stat().st_size
    record, end = finishing(made, home / "part")
    count = made.samples
    return Cost(build / count, check / count, shards / count, stats / count, record / count, end / count)


def finishing(made: CorpusRecipe, out: Path) -> tuple[int, float]:
    """Bytes of the records of an unfinished build, and CPU seconds of its end, measured with many shards."""
    builder.build_part(made, out, slice(0, None), builder.BuildSettings())
    storage = open_storage(out)
    plan = builder.BuildPlan.read(storage.read(".build/plan.json"), "plan")
    finished = [shard for shard in (read_finished(storage, part) for part in plan.ranges()) if shard]
    records = sum(path.stat().st_size for path in (out / ".build").glob("*.jsonl"))
    many = max(1, 20_000 // made.samples)
    return records, cpu_seconds(lambda: finish.finish(plan, storage, finished * many)) / many


def table(name: str, cost: Cost, per_shard: int) -> None:
    """Print the measured cost, and what follows for large corpora."""
    print(f"\n{name}: measured, per sample")
    print(
        f"  build {cost.build * 1e6:,.0f} us, verify {cost.verify * 1e6:,.0f} us, finish {cost.finish * 1e6:,.0f} us of one core"
    )
    print(f"  {cost.shard:,.0f} bytes in shards, {cost.stats:,.0f} in stats.parquet, {cost.record:,.0f} in records")
    print(f"  {3600 / (cost.build * per_shard):,.0f} shards of {per_shard:,} samples per core and hour")
    print(f"{name}: computed, {per_shard:,} samples per shard")
    print(
        "  samples        shards      storage   statistics  records    core hours  "
        + "  ".join(f"{n} cores" for n in CORES)
        + "   finish"
    )
    for samples in SIZES:
        hours = samples * cost.build / 3600
        cells = "  ".join(f"{hours / n:9,.1f} h" for n in CORES)
        print(
            f"  {samples:13,} {samples // per_shard:9,} {samples * cost.shard / 1e12:8.2f} TB {samples * cost.stats / 1e9:8.1f} GB"
            f" {samples * cost.record / 1e9:8.0f} GB {hours:11,.0f}  {cells} {samples * cost.finish / 3600:6.1f} h"
        )


def hub(cost: Cost) -> None:
    """Print the shard sizes that the limits of the Hub require."""
    print(
        f"\nthe Hub: fewer than {FILES:,} files, {ENTRIES:,} in a folder; {PER_COMMIT} files per commit, at most {COMMITS} commits"
    )
    for samples in SIZES:
        for per_shard in (1000, 10_000, 20_000):
            shards, size = samples // per_shard, per_shard * cost.shard / 1e9
            repos, hours = -(-shards // (FILES - 1000)), samples * cost.shard * 8 / 1e9 / 3600
            print(
                f"  {samples:13,} samples, {per_shard:6,} per shard of {size:5.2f} GB: {shards:9,} files, "
                f"{repos} repositories, {hours:.1f} h at 1 Gbit/s"
            )


def manifest_size(home: Path) -> float:
    """Bytes of corpus.json per shard."""
    corpus = Manifest.model_validate_json((home / "whole" / "corpus.json").read_bytes())
    none = corpus.model_copy(update={"shards": []})
    return (len(corpus.text()) - len(none.text())) / len(corpus.shards)


def main() -> None:
    """Measure, compute, print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--samples", type=int, default=2000)
    options = arguments.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        made = coco_recipe(draw_coco(home / "coco"), options.samples)
        pictures = measured(made, home / "pictures")
        clips = measured(street_recipe(max(16, options.samples // 50), "clip"), home / "clips")
        table("untouched pictures", pictures, recipe.ShardSize().samples)
        table("drawn clips of 8 frames", clips, recipe.ShardSize().samples)
        hub(pictures)
        print(
            f"\ncorpus.json: {manifest_size(home / 'pictures'):,.0f} bytes per shard; took {time.perf_counter() - began:,.0f} s"
        )


if __name__ == "__main__":
    main()
