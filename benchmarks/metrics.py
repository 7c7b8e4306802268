"""Speed and memory of the metrics: pixel AUC against scikit-learn, RBDC and TBDC, bootstrap intervals.

    python benchmarks/metrics.py [--pixels 50] [--skip-sklearn]

Each line is measured in a process of its own, so that its peak memory is its own. Processor time does not depend on what
else the machine does. Writes nothing; prints Markdown.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics import _base as metric
from lavida_bench.metrics import _bootstrap as bootstrap
from lavida_bench.metrics._base import Metric
from lavida_bench.protocols import protocol as protocols
from lavida_bench.videos.types import Detections, TestVideo, Track, VideoScore

SIZE = (240, 360)  # UCSD Ped2
FRAMES = 200  # of one video
OFFICIAL = protocols.make("official")


def peak() -> float:
    """Peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def now() -> tuple[float, float]:
    """Wall clock and processor time of this process, in seconds."""
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float], *others: dict[str, float]) -> dict[str, float]:
    """Seconds since `start` plus those of `others`: "seconds" of the wall clock, "cpu" of the processor."""
    wall, cpu = (after - before for after, before in zip(now(), start, strict=True))
    total = {"seconds": wall, "cpu": cpu}
    return {name: value + sum(other[name] for other in others) for name, value in total.items()}


