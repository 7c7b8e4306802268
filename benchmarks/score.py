"""Where the time of scoring goes: decode, prepare, model, write, metrics; and how many frames readers can supply.

    python benchmarks/score.py [--frames 400] [--readers 1 2] [--device cuda] [--preset paper]

1. `tiny` scores the drawn benchmark street through the code of `lavida-bench score`: busy seconds of each stage.
2. A drawn 1920 x 1080 H.264 video: frames per second of decoding alone, and of decoding plus preparing for the `paper`
   preset (1024 pixels for SAM2, its budgets for Qwen2-VL), by number of reader threads. With a GPU the model runs in
   parallel to the readers, so they are no bottleneck as long as they supply more frames than the model takes.
3. With --device: everything from such videos to scores on disk, with random weights of the preset, by number of readers.

Processor times are valid on a machine that does other work too; frames per second are not.

Writes to a temporary folder; prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from model_gpu import build

from lavida.batch import Sample
from lavida.config import LavidaConfig
from lavida.processing import LavidaProcessor, Sizes
from lavida.tiny.tokenizer import load_tokenizer
from lavida_bench.config.recipe import ScoreEntry
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols import windows
from lavida_bench.protocols.prompt_names import prompt_names_from_list
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.runs.score_stage import ScoreJob, run_entry
from lavida_bench.scoring import lavida_scorer
from lavida_bench.scoring.score import ScoringSettings, score
from lavida_bench.videos import prefetch
from lavida_bench.videos.types import TestVideo
from lavida_bench.videos.video_file import VideoFile

NAMES = ("fighting", "robbery", "fire", "traffic accident")
FULL_HD = (1080, 1920)


def measure_stages(folder: Path, frames: int) -> None:
    """Score and measure street with `tiny`, and print the time of each stage.

    Args:
        folder: The run folder.
        frames: Number of frames.
    """
    options = {"videos": 4, "frames": max(8, frames // 4)}
    entry = ScoreEntry(benchmark="street", options=options)
    ScoreJob.open(entry, folder)  # draws it
    scorer = lavida_scorer.load_scorer("tiny", device="cpu")
    start = time.perf_counter()
    run_entry(scorer, entry, folder, ScoringSettings(), True, lambda total, what: nullcontext(lambda done: None))
    whole = time.perf_counter() - start
    seconds = ScoreStore.open(folder / "scores" / "street").seconds()
    print(f"\n`tiny`, street, {options['videos'] * options['frames']} frames of 240 x 360, {whole:.1f} s in all:\n")
    processor = sum(value for stage, value in seconds.items() if "," in stage and not stage.startswith("total"))
    print("| stage | seconds | of the processor | share of the processor | where |\n|---|---|---|---|---|")
    where = {
        "decode": "readers", "prepare": "readers", "wait": "model's thread, for readers", "model": "model's thread",
        "write": "model's thread", "metrics": "afterwards, with four baselines and thumbnails",
    }  # fmt: skip
    for stage, place in where.items():
        cpu = seconds.get(f"{stage}, processor", 0)
        print(f"| {stage} | {seconds.get(stage, 0):.2f} | {cpu:.2f} | {100 * cpu / processor:.1f} % | {place} |")


def write_video(path: Path, frames: int) -> None:
    """Write a 1080p video with texture and motion, 25 frames per second.

    Args:
        path: Where to.
        frames: Number of frames.
    """
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 255, (FULL_HD[0] // 8, FULL_HD[1] // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "23"})
        stream.height, stream.width, stream.pix_fmt = *FULL_HD, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(frames):
            pixels = ground.copy()
            left = number * 6 % (FULL_HD[1] - 200)
            pixels[300:700, left : left + 200] = (200, 40, number % 255)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def measure_readers(
    paths: list[Path], readers: int, make_processor: Callable[[], LavidaProcessor] | None
) -> tuple[float, float]:
    """Measure what readers supply, one video per reader.

    Args:
        paths: The videos, at least `readers`.
        readers: Number of threads.
        make_processor: Makes what prepares the clips; None = decode only.

    Returns:
        Frames per second that reach the model's thread, and milliseconds of processor time per frame.
    """
    official = protocols.make("official")

    def read(path: Path) -> Iterator[int]:
        media = VideoFile(path)
        video = TestVideo(path.stem, media.frame_count, media.size, media, media.fps)
        processor = None if make_processor is None else make_processor()
        for clips in windows.read_clips(video, official, 1):
            if processor is not None:
                processor([Sample(clip.frames, NAMES) for clip in clips], use="score")
            yield len(clips[0].numbers)

    start, processor_start = time.perf_counter(), time.process_time()
    items = prefetch.read_ahead(paths[:readers], read, readers, depth=4)
    frames = sum(item.piece for item in items if isinstance(item, prefetch.JobPiece))
    return frames / (time.perf_counter() - start), 1000 * (time.process_time() - processor_start) / frames


def processor_of(preset: str) -> LavidaProcessor:
    """A processor with the sizes of a preset; text costs next to nothing, so the small tokenizer is enough."""
    return LavidaProcessor(load_tokenizer(), load_tokenizer(names=True), Sizes.from_config(LavidaConfig.preset(preset)))


def measure_scoring(folder: Path, paths: list[Path], options: argparse.Namespace) -> None:
    """Score the videos with `score` itself, and print frames per second and the time that the model waits.

    Args:
        folder: Where scores are written.
        paths: The videos.
        options: Those of the command line.
    """
    place = torch.device(options.device)
    model, processor = build(options.preset, place), processor_of(options.preset)
    precision = "bf16" if place.type == "cuda" else "fp32"
    scorer = lavida_scorer.LavidaScorer(model, processor, options.preset, "random", precision, place)
    gpu = torch.cuda.get_device_name(place) if place.type == "cuda" else "the CPU"
    print(f"\n`{options.preset}` in {precision} on {gpu}, 1920 x 1080 H.264, official clips of 8, 4 clips per batch:\n")
    print("| readers | frames/s | the model waits for readers | peak memory of the GPU |")
    print("|---|---|---|---|")
    for readers in (options.readers[0], *options.readers):  # the first one twice: the first batches are slow
        media = [VideoFile(path) for path in paths[: max(readers, 2)]]
        videos = [TestVideo(file.path.stem, file.frame_count, file.size, file, file.fps) for file in media]
        with tempfile.TemporaryDirectory(dir=folder) as scores:
            store = ScoreStore.create(Path(scores) / "store", {"benchmark": {"name": "drawn"}})
            effort, names = ScoringSettings(readers=readers, maps=False), prompt_names_from_list(NAMES, "names")
            result = score(scorer, videos, protocols.make("official"), names, store, effort)
        seconds = result.seconds
        peak = torch.cuda.max_memory_allocated(place) / 2**30 if place.type == "cuda" else 0.0
        share = 100 * seconds["wait"] / seconds["total"]
        print(f"| {readers} | {result.frames / seconds['total']:.1f} | {share:.0f} % | {peak:.1f} GiB |", flush=True)


def main() -> None:
    """Run the measurements of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--readers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--device", help="also score the 1080p videos, on cuda or cpu")
    parser.add_argument("--preset", default="paper", help="preset of that model")
    options = parser.parse_args()
    torch.set_num_threads(1)  # so that a stage's processor time is its own
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["LAVIDA_GEN_CACHE"] = str(folder / "cache")
        measure_stages(folder / "run", options.frames)
        paths = [folder / f"v{number}.mp4" for number in range(max(2, *options.readers))]
        for path in paths:
            write_video(path, max(16, options.frames // 4))
            VideoFile(path)  # makes its index
        print(f"\n1920 x 1080 H.264, official clips of 8, {os.cpu_count()} cores:\n")
        print(
            "| readers | decode, frames/s | processor ms per frame | and prepare for `paper`, frames/s | processor ms |"
        )
        print("|---|---|---|---|---|")
        for readers in options.readers:
            decode, decode_ms = measure_readers(paths, readers, None)
            both, both_ms = measure_readers(paths, readers, lambda: processor_of("paper"))
            print(f"| {readers} | {decode:.1f} | {decode_ms:.1f} | {both:.1f} | {both_ms:.1f} |", flush=True)
        if options.device:
            measure_scoring(folder, paths, options)


if __name__ == "__main__":
    main()
