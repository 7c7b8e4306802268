"""How large is the report of a benchmark of 290 videos (as many as UCF-Crime's test set), and how long does it take?

    python benchmarks/report.py [--videos 290] [--before CHECKOUT]

Each drawn video of 320 x 240 pixels has 2,000 scored frames, three peaks with pictures, pixel maps of 15 x 20 scores and an
annotated anomaly. The thumbnails of drawn frames take as many bytes as those of a detailed outdoor scene (PETS' vtest.avi:
5.1 kB as a WebP of 240 pixels). The numbers on the page are those of a small drawn benchmark.
`--before` adds the report of another checkout. Processor seconds are those of thumbnails,
pictures and pages, without the start of Python.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lavida_bench.baselines import _base as baselines
from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.evaluation.curve import timeline
from lavida_bench.evaluation.measure import Measurement, MeasureSettings, VideoView, measure
from lavida_bench.evaluation.thumbnails import peak_thumbnails
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.reporting import run_folder
from lavida_bench.results.provenance import current_provenance
from lavida_bench.videos.types import TestVideo, VideoScore

ROOT = Path(__file__).resolve().parents[1]
SIZE, FRAMES, EDGES = (240, 320), 2000, 45


@cache
def scene(seed: int) -> NDArray[np.uint8]:
    """A (240, 320, 3) uint8 picture: smooth colours, things with edges, fine texture."""
    rng = np.random.default_rng(seed)
    smooth = cv2.resize(rng.integers(30, 220, (5, 7, 3), np.uint8), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    for _ in range(EDGES):
        left, top, width, height = (int(x) for x in rng.integers((0, 0, 4, 4), (320, 240, 60, 80)))
        colour = tuple(int(x) for x in rng.integers(0, 255, 3))
        cv2.rectangle(smooth, (left, top), (left + width, top + height), colour, -1)
    texture = cv2.GaussianBlur(rng.normal(0, 16, (*SIZE, 1)), (0, 0), 0.7)[..., None]
    return np.asarray(np.clip(smooth + texture, 0, 255), np.uint8)


def frame(number: int) -> NDArray[np.uint8]:
    """A picture that no other number gives, made in less time than it takes to draw one."""
    return np.roll(scene(number % 61), number // 61 % 320, axis=1)


def video(number: int) -> tuple[TestVideo, VideoScore]:
    """A drawn video, every second one with an anomaly of 200 frames, and scores with pixel maps."""
    rng = np.random.default_rng(number)
    labels = np.zeros(FRAMES, bool)
    labels[800:1000] = number % 2

    def read(start: int, stop: int, step: int) -> NDArray[np.uint8]:
        return np.stack([frame(number * FRAMES + one) for one in range(start, stop, step)])

    def masks(start: int, stop: int) -> NDArray[np.bool_]:
        found = np.zeros((stop - start, *SIZE), bool)
        found[labels[start:stop], 80:160, 100:180] = True
        return found

    def maps(start: int, stop: int) -> NDArray[np.float16]:
        return np.random.default_rng(number * FRAMES + start).normal(size=(stop - start, 15, 20)).astype(np.float16)

    made = TestVideo(f"video{number:03d}", FRAMES, SIZE, read, 30.0, frame_labels=labels, mask_reader=masks)
    return made, VideoScore(made.key, rng.normal(size=FRAMES), pixels=maps)


def small_measurement() -> Measurement:
    """The measurement of the drawn benchmark, two videos of it."""
    opened = benchmarks.make("street", None, {"videos": 2, "frames": 16})
    scorer = baselines.make("frame_difference")
    pairs = [(one, scorer.score(one, baselines.rng_for(0, one.key))) for one in opened.videos()]
    how = MeasureSettings(bootstrap=Bootstrap(100), thumbnails=False)
    rules = protocols.make("official", opened.rules)
    return measure(opened, rules, pairs, "drawn", current_provenance({}, "python benchmarks/report.py"), how=how)


def write_report(run: Path, videos: int) -> None:
    """Write the report of drawn videos, and print its bytes and processor seconds."""
    small, drawn, spent = small_measurement(), [video(number) for number in range(videos)], 0.0
    for number in range(61):
        scene(number)  # beforehand
    views, numbers = [], np.arange(FRAMES)
    for one, score in drawn:
        began = time.process_time()
        shots = peak_thumbnails(one, score, numbers, score.frames)
        views.append(VideoView(one.key, timeline(one, numbers, score.frames), shots))
        spent += time.process_time() - began
    began = time.process_time()
    page = run_folder.add(run, replace(small, views=tuple(views)))
    spent += time.process_time() - began
    total = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    print(f"{page.stat().st_size / 1e6:.2f} {total / 1e6:.2f} {spent:.1f}")
    if hasattr(run_folder, "pictures"):
        alone = run_folder.render(run, single_file=True)
        print(f"{alone.stat().st_size / 1e6:.2f}")


def reported(checkout: Path, videos: int) -> list[str]:
    """The numbers that a checkout prints of itself."""
    folders = [str(checkout / name) for name in ("generator", "harness", "models")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "--videos", str(videos), "--out", f"{home}/run"]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()


def main() -> None:
    """Write the report of this checkout, and of another one."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--videos", type=int, default=290)
    arguments.add_argument("--before", type=Path, help="another checkout")
    arguments.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.out is not None:
        write_report(options.out, options.videos)
        return
    print("| report of | report.html | whole folder | --single-file | processor seconds |\n|---|---|---|---|---|")
    for name, checkout in (("this checkout", ROOT), ("before", options.before)):
        if checkout is not None:
            page, folder, seconds, *alone = reported(checkout, options.videos)
            single = f"{alone[0]} MB" if alone else ""
            print(f"| {name}, {options.videos} videos | {page} MB | {folder} MB | {single} | {seconds} |")


if __name__ == "__main__":
    main()
