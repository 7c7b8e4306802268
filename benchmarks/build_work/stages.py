"""Where one worker's time goes: the stages of `make_sample` and `make_shard`, each for all samples in turn.

Stages are timed one after the other for all samples, so that no clock is read within a sample. Random numbers are those
of the build: each sample has a generator of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lavida_gen.building.shard_records import record_line
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.shards import EncodedSample, ShardWriter
from lavida_gen.sampling import make_sample
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.scenes.sample import Draft

FLOOR = ("the picture's bytes", "mask PNG", "tar and digest")
"""Stages that the floor has, too."""
MadeT = TypeVar("MadeT")


def stages(recipe: CorpusRecipe, out: Path) -> dict[str, float]:
    """Make the samples of a recipe stage by stage; those whose scene is rejected are left out.

    Args:
        recipe: The recipe; nothing changes its pictures.
        out: Folder for the shard.

    Returns:
        Processor microseconds a sample, by stage.
    """
    planner, digest = SamplePlanner.open(recipe), recipe.digest()
    seconds: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], list[MadeT]]) -> list[MadeT]:
        began = time.process_time()
        made = work()
        seconds[stage] = time.process_time() - began
        return made

    def once() -> int:
        seconds.clear()
        specs = timed("plan", lambda: [planner.spec(n, 0) for n in range(recipe.samples)])
        scenes = timed("scene", lambda: [spec.scene() for spec in specs])
        drafts = timed("names and mask", lambda: [s.expose(scene) for s, scene in zip(specs, scenes, strict=True)])
        rows = [row for row in zip(specs, scenes, drafts, strict=True) if isinstance(row[2], Draft)]
        records = timed("record", lambda: [
            make_sample._record(draft, spec, scene, recipe.prompts.draw(spec.task.rng, draft.names), planner, digest)
            for spec, scene, draft in rows
        ])  # fmt: skip
        frames = timed(FLOOR[0], lambda: [draft.frames[0].jpeg() for _, _, draft in rows])
        pngs = timed(FLOOR[1], lambda: [
            make_sample._mask_png(draft.masks[0], draft.frames[0].size) for _, _, draft in rows
        ])  # fmt: skip
        samples = [
            EncodedSample(record["key"], (frame,), (png,), record)
            for record, frame, png in zip(records, frames, pngs, strict=True)
        ]
        timed("JSON", lambda: [sample.json for sample in samples])
        with ShardWriter(out, "stages") as shard:
            files = timed(FLOOR[2], lambda: [shard.write(sample) for sample in samples])
        timed("row", lambda: [record_line(sample, file) for sample, file in zip(samples, files, strict=True)])
        return len(samples)

    once()  # modules, tables of names, files in memory
    count = once()
    return {stage: 1e6 * spent / count for stage, spent in seconds.items()}
