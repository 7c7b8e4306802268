"""What do the encoder's options cost in processor time, bytes and likeness for the overlay of `predict`?

    python benchmarks/overlay_encoding.py [VIDEO ...] [--rounds 5] [--seconds 12] [--preset tiny]

The pictures are those that `predict` drew, as it drew them. Options take turns, other ones first in each round. Likeness is the
structural similarity of brightness by FFmpeg's filter `ssim`, the mean over the pictures and the lowest of one. Videos are
those of `benchmarks/predict.py`.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import torch
from predict import SHARED, spread
from predict_loops import Encoder, draw_video, drawn_pictures

from lavida_bench.common.allocator import keep_freed_memory
from lavida_bench.prediction.overlay import ENCODING
from lavida_bench.scoring.lavida_scorer import load_scorer

TRIED = {
    "as it is": ENCODING,
    "veryfast 23 (before)": {"preset": "veryfast", "crf": "23", "x264-params": "mbtree=0"},
    "superfast 23": {"preset": "superfast", "crf": "23"},
    "superfast 24": {"preset": "superfast", "crf": "24"},
    "superfast 24, b-adapt=0": {"preset": "superfast", "crf": "24", "x264-params": "b-adapt=0"},
    "superfast 24, b-adapt=0, weightp=0": {"preset": "superfast", "crf": "24", "x264-params": "b-adapt=0:weightp=0"},
    "ultrafast 23": {"preset": "ultrafast", "crf": "23"},
    "ultrafast 23, 3 B, CABAC, 8x8, AQ, deblock": {
        "preset": "ultrafast",
        "crf": "23",
        "x264-params": "bframes=3:b-adapt=0:cabac=1:8x8dct=1:aq-mode=1:deblock=0,0",
    },
}


def likeness(path: Path, pictures: list[av.VideoFrame], log: Path) -> tuple[float, float]:
    """Mean and lowest structural similarity of the brightness of an encoded video to its pictures."""
    graph, tick = av.filter.Graph(), Fraction(1, 25)
    width, height = pictures[0].width, pictures[0].height
    sources = [graph.add_buffer(width=width, height=height, format="yuv420p", time_base=tick) for _ in range(2)]
    compare, sink = graph.add("ssim", f"stats_file={log}"), graph.add("buffersink")
    for number, source in enumerate(sources):
        source.link_to(compare, 0, number)
    compare.link_to(sink)
    graph.configure()
    with av.open(str(path)) as made:
        for number, (decoded, picture) in enumerate(zip(made.decode(video=0), pictures, strict=True)):
            for source, frame in zip(sources, (decoded, picture), strict=True):
                frame.pts, frame.time_base = number, tick
                source.push(frame)
    for source in sources:
        source.push(None)
    for _ in pictures:
        sink.pull()
    del graph, sources, compare, sink  # closes the log
    found = [float(text) for text in re.findall(r"Y:([\d.]+)", log.read_text("utf-8"))]
    assert len(found) == len(pictures)
    return statistics.mean(found), min(found)


def measure(pictures: list[av.VideoFrame], folder: Path, rounds: int) -> None:
    """Let the options take turns, print a table."""
    order, spent = list(TRIED), {name: list[float]() for name in TRIED}
    path = folder / "peer.mp4"
    made = {}
    for _ in range(rounds):
        for name in order:
            began = time.process_time()
            with Encoder(path, pictures, TRIED[name]) as encoder:
                for number in range(len(pictures)):
                    encoder.write(number)
            spent[name].append(time.process_time() - began)
            if name not in made:
                made[name] = path.stat().st_size, likeness(path, pictures, folder / "ssim.log")
        order = order[1:] + order[:1]
    print("\n| options | processor ms a picture | kB | SSIM | lowest |\n|---|---|---|---|---|")
    for name, (size, (mean, lowest)) in ((name, made[name]) for name in TRIED):
        cost = spread([1000 * one / len(pictures) for one in spent[name]])
        print(f"| {name} | {cost} | {size / 1000:.0f} | {mean:.4f} | {lowest:.4f} |")


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
            pictures = drawn_pictures(scorer, video, folder / "drawn", options.seconds)
            print(f"\n{video.name}: {len(pictures)} pictures of {pictures[0].width} x {pictures[0].height}")
            measure(pictures, folder, options.rounds)


if __name__ == "__main__":
    main()
