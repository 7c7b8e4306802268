"""How fast are corpora built, compared with the fastest possible build?

    python benchmarks/build.py [--samples 6000] [--rounds 3] [--profile]

The lower bound ("floor") is measured in the same run, alternating with the build: read the bytes of an image, rasterise
and encode the mask of every second sample (the other half is normal, as in the build, and shares one empty mask),
append both to a tar, compute its digest. No build can do less. Ratios are comparable on a busy machine, times are not.
The data sets are drawn (benchmarks/drawn_data). Two floors at once are measured too: where they are not twice as fast
as one, the machine had no second core to give, and two workers cannot be either. CPU seconds are compared as well: they
do not count waiting.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import io
import multiprocessing
import os
import pstats
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from drawn_data import FRAMES, OBJECTS, SIZE, clip_recipe, coco_recipe, draw_coco, draw_vos, polygon, street_recipe
from PIL import Image

from lavida_gen.building import build as builder
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.scenes import masks


def floor(root: Path, out: Path, samples: int) -> float:
    """Samples per second of the work that every build must do."""
    rng = np.random.default_rng(1)
    empty = masks.to_png(masks.empty(SIZE))
    files = sorted((root / "val2017").glob("*.jpg"))
    polygons = [polygon(rng) for _ in range(200)]
    began = time.perf_counter()
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(samples):
            exposed = number % 2
            fields = {
                "jpg": files[int(rng.integers(len(files)))].read_bytes(),
                "mask.png": masks.to_png(masks.from_polygons([polygons[number % 200]], SIZE)) if exposed else empty,
            }
            for name, data in fields.items():
                info = tarfile.TarInfo(f"{number:09d}.{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    with out.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return samples / (time.perf_counter() - began)


def two_floors(root: Path, home: Path, samples: int) -> float:
    """Samples per second of two processes that each do half of the floor's work at the same time."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        tars = [home / "left.tar", home / "right.tar"]
        list(pool.map(floor, [root] * 2, tars, [20] * 2))  # import everything before the timer starts
        began = time.perf_counter()
        list(pool.map(floor, [root] * 2, tars, [samples // 2] * 2))
        return samples / (time.perf_counter() - began)


def clip_floor(root: Path, out: Path, clips: int) -> float:
    """Clips per second of the work that every build must do: read frames, decode and encode masks, tar, digest.

    Every second clip is normal, as in the build: all its masks are the same empty PNG.
    """
    rng = np.random.default_rng(1)
    empty = masks.to_png(masks.empty(SIZE))
    videos = sorted((root / "train" / "JPEGImages").iterdir())
    began = time.perf_counter()
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(clips):
            video = videos[int(rng.integers(len(videos)))]
            for frame in range(FRAMES):
                file = f"{5 * (frame + 8 * (number // 2 % 2)):05d}"
                plane = np.asarray(Image.open(root / "train" / "Annotations" / video.name / f"{file}.png"))
                bits = (plane == 1 + number % OBJECTS).astype(np.uint8) * 255
                mask = empty if number % 2 else bytes(cv2.imencode(".png", bits, [cv2.IMWRITE_PNG_BILEVEL, 1])[1])
                fields = {"jpg": (video / f"{file}.jpg").read_bytes(), "mask.png": mask}
                for name, data in fields.items():
                    info = tarfile.TarInfo(f"{number:09d}.{frame:03d}.{name}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    with out.open("rb") as file_:
        hashlib.file_digest(file_, "sha256")
    return clips / (time.perf_counter() - began)


def built(recipe: CorpusRecipe, out: Path, workers: int) -> float:
    """Samples per second of a whole build, with opening and finishing."""
    began = time.perf_counter()
    builder.build(recipe, out, workers)
    return recipe.samples / (time.perf_counter() - began)


def with_cpu_seconds(work: Callable[[], float]) -> tuple[float, float, float]:
    """The result of `work`, CPU seconds of this process, CPU seconds of its children."""
    before = os.times()
    rate = work()
    after = os.times()
    own = after.user + after.system - before.user - before.system
    children = after.children_user + after.children_system - before.children_user - before.children_system
    return rate, own, children


def measure(home: Path, recipe: CorpusRecipe, round_: int) -> dict[str, float]:
    """One round of all kinds of work: samples per second by name; `cpu` rates are per CPU second.

    Two workers each do half of the children's work; the parent's work is not done in parallel.
    """
    coco, samples = home / "coco", recipe.samples
    bottom, floor_cpu, _ = with_cpu_seconds(lambda: floor(coco, home / "floor.tar", samples))
    one, one_cpu, _ = with_cpu_seconds(lambda: built(recipe, home / f"one{round_}", 1))
    two, own, children = with_cpu_seconds(lambda: built(recipe, home / f"two{round_}", 2))
    return {
        "floor": bottom,
        "one": one,
        "two": two,
        "floors": two_floors(coco, home, samples),
        "floor cpu": samples / floor_cpu,
        "one cpu": samples / one_cpu,
        "two cpu": samples / (own + children / 2),
    }


def report(rates: list[dict[str, float]], samples: int) -> None:
    """Print median rates and the median of the ratios of each round: a varying load affects both sides of a ratio."""

    def rate(name: str) -> str:
        return f"{statistics.median(row[name] for row in rates):8.0f}"

    def ratio(name: str, base: str) -> str:
        ratios = sorted(row[name] / row[base] for row in rates)
        return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"

    print(f"{samples} untouched images, {len(rates)} rounds: median samples/s; median ratio (least to most)")
    print(f"  floor                 {rate('floor')}")
    print(f"  build, 1 worker       {rate('one')}  {ratio('one', 'floor')} of the floor; goal 0.75")
    print(f"  build, 2 workers      {rate('two')}  {ratio('two', 'one')} times one; goal 1.8")
    limit = "times one: the limit of this machine"
    print(f"  two floors at once    {rate('floors')}  {ratio('floors', 'floor')} {limit}")
    print("the same by CPU seconds, as on cores that nobody else uses")
    print(f"  floor                 {rate('floor cpu')}")
    print(f"  build, 1 worker       {rate('one cpu')}  {ratio('one cpu', 'floor cpu')} of the floor; goal 0.75")
    print(f"  build, 2 workers      {rate('two cpu')}  {ratio('two cpu', 'one cpu')} times one; goal 1.8")


def clip_rounds(home: Path, clips: int, rounds: int) -> None:
    """Measure floor and build of clips in turns, and print both by wall time and by CPU seconds."""
    root = draw_vos(home / "vos")
    builder.build(clip_recipe(root, 20), home / "warm-clips")
    rates: dict[str, list[float]] = {"floor": [], "build": [], "floor cpu": [], "build cpu": []}
    for round_ in range(rounds):
        floor_, floor_cpu, _ = with_cpu_seconds(lambda: clip_floor(root, home / "clip-floor.tar", clips))
        build_, build_cpu, _ = with_cpu_seconds(lambda n=round_: built(clip_recipe(root, clips), home / f"clips{n}", 1))
        for name, rate in zip(rates, (floor_, build_, clips / floor_cpu, clips / build_cpu), strict=True):
            rates[name].append(rate)
    print(f"{clips} untouched clips of {FRAMES} frames, {rounds} rounds: median clips/s; median ratio (least to most)")
    for kind, what in (("", "by wall time"), (" cpu", "by CPU seconds")):
        ratios = sorted(b / a for a, b in zip(rates[f"floor{kind}"], rates[f"build{kind}"], strict=True))
        ratio = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) of the floor; goal 0.75"
        print(f"  floor, {what:15} {statistics.median(rates[f'floor{kind}']):8.1f}")
        print(f"  build, {what:15} {statistics.median(rates[f'build{kind}']):8.1f}  {ratio}")


def profile(work: Callable[[], object]) -> None:
    """Print where one worker spends its time."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    """Run all measurements and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--samples", type=int, default=6000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--clips", type=int, default=400)
    arguments.add_argument("--clips-only", action="store_true", help="measure clips alone")
    arguments.add_argument("--profile", action="store_true", help="profile one worker instead")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if options.clips_only:
            if options.profile:
                recipe = clip_recipe(draw_vos(home / "vos"), options.clips)
                profile(lambda: builder.build(recipe, home / "profiled"))
                return
            clip_rounds(home, options.clips, options.rounds)
            return
        recipe = coco_recipe(draw_coco(home / "coco"), options.samples)
        builder.build(coco_recipe(home / "coco", 50), home / "warm")  # the index is made once, beforehand
        if options.profile:
            profile(lambda: builder.build(recipe, home / "profiled"))
            return
        rates = [measure(home, recipe, round_) for round_ in range(options.rounds)]
        report(rates, options.samples)
        clip_rounds(home, options.clips, options.rounds)
        for kind, samples in (("image", 100), ("clip", 30)):
            rate = built(street_recipe(samples, kind), home / f"street-{kind}", 1)
            print(f"  street {kind:5}, 1 worker {rate:8.1f}  (rendered and encoded)")


if __name__ == "__main__":
    main()
