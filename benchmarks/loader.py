"""How fast does training input come from shards, beside making it from loose files on the fly, and beside other loaders?

    python benchmarks/loader.py [--samples 120] [--rounds 5] [--loader]

On the fly is what a training script without a corpus does: open the picture of a scene, rasterise its polygons (COCO) or
read its index mask (DAVIS; what our cache keeps of masks is not used, except in one row), choose the anomaly and the
names, draw the prompt. All ways end in the tensors of a batch of one sample at the sizes of the presets `paper` and `small`
(pixel budgets of lavida/presets.py, frames and masks of 1024 x 1024, the tiny tokenizer), and are measured in turns, in
one process, from a warm page cache, by processor time. The floor is OpenCV decoding the JPEGs alone. Pictures are 640 x 480
with 7 polygons each, clips 8 frames of 854 x 480 with 3 things, drawn here. As in `lavida-bench fit`, freed memory is kept; `LAVIDA_ALLOCATOR=system` leaves glibc as it is, and as it was
for 62898d3. `--loader` times the whole loader in worker processes as well, by the clock.
"""

from __future__ import annotations

import argparse
import collections
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import loader_peers
import numpy as np
from drawn_data import SIZE, draw_coco
from loader_peers import tensors_in_floats, tensors_of_opencv

from lavida.batch import Sample
from lavida.presets import BUDGETS
from lavida.processing import LavidaProcessor
from lavida_bench.common.allocator import keep_freed_memory
from lavida_bench.config import recipe as runs
from lavida_bench.config.recipe import DataEntry, LoaderSettings
from lavida_bench.fitting.datasets import open_datasets
from lavida_bench.fitting.loader import Loader, SampleReader
from lavida_bench.fitting.sampling import SamplePosition
from lavida_gen.building import build
from lavida_gen.config import augment
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.scenes import masks
from lavida_gen.scenes.sample import Rejection
from lavida_gen.storage import records

VIDEOS, FRAMES, WIDE, BATCH = 24, 16, (480, 854), 16


def draw_davis(root: Path) -> Path:
    """Films in the layout of DAVIS 2017: things that move over a grainy ground, palette masks, names by object."""
    rng = np.random.default_rng(0)
    names: dict[str, dict[str, str]] = {}
    for number in range(VIDEOS):
        film = f"film{number:02d}"
        names[film] = {str(thing + 1): f"kind{int(rng.integers(40))}" for thing in range(3)}
        ground = cv2.resize(rng.integers(0, 255, (30, 54, 3), np.uint8), WIDE[::-1], interpolation=cv2.INTER_CUBIC)
        at, pace = rng.uniform((60, 60), (400, 700), (3, 2)), rng.uniform(-6, 6, (3, 2))
        folders = [root / kind / "480p" / film for kind in ("JPEGImages", "Annotations")]
        for folder in folders:
            folder.mkdir(parents=True)
        for frame in range(FRAMES):
            pixels, plane = ground.copy(), np.zeros(WIDE, np.uint8)
            for thing in range(3):
                y, x = (at[thing] + frame * pace[thing]).astype(int)
                colour = [int(part) for part in rng.integers(0, 255, 3)]
                cv2.ellipse(pixels, (int(x), int(y)), (60, 35), 20, 0, 360, colour, -1)
                cv2.ellipse(plane, (int(x), int(y)), (60, 35), 20, 0, 360, thing + 1, -1)
            noisy = np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folders[0] / f"{frame:05d}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 80])
            cv2.imwrite(str(folders[1] / f"{frame:05d}.png"), plane)
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "train.txt").write_text("".join(f"{film}\n" for film in names))
    import json

    (root / "davis_semantics.json").write_text(json.dumps(names))
    return root


