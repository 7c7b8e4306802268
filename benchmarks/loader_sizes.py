"""What does training input cost at the size that the recipe `demo` draws, and at sizes nearer to what its model reads?

    python benchmarks/loader_sizes.py [--samples 180] [--rounds 5]

The preset `tiny` resizes frames to 256 x 256 for SAM2 and to at most 36 cells of 28 x 28 pixels for its language model.
A small corpus of the recipe is built at each size. Making batches of 16 and steps of a fit with them (forward and
backward, as in recipes/bench/demo.yaml) take turns in one process with one thread, by processor time; freed memory is
kept, as in `lavida-bench fit`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from lavida import pixels
from lavida.batch import Batch, Sample
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor
from lavida_bench.common.allocator import keep_freed_memory
from lavida_bench.config import recipe as runs
from lavida_bench.config.recipe import DataEntry, LoaderSettings
from lavida_bench.fitting.datasets import open_datasets
from lavida_bench.fitting.loader import SampleReader
from lavida_bench.fitting.model_init import make_model
from lavida_bench.fitting.sampling import SamplePosition
from lavida_gen.building import build
from lavida_gen.config import recipe as recipes

SIZES = ((240, 360), (256, 256), (170, 256))
BATCH = 16
RECIPES = Path(__file__).parents[1] / "recipes"
PARTS = ("input", "read and decode", "patches", "squares", "masks", "step")
"""`input` has the three parts after it, and tokens."""


def batches(size: tuple[int, int], samples: int, home: Path) -> dict[str, list[Callable[[], list[Sample]]]]:
    """Readers of the whole batches of a small corpus; a batch has images or clips, as in a fit."""
    folder = home / "x".join(map(str, size))
    changes = [f"sources.{number}.size={list(size)}" for number in range(2)]
    build.build(recipes.load("demo", [*changes, f"samples={samples}", "val=0", f"shard.samples={samples}"]), folder)
    datasets, _ = open_datasets([DataEntry(corpus=str(folder))], "train", LoaderSettings(check="size"))
    reader = SampleReader(datasets)

    def read(positions: list[SamplePosition]) -> list[Sample]:
        return [reader.sample(position) for position in positions]

    return {
        dataset.name.rpartition("/")[2]: [
            partial(read, [SamplePosition(number, 0, sample) for sample in range(start, start + BATCH)])
            for start in range(0, dataset.sizes[0] - BATCH + 1, BATCH)
        ]
        for number, dataset in enumerate(datasets)
        if dataset.sizes[0] >= BATCH
    }


def measure(
    read: Callable[[], list[Sample]], processor: LavidaProcessor, model: Lavida, times: dict[str, float]
) -> None:
    """Make a batch and a step with it; adds the milliseconds of each part."""

    def clock(part: str, way: Callable[[], object]) -> None:
        began = time.process_time()
        way()
        times[part] = times.get(part, 0.0) + 1000 * (time.process_time() - began)

    samples, side = read(), processor.sizes.frame_size
    batch: Batch = processor(samples)
    frames = [frame for sample in samples for frame in sample.frames]
    masks = [mask for sample in samples if sample.masks is not None for mask in sample.masks]
    grids = [processor._grid(sample, "train") for sample in samples]

    def step() -> None:
        model.zero_grad()
        loss = model(batch).loss
        assert loss is not None
        loss.backward()

    clock("input", lambda: processor(read()))
    clock("read and decode", read)
    clock("patches", lambda: processor._patches(samples, grids))
    clock("squares", lambda: pixels.square_frames(frames, side))
    clock("masks", lambda: pixels.square_masks(masks, side))
    clock("step", step)


def main() -> None:
    """Build, measure in turns, print Markdown."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--samples", type=int, default=180, help="a ninth are clips; at least 16 are needed for a row"
    )
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    made = make_model(runs.load(str(RECIPES / "bench" / "demo.yaml")), log=lambda table: None)
    model, processor = made[0].train(), made[1]
    print(f"processor ms a sample, median and range of {options.rounds} rounds; batches of {BATCH}\n")
    print(f"| frames | samples | {' | '.join(PARTS)} | input beside input and step |")
    print("|---|---|" + "---|" * (len(PARTS) + 1))
    with tempfile.TemporaryDirectory() as folder:
        corpora = {size: batches(size, options.samples, Path(folder)) for size in SIZES}
        found: dict[tuple[tuple[int, int], str], list[dict[str, float]]] = {}
        for number in range(options.rounds + 1):
            for size in SIZES[:: 1 if number % 2 else -1]:
                for kind, reads in corpora[size].items():
                    times: dict[str, float] = {}
                    for read in reads:
                        measure(read, processor, model, times)
                    per_sample = {part: taken / len(reads) / BATCH for part, taken in times.items()}
                    found.setdefault((size, kind), []).append(per_sample)
        for ((height, width), kind), rounds in sorted(found.items(), key=lambda item: SIZES.index(item[0][0])):
            del rounds[0]  # warms up
            cells = [spread([times[part] for times in rounds]) for part in PARTS]
            share = spread([100 * times["input"] / (times["input"] + times["step"]) for times in rounds])
            print(f"| {height} x {width} | {kind} | {' | '.join(cells)} | {share} % |")


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
