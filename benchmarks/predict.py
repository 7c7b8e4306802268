"""How fast is `predict` on a file, beside one loop that only decodes it and runs the model, on the same cores?

    python benchmarks/predict.py [VIDEO ...] [--rounds 5] [--seconds 12] [--preset tiny]

    loop            PyAV decodes every picture, one in `every` becomes RGB, 8 make a clip, 4 clips go through the model;
                    nothing is written: the peer of `predict --no-overlay`
    loop, encoded   the same, and for every picture the one that `predict` drew goes into an H.264 file with the overlay's
                    options: the bound of `predict`, which also draws, and makes a timeline
    no overlay      `predict --no-overlay`
    overlay         `predict`

The ways take turns in one process, another one first in each round, after one turn of each that does not count. Torch has
one thread, and the allocator is set as `lavida-bench` sets it. Processor seconds hold on a machine that does other work too, wall seconds do not. A ratio is the loop's seconds
by those of predict in the same round: 1 = predict adds nothing. Without VIDEO: those of shared/data/videos beside the checkout, or one
that is drawn here.
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import torch
from av.video.frame import PictureType

from lavida_bench.common.allocator import keep_freed_memory
from lavida_bench.prediction.overlay import ENCODING
from lavida_bench.prediction.predict import LARGEST_STEP, PER_SECOND, predict
from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.scoring.lavida_scorer import LavidaScorer, load_scorer
from lavida_bench.videos.stream import Stream

NAMES = ("fighting", "robbery", "fire", "traffic accident")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "videos"
CLIP, BATCH = 8, 4
Encode = Callable[[int], None]


class Spent(NamedTuple):
    """Seconds of one turn."""

    processor: float
    wall: float


def draw_video(path: Path, frames: int = 300) -> Path:
    """Write an H.264 video of 960 x 540 at 25 frames a second, with texture and motion."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(0, 255, (68, 120, 3), np.uint8), (960, 540), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "23"})
        stream.height, stream.width, stream.pix_fmt = 540, 960, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(frames):
            pixels = ground.copy()
            cv2.circle(pixels, (number * 6 % 960, 270), 80, (200, 40, number % 255), -1)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def clips_of(video: Path, seconds: float, encode: Encode | None) -> Iterator[np.ndarray]:
    """Decode a video, pass on clips of (8, H, W, 3), call `encode` with the number of every picture on the way."""
    with av.open(str(video)) as source:
        stream = source.streams.video[0]
        stream.thread_type = "AUTO"
        rate = stream.average_rate or Fraction(25)
        every = min(LARGEST_STEP, max(1, round(float(rate) / PER_SECOND)))
        sampled: list[np.ndarray] = []
        for number, picture in enumerate(islice(source.decode(stream), math.ceil(seconds * rate))):
            if number % every == 0:
                sampled.append(picture.to_ndarray(format="rgb24"))
                if len(sampled) == CLIP:
                    yield np.stack(sampled)
                    sampled = []
            if encode is not None:
                encode(number)
        if sampled:
            yield np.stack(sampled + sampled[-1:] * (CLIP - len(sampled)))


def pictures_of(overlay: Path) -> tuple[list[av.VideoFrame], Fraction]:
    """Decode what `predict` drew; its pictures in order and their rate."""
    with av.open(str(overlay)) as source:
        pictures = list(source.decode(video=0))
        rate = source.streams.video[0].average_rate or Fraction(25)
        for number, picture in enumerate(pictures):
            picture.pts, picture.time_base, picture.pict_type = number, 1 / rate, PictureType.NONE
        return pictures, rate


