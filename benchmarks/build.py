"""How fast are corpora built, beside what the machine could do at best?

    python benchmarks/build.py [--samples 6000] [--rounds 3] [--profile]

The floor is measured in the same run, in turns with the build: read the bytes of an image, rasterise and encode the mask
of every second sample (the other half is normal, as in the build, and shares one empty mask), append both to a tar,
digest it. Nothing else could be left out. A ratio holds on a noisy machine, a time does not.
Pictures are 640 x 480 JPEGs with 7 polygons each, as in COCO; nobody changes them, so their bytes pass through. Two floors at once are
measured too: where they are not twice as fast as one, the machine had no second core to give, and two workers cannot be
either. CPU seconds are compared as well: they know of no waiting.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import io
import json
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
from PIL import Image

from lavida_gen.building import build as builder
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.scenes import masks

SIZE = (480, 640)
IMAGES, THINGS, KINDS = 300, 7, 80
VIDEOS, LENGTH, OBJECTS, FRAMES = 20, 16, 4, 8


def polygon(rng: np.random.Generator) -> list[float]:
    """A star of 20 corners somewhere in the picture, about the size of a COCO thing."""
    centre, radius = rng.uniform((80, 80), (560, 400)), rng.uniform(15, 75)
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    reach = radius * rng.uniform(0.6, 1.0, 20)
    return np.round(centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None], 2).ravel().tolist()


def draw_coco(root: Path) -> Path:
    """A COCO data set in the official layout; pictures of about 85 kB."""
    rng = np.random.default_rng(0)
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    images, annotations = [], []
    for number in range(IMAGES):
        noise = rng.integers(0, 255, (60, 80, 3), np.uint8)
        grain = rng.normal(0, 6, (*SIZE, 3))
        pixels = np.clip(cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC) + grain, 0, 255).astype(np.uint8)
        name = f"{number:012d}.jpg"
        cv2.imwrite(str(root / "val2017" / name), pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
        images.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1], "license": 1})
        for _ in range(THINGS):
            kind = int(rng.integers(KINDS))
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": kind, "iscrowd": 0, "area": 1.0,
                 "bbox": [0, 0, 1, 1], "segmentation": [polygon(rng)]}
            )  # fmt: skip
    categories = [{"id": k, "name": f"kind{k}", "supercategory": f"group{k % 12}"} for k in range(KINDS)]
    licences = [{"id": 1, "name": "CC BY 2.0", "url": "https://creativecommons.org/licenses/by/2.0/"}]
    plain = {"images": images, "annotations": annotations, "categories": categories, "licenses": licences}
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(plain))
    return root


def floor(root: Path, out: Path, samples: int) -> float:
    """Samples a second of the work that nobody can leave out."""
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
    """Samples a second of two processes that each do half of the floor's work at once."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        tars = [home / "left.tar", home / "right.tar"]
        list(pool.map(floor, [root] * 2, tars, [20] * 2))  # imports are done before the clock starts
        began = time.perf_counter()
        list(pool.map(floor, [root] * 2, tars, [samples // 2] * 2))
        return samples / (time.perf_counter() - began)


def draw_vos(root: Path) -> Path:
    """YouTube-VOS in the official layout: 20 videos of 16 annotated frames, 4 objects that move."""
    rng = np.random.default_rng(0)
    videos = {}
    for video in range(VIDEOS):
        name = f"{video:010x}"
        noise = rng.integers(0, 255, (60, 80, 3), np.uint8)
        ground = cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        starts = rng.uniform((60, 60), (400, 300), (OBJECTS, 2))
        steps = rng.uniform(-6, 10, (OBJECTS, 2))
        for part in ("JPEGImages", "Annotations"):
            (root / "train" / part / name).mkdir(parents=True)
        for time_ in range(LENGTH):
            plane = np.zeros(SIZE, np.uint8)
            for at in range(OBJECTS):
                corner = starts[at] + steps[at] * time_
                cv2.ellipse(plane, tuple(map(int, corner)), (50, 35), 20.0 * at, 0, 360, at + 1, -1)
            pixels = np.clip(ground + rng.normal(0, 6, (*SIZE, 3)), 0, 255).astype(np.uint8)
            pixels[plane > 0] //= 2
            file = root / "train" / "JPEGImages" / name / f"{5 * time_:05d}.jpg"
            cv2.imwrite(str(file), pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
            image = Image.fromarray(plane)
            image.putpalette([(37 * at + 11) % 256 for at in range(768)])
            image.save(root / "train" / "Annotations" / name / f"{5 * time_:05d}.png")
        objects = {str(at + 1): {"category": f"kind{(video + 7 * at) % 65}"} for at in range(OBJECTS)}
        videos[name] = {"objects": objects}
    (root / "train" / "meta.json").write_text(json.dumps({"videos": videos}))
    return root


def clip_floor(root: Path, out: Path, clips: int) -> float:
    """Clips a second of the work that nobody can leave out: bytes of frames, masks decoded and encoded, tar, digest.

    Every second clip is normal, as in the build: its masks are one and the same empty PNG.
    """
    rng = np.random.default_rng(1)
    empty = masks.to_png(masks.empty(SIZE))
    videos = sorted((root / "train" / "JPEGImages").iterdir())
    began = time.perf_counter()
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(clips):
            video = videos[int(rng.integers(len(videos)))]
            for time_ in range(FRAMES):
                file = f"{5 * (time_ + 8 * (number // 2 % 2)):05d}"
                plane = np.asarray(Image.open(root / "train" / "Annotations" / video.name / f"{file}.png"))
                seen = (plane == 1 + number % OBJECTS).astype(np.uint8) * 255
                mask = empty if number % 2 else bytes(cv2.imencode(".png", seen, [cv2.IMWRITE_PNG_BILEVEL, 1])[1])
                fields = {"jpg": (video / f"{file}.jpg").read_bytes(), "mask.png": mask}
                for name, data in fields.items():
                    info = tarfile.TarInfo(f"{number:09d}.{time_:03d}.{name}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    with out.open("rb") as file_:
        hashlib.file_digest(file_, "sha256")
    return clips / (time.perf_counter() - began)


def clip_recipe(root: Path, samples: int) -> CorpusRecipe:
    return recipes.parse(
        {
            "name": "bench",
            "samples": samples,
            "val": 0.05,
            "shard": {"samples": max(20, samples // 8)},
            "sources": [{"name": "youtube_vos", "root": str(root), "frames": FRAMES}],
            "exposures": ["relabel", "absent"],
        }
    )


def coco_recipe(root: Path, samples: int) -> CorpusRecipe:
    return recipes.parse(
        {
            "name": "bench",
            "samples": samples,
            "val": 0.05,
            "shard": {"samples": max(50, samples // 16)},
            "sources": [{"name": "coco", "root": str(root), "split": "val2017"}],
            "exposures": ["relabel", {"name": "absent", "weight": 2}, "near_miss"],
        }
    )


def street_recipe(samples: int, kind: str) -> CorpusRecipe:
    return recipes.parse(
        {
            "name": "bench",
            "samples": samples,
            "shard": {"samples": max(10, samples // 8)},
            "sources": [{"name": "street", "kind": kind}],
            "exposures": ["relabel", "absent", "near_miss"],
        }
    )


def built(recipe: CorpusRecipe, out: Path, workers: int) -> float:
    """Samples a second of a whole build, opening and closing included."""
    began = time.perf_counter()
    builder.build(recipe, out, workers)
    return recipe.samples / (time.perf_counter() - began)


def busy(work: Callable[[], float]) -> tuple[float, float, float]:
    """(what `work` returns, CPU seconds of this process, CPU seconds of its children)."""
    before = os.times()
    rate = work()
    after = os.times()
    own = after.user + after.system - before.user - before.system
    children = after.children_user + after.children_system - before.children_user - before.children_system
    return rate, own, children


def measure(home: Path, recipe: CorpusRecipe, round_: int) -> dict[str, float]:
    """One round, each kind of work in turn: samples a second by name; the `cpu` ones as if nobody else were there.

    Of two workers each does half of the children's work; what the parent does, nobody does beside it.
    """
    coco, samples = home / "coco", recipe.samples
    bottom, floor_cpu, _ = busy(lambda: floor(coco, home / "floor.tar", samples))
    one, one_cpu, _ = busy(lambda: built(recipe, home / f"one{round_}", 1))
    two, own, children = busy(lambda: built(recipe, home / f"two{round_}", 2))
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
    """Median rates, and the median of each round's own ratios: load that comes and goes hits both sides of a ratio."""

    def rate(name: str) -> str:
        return f"{statistics.median(row[name] for row in rates):8.0f}"

    def ratio(name: str, base: str) -> str:
        found = sorted(row[name] / row[base] for row in rates)
        return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"

    print(f"{samples} untouched images, {len(rates)} rounds: median samples/s; median ratio (least to most)")
    print(f"  floor                 {rate('floor')}")
    print(f"  build, 1 worker       {rate('one')}  {ratio('one', 'floor')} of the floor; goal 0.75")
    print(f"  build, 2 workers      {rate('two')}  {ratio('two', 'one')} times one; goal 1.8")
    given = "times one: what the machine had to give"
    print(f"  two floors at once    {rate('floors')}  {ratio('floors', 'floor')} {given}")
    print("the same by CPU seconds, as if nobody else had used the cores")
    print(f"  floor                 {rate('floor cpu')}")
    print(f"  build, 1 worker       {rate('one cpu')}  {ratio('one cpu', 'floor cpu')} of the floor; goal 0.75")
    print(f"  build, 2 workers      {rate('two cpu')}  {ratio('two cpu', 'one cpu')} times one; goal 1.8")


def clip_rounds(home: Path, clips: int, rounds: int) -> None:
    """Floor and build in turns, and what was found: by the clock, and by CPU seconds."""
    root = draw_vos(home / "vos")
    builder.build(clip_recipe(root, 20), home / "warm-clips")
    rates: dict[str, list[float]] = {"floor": [], "build": [], "floor cpu": [], "build cpu": []}
    for round_ in range(rounds):
        floor_, floor_cpu, _ = busy(lambda: clip_floor(root, home / "clip-floor.tar", clips))
        build_, build_cpu, _ = busy(lambda n=round_: built(clip_recipe(root, clips), home / f"clips{n}", 1))
        for name, rate in zip(rates, (floor_, build_, clips / floor_cpu, clips / build_cpu), strict=True):
            rates[name].append(rate)
    print(f"{clips} untouched clips of {FRAMES} frames, {rounds} rounds: median clips/s; median ratio (least to most)")
    for kind, what in (("", "by the clock"), (" cpu", "by CPU seconds")):
        found = sorted(b / a for a, b in zip(rates[f"floor{kind}"], rates[f"build{kind}"], strict=True))
        ratio = f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f}) of the floor; goal 0.75"
        print(f"  floor, {what:15} {statistics.median(rates[f'floor{kind}']):8.1f}")
        print(f"  build, {what:15} {statistics.median(rates[f'build{kind}']):8.1f}  {ratio}")


def profile(work: Callable[[], object]) -> None:
    """Where one worker spends its time."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    """Run everything and print one table."""
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
        builder.build(coco_recipe(home / "coco", 50), home / "warm")  # the index is made once, before
        if options.profile:
            profile(lambda: builder.build(recipe, home / "profiled"))
            return
        rates = [measure(home, recipe, round_) for round_ in range(options.rounds)]
        report(rates, options.samples)
        clip_rounds(home, options.clips, options.rounds)
        for kind, samples in (("image", 100), ("clip", 30)):
            rate = built(street_recipe(samples, kind), home / f"street-{kind}", 1)
            print(f"  street {kind:5}, 1 worker {rate:8.1f}  (drawn and encoded)")


if __name__ == "__main__":
    main()
