"""How fast are corpora built, beside the fastest possible build and beside one written by hand?

    python benchmarks/build.py [--samples 6000] [--rounds 5] [--before FOLDER] [--profile]

Each kind of work runs in a process of its own, which reports seconds without its imports; the order rotates:

- floor: read the bytes of an image, rasterise and encode the mask of every second sample by our own functions (the
  other half is normal, as in the build, and shares one empty mask), append both to a tar, compute its digest;
- peer: a corpus as one would write it by hand with pycocotools, Pillow and webdataset (build_work/peer.py);
- build: ours, with one worker and with two; and two builds at the same time, each with one worker, which share nothing:
  what two busy cores of this machine can do at most;
- before: the same with one worker, by a checkout of an earlier version (`--before`), with two as well.

Processor seconds do not count waiting: a busy machine changes them less than wall time. Two workers each do half of
their processor seconds; the parent's are not done in parallel. Ratios are those of one round. The data sets are drawn
(benchmarks/drawn_data), and their index is made beforehand; nothing else is kept from one process to the next.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from build_work.stages import FLOOR, stages
from drawn_data import FRAMES, clip_recipe, coco_recipe, draw_coco, draw_vos, street_recipe

from lavida_gen.building import build as builder

Rates = dict[str, float]
"""By kind of work: samples per processor second, per second ("KIND wall"), and the processor seconds of the process and
of its workers ("KIND own", "KIND workers")."""


def run_once(what: str, root: Path, out: Path, samples: int, before: Path | None) -> tuple[float, float, float, float]:
    """Run one kind of work in a process of its own.

    Args:
        what: As `build_work/once.py` takes it; "pair" for two builds at the same time, each with one worker.
        root: The data set.
        out: File or folder to write; removed afterwards.
        samples: Number of samples.
        before: The checkout whose code runs; None for this one.

    Returns:
        The numbers of `Rates`, in their order.
    """
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as `lavida-gen build` sets it
    if before is not None:
        environment["PYTHONPATH"] = str(before / "generator")
    places = [out, out.with_name("other")] if what == "pair" else [out]
    command = [sys.executable, "-m", "build_work.once", "build" if what == "pair" else what, str(root)]
    running = [
        subprocess.Popen(
            [*command, str(place), str(samples)], cwd=Path(__file__).parent, env=environment, stdout=subprocess.PIPE
        )
        for place in places
    ]
    seconds = [json.loads(process.communicate()[0]) for process in running]
    for place in places:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    workers = 2 if what == "build2" else 1
    own, children, wall = (statistics.mean(row[key] for row in seconds) for key in ("own", "children", "wall"))
    made = samples * len(places)
    return made / (own + children / workers), made / wall, own, children


def rounds_of(
    kinds: Sequence[str], root: Path, home: Path, samples: int, rounds: int, before: Path | None
) -> list[Rates]:
    """Measure all kinds of work in turns; "before-KIND" is KIND by the earlier version."""
    found = []
    for round_ in range(rounds):
        rates: Rates = {}
        for place in range(len(kinds)):
            kind = kinds[(place + round_) % len(kinds)]
            earlier = before if kind.startswith("before-") else None
            what = kind.removeprefix("before-")
            keys = (kind, f"{kind} wall", f"{kind} own", f"{kind} workers")
            rates.update(zip(keys, run_once(what, root, home / "out", samples, earlier), strict=True))
        found.append(rates)
    return found


def line(rates: Sequence[Rates], kind: str, text: str, compared: Sequence[tuple[str, str]] = ()) -> None:
    """Print the median rate of a kind of work and its ratios to others (kind, words after the number)."""

    def spread(numbers: Sequence[float], form: str) -> str:
        return f"{statistics.median(numbers):{form}} ({min(numbers):{form}} to {max(numbers):{form}})"

    ratios = [f"{spread([row[kind] / row[base] for row in rates], '.2f')} {words}" for base, words in compared]
    wall = statistics.median(row[f"{kind} wall"] for row in rates)
    print(f"  {text:18} {spread([row[kind] for row in rates], '.0f'):22} {wall:8.0f}  {', '.join(ratios)}")


def images(home: Path, samples: int, rounds: int, before: Path | None) -> None:
    """Measure untouched images and print the table."""
    root = draw_coco(home / "coco")
    builder.build(coco_recipe(root, 50), home / "warm")  # the index is made once, beforehand
    earlier = [] if before is None else ["before-build", "before-build2"]
    if before is not None:
        run_once("build", root, home / "out", 50, before)
    rates = rounds_of(["floor", "peer", "build", "build2", "pair", *earlier], root, home, samples, rounds, before)
    print(f"{samples} untouched images, {rounds} rounds: median (least to most)")
    print("  work               per processor second   per second  ratios of the same round")
    line(rates, "floor", "floor")
    line(rates, "peer", "peer", [("floor", "of the floor")])
    if before is not None:
        line(rates, "before-build", "before, 1 worker", [("floor", "of the floor"), ("peer", "of the peer")])
        line(rates, "before-build2", "before, 2 workers", [("before-build", "times one")])
    compared = [("floor", "of the floor (goal 0.75)"), ("peer", "of the peer")]
    line(rates, "build", "build, 1 worker", compared + [("before-build", "of before")] * (before is not None))
    line(rates, "build2", "build, 2 workers", [("build", "times one (goal 1.8)"), ("pair", "of two builds at once")])
    line(rates, "pair", "two builds at once", [("build", "times one")])
    seconds = [statistics.median(row[key] for row in rates) for key in ("build own", "build2 own", "build2 workers")]
    print("  processor seconds: one worker {:.2f}; two {:.2f} in the parent, {:.2f} in both workers".format(*seconds))


def clips(home: Path, samples: int, rounds: int, before: Path | None) -> None:
    """Measure untouched clips and print the table."""
    root = draw_vos(home / "vos")
    builder.build(clip_recipe(root, 20), home / "warm-clips")
    earlier = [] if before is None else ["before-clip-build"]
    if before is not None:
        run_once("clip-build", root, home / "out", 20, before)
    rates = rounds_of(["clip-floor", "clip-build", *earlier], root, home, samples, rounds, before)
    print(f"{samples} untouched clips of {FRAMES} frames, {rounds} rounds: median (least to most)")
    line(rates, "clip-floor", "floor")
    if before is not None:
        line(rates, "before-clip-build", "before, 1 worker", [("clip-floor", "of the floor")])
    line(rates, "clip-build", "build, 1 worker", [("clip-floor", "of the floor (goal 0.75)")])


def show_stages(home: Path, samples: int, rounds: int) -> None:
    """Print what each stage of an untouched image costs."""
    recipe = coco_recipe(draw_coco(home / "coco"), samples)
    found = [stages(recipe, home) for _ in range(rounds)]
    whole = statistics.median(sum(row.values()) for row in found)
    print(f"{samples} untouched images, processor microseconds a sample, {rounds} rounds: median (least to most)")
    for stage in found[0]:
        numbers = [row[stage] for row in found]
        middle = statistics.median(numbers)
        mark = "also in the floor" if stage in FLOOR else ""
        print(f"  {stage:20} {middle:5.0f} ({min(numbers):.0f} to {max(numbers):.0f})  {middle / whole:4.0%}  {mark}")
    floor = statistics.median(sum(row[stage] for stage in FLOOR) for row in found)
    print(f"  {'all':20} {whole:5.0f}; in the floor {floor:.0f}; 0.75 of it would leave {floor / 3:.0f} for the others")


def profile(work: Callable[[], object]) -> None:
    """Print where one worker spends its time."""
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(work)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    """Run all measurements and print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--samples", type=int, default=6000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--clips", type=int, default=400, help="0 for none")
    arguments.add_argument("--clips-only", action="store_true", help="measure clips alone")
    arguments.add_argument("--before", type=Path, help="checkout of an earlier version to compare with")
    arguments.add_argument("--profile", action="store_true", help="profile one worker instead")
    arguments.add_argument("--stages", action="store_true", help="the cost of each stage of a sample instead")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if options.stages:
            show_stages(home, options.samples, options.rounds)
            return
        if options.profile:
            if options.clips_only:
                recipe, warm = clip_recipe(draw_vos(home / "data"), options.clips), clip_recipe(home / "data", 20)
            else:
                recipe, warm = coco_recipe(draw_coco(home / "data"), options.samples), coco_recipe(home / "data", 50)
            builder.build(warm, home / "warm")
            profile(lambda: builder.build(recipe, home / "profiled"))
            return
        if not options.clips_only:
            images(home, options.samples, options.rounds, options.before)
        if options.clips:
            clips(home, options.clips, options.rounds, options.before)
        for kind, samples in () if options.clips_only else (("image", 100), ("clip", 30)):
            began = time.process_time()
            builder.build(street_recipe(samples, kind), home / f"street-{kind}")
            rate = samples / (time.process_time() - began)
            print(f"  street {kind:5}, 1 worker {rate:8.1f} per processor second (rendered and encoded)")


if __name__ == "__main__":
    main()
