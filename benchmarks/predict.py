"""How fast is `predict` on a file, beside one loop that only decodes it and runs the model, on the same cores?

    python benchmarks/predict.py [VIDEO ...] [--rounds 5] [--seconds 12] [--preset tiny] [--before FOLDER]

    loop            PyAV decodes every picture, one in `every` becomes RGB, 8 make a clip, 4 clips go through the model;
                    nothing is written: the peer of `predict --no-overlay`
    loop, encoded   the same, and for every picture the one that `predict` drew, as it drew it, goes into an H.264 file with
                    the overlay's options: the bound of `predict`, which also draws, and makes a timeline
    no overlay      `predict --no-overlay`
    overlay         `predict`
    before: ...     the two by the checkout in FOLDER, and the loop with its options of the encoder

The ways take turns, another one first in each round, after one turn of each that does not count: those of one checkout in one
process, which waits while the other one works. Torch has one thread, and the allocator is set as `lavida-bench` of the checkout
sets it. Processor seconds hold on a machine that does other work too, wall seconds do not. A ratio is the loop's seconds by
those of predict in the same round: 1 = predict adds nothing. Then the peak memory of the commands, each in a process of its own,
the median of three. Without VIDEO: those of shared/data/videos beside the checkout, or one that is drawn here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "videos"
BEFORE = "before: "
PREDICTS = {"no overlay": False, "overlay": True}


class Turn(NamedTuple):
    """Seconds of one turn, and the logits that it found."""

    processor: float
    wall: float
    found: list[float]


def serve(video: Path, seconds: float, preset: str, folder: Path) -> None:
    """Run the ways that standard input names, write their turns to standard output as JSON. For any checkout."""
    with suppress(ImportError):
        from lavida_bench.common.allocator import keep_freed_memory

        keep_freed_memory()
    import cv2
    import torch
    from predict_loops import NAMES, Encoder, drawn_pictures, loop

    from lavida_bench.prediction.predict import predict
    from lavida_bench.prediction.prediction import PredictionSettings
    from lavida_bench.scoring.lavida_scorer import load_scorer
    from lavida_bench.videos.stream import Stream

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    scorer = load_scorer(preset, device="cpu")
    drawn = []

    def run(way: str, encoding: dict[str, str]) -> list[float]:
        if way in PREDICTS:
            settings = PredictionSettings(overlay=PREDICTS[way], seconds=seconds)
            predict(scorer, Stream(video), NAMES, folder / way, settings)
            lines = (folder / way / "scores.csv").read_text("utf-8").splitlines()[1:]
            return [float(line.split(",")[2]) for line in lines]
        if not encoding:
            return loop(scorer, video, seconds)
        with Encoder(folder / "peer.mp4", drawn, encoding) as encoder:
            return loop(scorer, video, seconds, encoder.write)

    for line in sys.stdin:
        way, encoding = json.loads(line)
        if encoding and not drawn:
            drawn = drawn_pictures(scorer, video, folder / "drawn", seconds)
        wall, processor = time.perf_counter(), time.process_time()
        found = run(way, encoding)
        print(json.dumps(Turn(time.process_time() - processor, time.perf_counter() - wall, found)), flush=True)


def environment(checkout: Path) -> dict[str, str]:
    """The variables with which Python imports the packages of a checkout."""
    packages = [checkout / name for name in ("generator", "harness", "models", "training")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, packages))}


class Worker:
    """A process of one checkout that runs ways when it is asked."""

    def __init__(self, checkout: Path, words: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", *words],
            env=environment(checkout),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, way: str, encoding: dict[str, str] | None = None) -> Turn:
        """Run one way."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([way, encoding or {}]), file=self.process.stdin, flush=True)
        return Turn(*json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def encoding_of(checkout: Path) -> dict[str, str]:
    """The encoder's options of a checkout."""
    code = "import json; from lavida_bench.prediction.overlay import ENCODING; print(json.dumps(ENCODING))"
    made = subprocess.run(
        [sys.executable, "-c", code], env=environment(checkout), capture_output=True, text=True, check=True
    )
    options: dict[str, str] = json.loads(made.stdout)
    return options


def measure(video: Path, options: argparse.Namespace, folder: Path) -> None:
    """Let the ways take turns, print a table."""
    here, before = Path(__file__).resolve().parents[1], options.before
    words = [str(video), "--seconds", str(options.seconds), "--preset", options.preset, "--out"]
    now = Worker(here, [*words, str(folder / "now")])
    workers = [now]
    ways: dict[str, Callable[[], Turn]] = {
        "loop": lambda: now.run("loop"),
        "loop, encoded": lambda: now.run("loop", encoding_of(here)),
        "no overlay": lambda: now.run("no overlay"),
        "overlay": lambda: now.run("overlay"),
    }
    if before is not None:
        then, its_options = Worker(before, [*words, str(folder / "before")]), encoding_of(before)
        workers.append(then)
        ways |= {
            f"{BEFORE}loop, encoded": lambda: now.run("loop", its_options),
            f"{BEFORE}no overlay": lambda: then.run("no overlay"),
            f"{BEFORE}overlay": lambda: then.run("overlay"),
        }
    found = {name: way().found for name, way in ways.items()}
    order, turns = list(ways), {name: list[Turn]() for name in ways}
    for _ in range(options.rounds):
        for name in order:
            turns[name].append(ways[name]())
        order = order[1:] + order[:1]
    for worker in workers:
        worker.close()
    print(f"\n{video.name}: {len(found['overlay'])} frames scored")
    for name in ways:
        wrong = max(abs(a - b) for a, b in zip(found["overlay"], found[name], strict=False))
        if wrong:
            print(f"scores differ from those of {name} by {wrong:.1e} at most")
    print("\n| way | processor s | wall s | loop by it, processor | loop, encoded by it, processor |")
    print("|---|---|---|---|---|")
    for name in ways:
        mine = turns[name]
        cells = [spread([one.processor for one in mine]), spread([one.wall for one in mine])]
        encoded = f"{BEFORE}loop, encoded" if name.startswith(BEFORE) else "loop, encoded"
        for peer in ("loop", encoded):
            cells.append(
                spread([other.processor / one.processor for one, other in zip(mine, turns[peer], strict=True)])
            )
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def peak_memory(video: Path, options: argparse.Namespace, folder: Path) -> None:
    """Print what the commands take at most, each in a process of its own."""
    checkouts = {"": Path(__file__).resolve().parents[1]} | ({BEFORE: options.before} if options.before else {})
    for name, checkout in checkouts.items():
        for way, overlay in PREDICTS.items():
            words = [sys.executable, "-m", "lavida_bench", "predict", str(video), "--names", "fighting, fire"]
            words += ["--model", options.preset, "--seconds", str(options.seconds), "--device", "cpu"]
            words += ["--out", str(folder / "memory"), "--again", *([] if overlay else ["--no-overlay"])]
            peaks = []
            for _ in range(3):
                child = subprocess.Popen(words, env=environment(checkout), stdout=subprocess.DEVNULL)
                _, status, used = os.wait4(child.pid, 0)
                assert status == 0, f"{name}{way} failed"
                peaks.append(used.ru_maxrss / 1024)
            print(f"{name}{way}: peak memory {statistics.median(peaks):.0f} MiB", flush=True)


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
    parser.add_argument("--before", type=Path, help="checkout of an earlier version to compare with")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.videos[0], options.seconds, options.preset, options.out)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        videos = options.videos or [path for path in (SHARED / "vtest.avi", SHARED / "bedroom.mp4") if path.is_file()]
        if not videos:
            from predict_loops import draw_video

            videos = [draw_video(folder / "drawn.mp4")]
        for video in videos:
            measure(video, options, folder)
            peak_memory(video, options, folder)


if __name__ == "__main__":
    main()