def no_frames(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("metrics read no frames")


def pixels(portion: int, start: int, stop: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Drawn maps and masks of frames start..stop-1 of video `portion`, 2 % anomalous: the same in every call."""
    maps = np.empty((stop - start, *SIZE), np.float16)
    masks = np.empty(maps.shape, np.bool_)
    for frame in range(start, stop):
        rng = np.random.default_rng([portion, frame])
        masks[frame - start] = rng.random(SIZE, np.float32) < 0.02
        maps[frame - start] = rng.standard_normal(SIZE, np.float32) + masks[frame - start]
    return maps, masks


def arrays(millions: float) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """All maps and masks at once, as scikit-learn needs them."""
    frames = round(millions * 1e6 / (SIZE[0] * SIZE[1]))
    return pixels(0, 0, frames)


def ours(maps: NDArray[np.floating[Any]], masks: NDArray[np.bool_], name: str = "pixel_auc") -> Metric:
    """A pixel metric of one video that is in memory."""
    labels = np.ones(len(maps), np.bool_)  # pixel metrics read masks
    video = TestVideo("v", len(maps), SIZE, no_frames, 25.0, (), labels, lambda a, b: masks[a:b])
    measured = metric.make(name)
    measured.update(OFFICIAL.view(video, VideoScore("v", np.zeros(len(maps)), pixels=lambda a, b: maps[a:b])))
    return measured


def same_arrays(millions: float, dtype: str, sklearn: bool) -> dict[str, float]:
    """AUC of the same scores of type `dtype`: ours, or scikit-learn's. Drawing is not timed."""
    from sklearn.metrics import roc_auc_score

    halves, masks = arrays(millions)
    maps = halves.astype(dtype)
    if dtype != "float16":  # distinct scores: float16 in another type would be heavily tied
        for frame, values in enumerate(maps):
            values += 1e-3 * np.random.default_rng(frame).standard_normal(SIZE, np.float32)
    del halves
    before, start = peak(), now()
    if sklearn:
        value, bound = float(roc_auc_score(masks.ravel(), maps.ravel())), 0.0
    else:
        measured = ours(maps, masks)
        value, bound = measured.exact()["micro"], measured.error_bounds().get("micro", 0.0)
    return {"value": value, "bound": bound, **since(start), "peak": peak() - before}


def streamed(millions: float) -> dict[str, float]:
    """Pixel AUC, AP and the 40 % criterion of videos that are drawn while they are read. Drawing is in the time."""
    metrics = [metric.make(name) for name in ("pixel_auc", "pixel_ap", "pixel_auc_40")]
    before, start = peak(), now()
    for portion in range(max(1, round(millions * 1e6 / (SIZE[0] * SIZE[1] * FRAMES)))):
        video = TestVideo(
            f"v{portion}", FRAMES, SIZE, no_frames, 25.0, (), np.zeros(FRAMES, np.bool_), partial(_masks, portion)
        )
        item = OFFICIAL.view(video, VideoScore(video.key, np.zeros(FRAMES, np.float32), pixels=partial(_maps, portion)))
        for measured in metrics:
            measured.update(item)
    value = metrics[0].exact()["micro"]
    return {"value": value, **since(start), "peak": peak() - before}


def _maps(portion: int, start: int, stop: int) -> NDArray[np.float16]:
    return pixels(portion, start, stop)[0]


def _masks(portion: int, start: int, stop: int) -> NDArray[np.bool_]:
    return pixels(portion, start, stop)[1]


def regions(detections: int, frames: int, videos: int, name: str) -> dict[str, float]:
    """RBDC or TBDC: 3 tracks a video through half of its frames, the detections spread evenly."""
    rng = np.random.default_rng(0)
    length, number = frames // videos, detections // videos
    before, spent, measured = peak(), [], metric.make(name)
    for index in range(videos):
        frame_numbers = np.arange(length // 4, 3 * length // 4)
        corners = [rng.integers(0, 500, (len(frame_numbers), 2)) for _ in range(3)]
        tracks = tuple(
            Track("", frame_numbers, np.concatenate([c, c + 100], axis=1).astype(np.float32)) for c in corners
        )
        corner = rng.integers(0, 500, (number, 2))
        boxes = np.concatenate([corner, corner + rng.integers(20, 150, (number, 2))], axis=1).astype(np.float32)
        regions_found = Detections(rng.integers(0, length, number), boxes, rng.random(number, np.float32))
        labels = np.zeros(length, np.bool_)
        labels[frame_numbers] = True
        video = TestVideo(f"v{index}", length, (600, 600), no_frames, 25.0, (), labels, None, tracks)
        start = now()
        measured.update(
            OFFICIAL.view(video, VideoScore(video.key, np.zeros(length, np.float32), detections=regions_found))
        )
        spent.append(since(start))
    start = now()
    value = measured.exact()["micro"]
    return {"value": value, **since(start, *spent), "peak": peak() - before}


def intervals(name: str, videos: int, frames: int) -> dict[str, float]:
    """A frame metric with 1,000 resamples; every score is distinct."""
    rng = np.random.default_rng(0)
    measured = metric.make(name)
    before, start = peak(), now()
    for index in range(videos):
        labels = rng.random(frames) < 0.1
        video = TestVideo(f"v{index}", frames, (2, 2), no_frames, 25.0, (), labels)
        measured.update(OFFICIAL.view(video, VideoScore(video.key, rng.standard_normal(frames).astype(np.float32))))
    value = bootstrap.metric_result(measured, bootstrap.Bootstrap()).headline.value
    return {"value": value or 0.0, **since(start), "peak": peak() - before}


def alone(work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Run `work` in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)


def line(what: str, work: Callable[..., dict[str, float]], *args: Any) -> dict[str, float]:
    row = alone(partial(work, *args))
    print(
        f"| {what} | {row['cpu']:.2f} s | {row['seconds']:.2f} s | {row['peak']:.0f} MiB | {row['value']:.9f} |",
        flush=True,
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=float, default=50, help="millions of pixels for the comparison")
    parser.add_argument("--skip-sklearn", action="store_true")
    parser.add_argument("--only-pixels", action="store_true", help="stop after the comparison with scikit-learn")
    options = parser.parse_args()
    millions = options.pixels
    print("| what | processor | wall clock | memory it took | value |\n|---|---|---|---|---|")
    ratios = []
    for dtype in ("float16", "float32", "float64"):
        mine = line(f"pixel_auc, {millions:g} M pixels of {dtype} in memory", same_arrays, millions, dtype, False)
        if not options.skip_sklearn:
            what = f"scikit-learn roc_auc_score, the same {millions:g} M pixels"
            theirs = line(what, same_arrays, millions, dtype, True)
            difference = abs(theirs["value"] - mine["value"])
            ratios.append(
                f"{dtype}: pixel_auc takes {theirs['cpu'] / mine['cpu']:.1f} times less processor time than "
                f"scikit-learn; values differ by {difference:.1e}, computed bound {mine['bound']:.1e}"
            )
    if options.only_pixels:
        print("", *ratios, sep="\n")
        return
    for streams in (millions / 5, millions, millions * 5):
        line(f"pixel_auc + pixel_ap + pixel_auc_40, {streams:g} M pixels, drawn as they are read", streamed, streams)
    for name in ("rbdc", "tbdc"):
        line(f"{name}, 1,000,000 detections, 100,000 frames, 100 videos", regions, 1_000_000, 100_000, 100, name)
    line("rbdc, 1,000,000 detections, 100,000 frames, 1 video", regions, 1_000_000, 100_000, 1, "rbdc")
    for name in ("frame_auc", "frame_ap"):
        line(f"{name} with interval (1,000 resamples), 290 videos x 3,834 frames", intervals, name, 290, 3834)
    print("", *ratios, sep="\n")


if __name__ == "__main__":
    main()