def loop_encoded(
    scorer: LavidaScorer, video: Path, seconds: float, path: Path, drawn: tuple[list[av.VideoFrame], Fraction]
) -> list[float]:
    """Decode, score and encode; return the logits."""
    pictures, rate = drawn
    with av.open(str(path), "w") as target:
        output = target.add_stream("libx264", rate=rate, options=ENCODING)
        output.height, output.width, output.pix_fmt = pictures[0].height, pictures[0].width, "yuv420p"
        found = loop(scorer, video, seconds, lambda number: target.mux(output.encode(pictures[number])))
        target.mux(output.encode())
    return found


def loop(scorer: LavidaScorer, video: Path, seconds: float, encode: Encode | None = None) -> list[float]:
    """Decode and score; return the logits of the frames, repeats of the last one too."""
    found: list[float] = []
    clips: list[np.ndarray] = []

    def score() -> None:
        if clips:
            found.extend(scorer.score(scorer.prepare(clips, NAMES))().frames.tolist())
            clips.clear()

    for clip in clips_of(video, seconds, encode):
        clips.append(clip)
        if len(clips) == BATCH:
            score()
    score()
    return found


def predicted(scorer: LavidaScorer, video: Path, out: Path, seconds: float, overlay: bool) -> list[float]:
    """Predict; return the logits of the sampled frames."""
    predict(scorer, Stream(video), NAMES, out, PredictionSettings(overlay=overlay, seconds=seconds))
    lines = (out / "scores.csv").read_text("utf-8").splitlines()[1:]
    return [float(line.split(",")[2]) for line in lines]


def spend(way: Callable[[], object]) -> Spent:
    """Run one way; its seconds, those of all threads for the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    way()
    return Spent(time.process_time() - processor, time.perf_counter() - wall)


def measure(scorer: LavidaScorer, video: Path, folder: Path, seconds: float, rounds: int) -> None:
    """Let the ways take turns, print a table."""
    predicted(scorer, video, folder / "drawn", seconds, True)
    drawn = pictures_of(folder / "drawn" / "overlay.mp4")
    ways: dict[str, Callable[[], list[float]]] = {
        "loop": lambda: loop(scorer, video, seconds),
        "loop, encoded": lambda: loop_encoded(scorer, video, seconds, folder / "peer.mp4", drawn),
        "no overlay": lambda: predicted(scorer, video, folder / "plain", seconds, False),
        "overlay": lambda: predicted(scorer, video, folder / "drawn", seconds, True),
    }
    found = {name: way() for name, way in ways.items()}
    wrong = max(abs(a - b) for name in ways for a, b in zip(found["overlay"], found[name], strict=False))
    order, spent = list(ways), {name: list[Spent]() for name in ways}
    for _ in range(rounds):
        for name in order:
            spent[name].append(spend(ways[name]))
        order = order[1:] + order[:1]
    with av.open(str(video)) as opened:
        stream = opened.streams.video[0]
        rate = float(stream.average_rate or 0)
        what = f"{stream.codec_context.name}, {stream.width} x {stream.height}, {rate:g} frames a second"
    print(f"\n{video.name}: {what}; {len(found['overlay'])} frames scored; scores differ by {wrong:.1e} at most\n")
    print("| way | processor s | wall s | loop by it, processor | loop, encoded by it, processor | loop by it, wall |")
    print("|---|---|---|---|---|---|")
    for name in ways:
        mine = spent[name]
        cells = [spread([one.processor for one in mine]), spread([one.wall for one in mine])]
        for peer, kind in (("loop", 0), ("loop, encoded", 0), ("loop", 1)):
            cells.append(spread([other[kind] / one[kind] for one, other in zip(mine, spent[peer], strict=True)]))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Measure the videos of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=12.0, help="so much of each video")
    parser.add_argument("--preset", default="tiny", help="preset or folder of the model")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    scorer = load_scorer(options.preset, device="cpu")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        videos = options.videos or [path for path in (SHARED / "vtest.avi", SHARED / "bedroom.mp4") if path.is_file()]
        for video in videos or [draw_video(folder / "drawn.mp4")]:
            measure(scorer, video, folder, options.seconds, options.rounds)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