def corpus_recipe(source: dict[str, Any], samples: int) -> CorpusRecipe:
    return recipes.parse(
        {"name": "bench", "samples": samples, "val": 0, "shard": {"samples": max(10, samples // 4)}, "sources": [source],
         "exposures": ["relabel", {"name": "absent", "weight": 2}, "near_miss"]}
    )  # fmt: skip


def on_the_fly(planner: SamplePlanner, index: int) -> Sample:
    """Sample `index` of the recipe from loose files, nothing encoded."""
    part = planner.part_of(index)
    for attempt in range(500):
        spec = planner.spec(index, attempt, part)
        draft = spec.expose(spec.scene())
        if isinstance(draft, Rejection):
            continue
        question, answer = planner.recipe.prompts.draw(spec.task.rng, draft.names, draft.rule)
        done = augment.apply(draft, planner.recipe.image, planner.recipe.augmentations, spec.task.rng)
        if isinstance(done, Rejection):
            continue
        size = done.frames[0].size
        planes = [np.zeros(size, np.bool_) if mask is None else masks.decode(mask) for mask in done.masks]
        frames = np.stack([frame.pixels() for frame in done.frames])
        return Sample(frames, done.names, question, answer, np.stack(planes), done.labels, str(index))
    raise SystemExit("no scene gives a sample")


def seconds(way: Callable[[], Iterable[object]]) -> float:
    """Processor time of making all samples, each of which is dropped before the next one, as in training."""
    began = time.process_time()
    collections.deque(way(), maxlen=0)
    return time.process_time() - began


def same(one: Sample, other: Sample) -> bool:
    """Both ways give one sample: prompt, labels, masks; pixels up to JPEG's rounding."""
    assert one.masks is not None
    assert other.masks is not None
    words = (one.names, one.labels, one.question, one.answer) == (
        other.names,
        other.labels,
        other.question,
        other.answer,
    )
    close = np.abs(one.frames.astype(int) - other.frames.astype(int)).mean() < 3
    return words and bool(close) and bool((one.masks == other.masks).all())


def compare(
    kind: str, recipe: CorpusRecipe, home: Path, options: argparse.Namespace, processor: LavidaProcessor
) -> None:
    """Build the corpus, check that the ways give the same, measure in turns, print."""
    corpus = home / f"{kind}-corpus"
    build.build(recipe, corpus)
    planner = SamplePlanner.open(recipe)
    (dataset,), _ = open_datasets([DataEntry(corpus=str(corpus))], "train", LoaderSettings(check="size"))
    reader, ends = SampleReader([dataset]), np.cumsum(dataset.sizes)
    shards = [dataset.corpus.path(entry) for entry in dataset.shards]

    def position(number: int) -> SamplePosition:
        shard = int(np.searchsorted(ends, number, side="right"))
        return SamplePosition(0, shard, int(number - ends[shard] + dataset.sizes[shard]))

    def stored(number: int) -> Sample:
        return reader.sample(position(number))

    def fly(number: int) -> Sample:
        with patch.object(records, "load", return_value=None), patch.object(records, "store"):
            return on_the_fly(planner, number)

    order = np.random.default_rng(2).permutation(recipe.samples).tolist()
    assert all(same(stored(number), fly(number)) for number in order[:20]), "the two ways differ"
    for number in order[:8]:
        loader_peers.check_same(processor, processor([stored(number)]), stored(number))
    jpegs = [
        np.frombuffer(frame, np.uint8)
        for number in order
        for frame in reader._shard(0, position(number).shard).sample(position(number).sample).frames
    ]
    ways: dict[str, Callable[[], Iterable[object]]] = {
        "shards": lambda: (processor([stored(number)]) for number in order),
        "shards, tensors as of 62898d3": lambda: (tensors_in_floats(processor, stored(n)) for n in order),
        "on the fly": lambda: (processor([fly(number)]) for number in order),
        "on the fly, tensors as of 62898d3": lambda: (tensors_in_floats(processor, fly(n)) for n in order),
        "shards, the authors' operations (OpenCV)": lambda: (tensors_of_opencv(processor, stored(n)) for n in order),
        "on the fly, the authors' operations (OpenCV)": lambda: (tensors_of_opencv(processor, fly(n)) for n in order),
        "webdataset": lambda: (processor([sample]) for sample in loader_peers.by_webdataset(shards)),
        "datasets, streaming": lambda: (processor([sample]) for sample in loader_peers.by_datasets(shards)),
        "floor: JPEGs decoded": lambda: (cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB) for jpeg in jpegs),
        "decoded samples from shards": lambda: (stored(number) for number in order),
        "decoded samples on the fly": lambda: (fly(number) for number in order),
        "decoded samples on the fly, masks in our cache": lambda: (on_the_fly(planner, number) for number in order),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(options.rounds):
        names = list(ways)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(seconds(ways[name]) / len(order) * 1000)
    for name, taken in times.items():
        shares = [other / ours for other, ours in zip(taken, times["shards"], strict=True)]
        print(
            f"  {kind:5} {name:45} {statistics.median(taken):7.2f} ms ({min(taken):.2f} to {max(taken):.2f}), "
            f"{statistics.median(shares):.2f} of shards ({min(shares):.2f} to {max(shares):.2f})",
            flush=True,
        )


def loader_rates(home: Path, processor: LavidaProcessor) -> None:
    """The whole loader, in worker processes."""
    for kind in ("image", "clip"):
        for workers in (0, 1, 2):
            fit = {"batch": BATCH, "validation": None, "loader": {"workers": workers}}
            data = [{"corpus": str(home / f"{kind}-corpus")}]
            recipe = runs.parse({"name": "bench", "model": {"preset": "tiny"}, "data": data, "fit": fit})
            batches = Loader(recipe, processor).batches(0, 14)
            next(batches), next(batches)
            began = time.perf_counter()
            many = sum(len(loaded.batch) for loaded in batches)
            print(f"  {kind:6} loader, {workers} workers: {many / (time.perf_counter() - began):8.1f} samples/s")


def main() -> None:
    """Draw the data, run everything, print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--samples", type=int, default=120, help="images; a quarter as many clips")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--loader", action="store_true", help="time the loader in worker processes, too")
    options = arguments.parse_args()
    kept = keep_freed_memory()
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    processor = LavidaProcessor.from_preset("tiny")
    processor.sizes = replace(processor.sizes, frame_size=1024, budgets=BUDGETS)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        coco = {"name": "coco", "root": str(draw_coco(home / "coco")), "split": "val2017"}
        davis = {"name": "davis", "root": str(draw_davis(home / "davis")), "frames": 8}
        print(
            f"processor time a sample, median of {options.rounds} rounds, images of {SIZE[1]} x {SIZE[0]}, 8 frames of 854 x 480, "
            f"freed memory {'kept' if kept else 'given back as glibc does'}"
        )
        compare("image", corpus_recipe(coco, options.samples), home, options, processor)
        compare("clip", corpus_recipe(davis, max(BATCH, options.samples // 4)), home, options, processor)
        if options.loader:
            loader_rates(home, processor)


if __name__ == "__main__":
    main()
