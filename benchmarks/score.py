"""Where the time of scoring goes: decode, prepare, model, write, metrics; and how many frames readers can supply.

    python benchmarks/score.py [--frames 400] [--readers 1 2] [--device cuda] [--preset paper]

1. `tiny` scores the drawn benchmark street through the command's own code: busy seconds of each stage.
2. A drawn 1920 x 1080 H.264 video: frames a second of decoding alone, and of decoding plus preparing for the `paper`
   preset (1024 pixels for SAM2, its budgets for Qwen2-VL), by number of reader threads. With a GPU the model runs beside the
   readers, so they are no bottleneck as long as they supply more frames than the model takes.

3. With --device: the whole way from such videos to scores on disk, with the preset's random weights, by number of readers.

Processor times hold on a machine that does other work too; frames a second do not.

Writes to a temporary folder; prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

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
from lavida_bench.runs import score_stage as score_run
from lavida_bench.scoring import lavida_scorer
from lavida_bench.scoring.score import ScoringSettings, score
from lavida_bench.videos import prefetch
from lavida_bench.videos.types import TestVideo
from lavida_bench.videos.video_file import VideoFile

NAMES = ("fighting", "robbery", "fire", "traffic accident")
FULL_HD = (1080, 1920)


def stages(folder: Path, frames: int) -> None:
    """Scores and measures street with `tiny`, and prints what each stage took."""
    options = {"videos": 4, "frames": max(8, frames // 4)}
    entry = ScoreEntry(benchmark="street", options=options)
    score_run.ScoreJob.open(entry, folder)  # draws it
    scorer = lavida_scorer.load_scorer("tiny", device="cpu")
    start = time.perf_counter()
    score_run.run_entry(
        scorer, entry, folder, ScoringSettings(), True, lambda total, what: nullcontext(lambda done: None)
    )
    whole = time.perf_counter() - start
    plain = ScoreStore.open(folder / "scores" / "street")
    seconds = plain.seconds()
    print(f"\n`tiny`, street, {options['videos'] * options['frames']} frames of 240 x 360, {whole:.1f} s in all:\n")
    own = sum(value for stage, value in seconds.items() if "," in stage and not stage.startswith("total"))
    print("| stage | seconds | of the processor | share of the processor | where |\n|---|---|---|---|---|")
    where = {
        "decode": "readers", "prepare": "readers", "wait": "model's thread, for readers", "model": "model's thread",
        "write": "model's thread", "metrics": "afterwards, with four baselines and pictures",
    }  # fmt: skip
    for stage, place in where.items():
        cpu = seconds.get(f"{stage}, processor", 0)
        print(f"| {stage} | {seconds.get(stage, 0):.2f} | {cpu:.2f} | {100 * cpu / own:.1f} % | {place} |")


def film(path: Path, frames: int) -> None:
    """A 1080p video with texture and motion, 25 frames a second."""
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 255, (FULL_HD[0] // 8, FULL_HD[1] // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "23"})
        stream.height, stream.width, stream.pix_fmt = *FULL_HD, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(frames):
            pixels = ground.copy()
            at = number * 6 % (FULL_HD[1] - 200)
            pixels[300:700, at : at + 200] = (200, 40, number % 255)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def supply(paths: list[Path], readers: int, processor: Any | None) -> tuple[float, float]:
    """Frames a second that reach the model's thread, and the whole process's milliseconds a frame. One video a reader."""
    official = protocols.make("official")
    own: dict[str, Any] = {}

    def work(path: Path) -> Any:
        media = VideoFile(path)
        video = TestVideo(path.stem, media.frame_count, media.size, media, media.fps)
        for some in windows.read_clips(video, official, 1):
            if processor is not None:
                own.setdefault(path.stem, processor())([Sample(clip.frames, NAMES) for clip in some], use="score")
            yield len(some[0].numbers)

    start, spent = time.perf_counter(), time.process_time()
    items = prefetch.read_ahead(paths[:readers], work, readers, depth=4)
    frames = sum(item.piece for item in items if isinstance(item, prefetch.JobPiece))
    return frames / (time.perf_counter() - start), 1000 * (time.process_time() - spent) / frames


def processor_of(name: str) -> LavidaProcessor:
    """A preset's sizes; the words cost next to nothing, so the small tokenizer does."""
    return LavidaProcessor(load_tokenizer(), load_tokenizer(names=True), Sizes.of(LavidaConfig.preset(name)))


def whole_way(folder: Path, paths: list[Path], options: argparse.Namespace) -> None:
    """Scores the videos with `score` itself and prints frames a second and what the model's thread waited for."""
    place = torch.device(options.device)
    model, processor = build(options.preset, place), processor_of(options.preset)
    precision = "bf16" if place.type == "cuda" else "fp32"
    scorer = lavida_scorer.LavidaScorer(model, processor, options.preset, "random", precision, place)
    gpu = torch.cuda.get_device_name(place) if place.type == "cuda" else "the CPU"
    print(f"\n`{options.preset}` in {precision} on {gpu}, 1920 x 1080 H.264, official clips of 8, 4 clips a forward:\n")
    print("| readers | frames/s | the model waits for readers | peak memory of the GPU |")
    print("|---|---|---|---|")
    for readers in (options.readers[0], *options.readers):  # the first one twice: the first forwards are slow
        media = [VideoFile(path) for path in paths[: max(readers, 2)]]
        videos = [TestVideo(one.path.stem, one.frame_count, one.size, one, one.fps) for one in media]
        with tempfile.TemporaryDirectory(dir=folder) as scores:
            store = ScoreStore.create(Path(scores) / "store", {"benchmark": {"name": "drawn"}})
            how = ScoringSettings(readers=readers, maps=False)
            found = score(
                scorer, videos, protocols.make("official"), prompt_names_from_list(NAMES, "names"), store, how
            )
        seconds = found.seconds
        peak = torch.cuda.max_memory_allocated(place) / 2**30 if place.type == "cuda" else 0.0
        share = 100 * seconds["wait"] / seconds["total"]
        print(f"| {readers} | {found.frames / seconds['total']:.1f} | {share:.0f} % | {peak:.1f} GiB |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--readers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--device", help="also score the 1080p videos whole, on cuda or cpu")
    parser.add_argument("--preset", default="paper", help="of the model that does")
    options = parser.parse_args()
    torch.set_num_threads(1)  # so that a stage's processor time is its own
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["LAVIDA_GEN_CACHE"] = str(folder / "cache")
        stages(folder / "run", options.frames)
        paths = [folder / f"v{number}.mp4" for number in range(max(2, *options.readers))]
        for path in paths:
            film(path, max(16, options.frames // 4))
            VideoFile(path)  # makes its index
        print(f"\n1920 x 1080 H.264, official clips of 8, {os.cpu_count()} cores:\n")
        print(
            "| readers | decode, frames/s | ms of processor a frame | and prepare for `paper`, frames/s | ms of processor |"
        )
        print("|---|---|---|---|---|")
        for readers in options.readers:
            alone, few = supply(paths, readers, None)
            both, many = supply(paths, readers, lambda: processor_of("paper"))
            print(f"| {readers} | {alone:.1f} | {few:.1f} | {both:.1f} | {many:.1f} |", flush=True)
        if options.device:
            whole_way(folder, paths, options)


if __name__ == "__main__":
    main()
