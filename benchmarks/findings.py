"""What benchmarks measure beside a method's skill: the tables of docs/findings, from files and annotations at hand.

    python benchmarks/findings.py [--data FOLDER] [--only pixel_auc_on_ped2]

pixel_auc_on_ped2   methods that learned nothing from real videos, on the clips of UCSD Ped2 in FOLDER/ucsd: `score` itself
centre_prior        baselines that read no pixel, under `official` and `paper`, from frame counts and annotations alone
video_oracle        the same for the labels of whole videos, beside what papers report
videos_never_scored videos, frames and events that protocol `paper` leaves out

FOLDER holds ucsd/, ucf_crime/, xd_violence/, ubnormal/, shanghaitech/testing/test_frame_mask/ and frame_counts/*.csv
(VIDEO,FRAMES of each test video); what is missing is skipped with the reason. Prints Markdown.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lavida_bench.baselines import _base as baselines
from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks import ubnormal
from lavida_bench.benchmarks._frame_labels import read_frame_labels
from lavida_bench.metrics import _base as metrics
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.reporting.markdown import markdown_table
from lavida_bench.results import results_json
from lavida_bench.results.published import OWN_PROTOCOL, published_numbers
from lavida_bench.videos.no_frames import NO_SIZE, NoFrames, read_frame_counts
from lavida_bench.videos.types import Bits, Counts, TestVideo

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LABELLED = ("ucf_crime", "xd_violence", "shanghaitech")
"""Benchmarks whose frame labels are read without their videos."""
PED2 = {"tiny": ("--model", "tiny"), "flow": ("--scorer", "flow")}
"""Method -> the options of `lavida-bench score`; both know nothing of real videos."""
BOTH = ("official", "paper")


def labelled(key: str, labels: Bits) -> TestVideo:
    """A video of which only the labels are known."""
    return TestVideo(key, len(labels), NO_SIZE, NoFrames(key, len(labels)), frame_labels=labels)


@cache
def read_videos(name: str, data: Path) -> tuple[TestVideo, ...]:
    """The test videos of a benchmark with their frame labels, without pixels.

    Args:
        name: One of LABELLED, or ubnormal: its frame labels are not at hand, so all frames of an abnormal video are
            marked; only which videos and frames are scored may be read from it.
        data: The folder of all benchmarks.
    """
    if name == "shanghaitech":
        files = sorted((data / "shanghaitech" / "testing" / "test_frame_mask").glob("*.npy"))
        return tuple(labelled(path.stem, read_frame_labels(path)) for path in files)
    counts = data / "frame_counts" / f"{name}_test.csv"
    if name == "ubnormal":
        frames = read_frame_counts(counts)
        kinds = {"abnormal": np.ones, "normal": np.zeros}
        return tuple(
            labelled(key, kinds[key.split("_")[0]](frames[key], np.bool_))
            for file in ubnormal.LISTS
            for key in ubnormal.read_names(data / "ubnormal" / file)
        )
    return tuple(benchmarks.make(name, data / name, {"frame_counts": counts}).videos())


def rules_of(name: str, protocol: str) -> EvaluationProtocol:
    """A protocol with the rules of a benchmark."""
    return protocols.make(protocol, benchmarks.make(name).rules)


def value(
    name: str, data: Path, protocol: str, baseline: str, metric: str = "frame_auc", variant: str = "micro"
) -> str:
    """A baseline's number in percent, over the videos that the protocol scores."""
    chosen, method, measured = rules_of(name, protocol), baselines.make(baseline), metrics.make(metric)
    for video in chosen.select(read_videos(name, data)):
        measured.update(chosen.view(video, method.score(video, baselines.rng_for(0, video.key))))
    return f"{100 * measured.exact()[variant]:.2f}"


def reported_below(name: str, bound: float) -> str:
    """How many of the published micro frame AUCs are below a number; those of another known protocol are not counted."""
    rows = [method.values[name] for method in published_numbers().methods
            if name in method.values and method.protocol == OWN_PROTOCOL]  # fmt: skip
    values = [row["frame_auc"] for row in rows if "frame_auc" in row]
    return f"{sum(x < bound for x in values)} of {len(values)}"


# ---- the four tables -----------------------------------------------------------------------------------------------


def pixel_auc_on_ped2(data: Path) -> Iterator[str]:
    """Pixel AUC beside the other metrics, of methods that learned nothing from real videos."""
    root = data / "ucsd"
    rows: dict[str, dict[tuple[str, str], str]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for protocol in BOTH:
            for method, options in PED2.items():
                out = Path(temporary) / f"{method}-{protocol}"
                words = ("score", "ucsd_ped2", "--root", root, *options, "--protocol", protocol, "--allow-partial")
                command = [sys.executable, "-m", "lavida_bench", *map(str, words), "--out", str(out)]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                (entry,) = results_json.read(out).entries
                for result in (entry.result, *entry.baselines):
                    cells = rows.setdefault(method if result is entry.result else result.method, {})
                    for metric, measured in result.metrics.items():
                        micro = measured.variants.get("micro")
                        if micro is not None and micro.value is not None:
                            cells[protocol, metric] = f"{100 * micro.value:.2f}"
                coverage = entry.result.coverage
                yield f"{entry.result.protocol}, {method}: {coverage.frames} frames of {coverage.videos} videos"
    yield ""
    columns = [(p, "pixel_auc") for p in BOTH] + [("official", m) for m in ("pixel_ap", "pixel_auc_40", "frame_auc")]
    head = ["method", *(f"{metric}, {protocol}" for protocol, metric in columns)]
    body = [[method, *(cells.get(column, "-") for column in columns)] for method, cells in rows.items()]
    yield from markdown_table(head, sorted(body, key=lambda row: -float(row[1].replace("-", "-1"))))


def centre_prior(data: Path) -> Iterator[str]:
    """A Gaussian over each video's length, in micro and macro frame AUC and in frame AP."""
    columns = [
        ("official", "frame_auc", "micro"), ("official", "frame_auc", "macro"), ("official", "frame_auc", "abnormal"),
        ("official", "frame_ap", "micro"), ("paper", "frame_auc", "micro"),
    ]  # fmt: skip
    named = (f"{metric} {variant}, {protocol}" for protocol, metric, variant in columns)
    head = ["benchmark", "baseline", *named, "published frame_auc below it"]
    rows = []
    for name in LABELLED:
        for baseline in ("centre_prior", "random"):
            values = [value(name, data, p, baseline, m, v) for p, m, v in columns]
            rows.append([name, baseline, *values, reported_below(name, float(values[0]))])
    yield from markdown_table(head, rows)


def ubnormal_oracle(data: Path, protocol: str) -> str:
    """The oracle's frame AUC from counts alone: one score for all frames of abnormal videos, another for the others."""
    videos, expected = read_videos("ubnormal", data), benchmarks.find_class("ubnormal").about.expected
    assert expected is not None
    assert expected.abnormal_frames is not None
    inside = sum(video.frame_count for video in videos if video.abnormal)
    outside = sum(video.frame_count for video in videos) - inside
    marked = np.arange(inside) < expected.abnormal_frames
    chosen, oracle, auc = rules_of("ubnormal", protocol), baselines.make("video_oracle"), metrics.make("frame_auc")
    for video in chosen.select([labelled("abnormal", marked), labelled("normal", np.zeros(outside, np.bool_))]):
        auc.update(chosen.view(video, oracle.score(video, baselines.rng_for(0, video.key))))
    return f"{100 * auc.exact()['micro']:.2f}"


def video_oracle(data: Path) -> Iterator[str]:
    """The label of each video as the score of all its frames, beside LAVIDA's paper and all published numbers."""
    paper = {
        name: found["frame_auc"] for method in published_numbers().methods if method.method == "LAVIDA"
        for name, found in method.values.items() if "frame_auc" in found
    }  # fmt: skip
    head = ["benchmark", "frame_auc, official", "frame_auc, paper", "frame_ap, official", "frame_auc of LAVIDA's paper",
            "published frame_auc below it"]  # fmt: skip
    rows = []
    for name in LABELLED:
        official = value(name, data, "official", "video_oracle")
        rest = [value(name, data, "paper", "video_oracle"), value(name, data, "official", "video_oracle", "frame_ap")]
        rows.append([name, official, *rest, f"{paper[name]:.2f}", reported_below(name, float(official))])
    official, sampled = (ubnormal_oracle(data, protocol) for protocol in BOTH)
    below = reported_below("ubnormal", float(official))
    rows.append(["ubnormal", official, sampled, "-", f"{paper['ubnormal']:.2f}", below])
    yield from markdown_table(head, rows)


class Left(NamedTuple):
    """What a protocol leaves of one video: frames whose score counts, frames a model looks at."""

    counted: Counts
    looked_at: Counts


def left_of(video: TestVideo, protocol: EvaluationProtocol) -> Left:
    """The frames of a video that a protocol scores; none where it leaves the video out."""
    looked_at = protocol.frames_to_score(video) if protocol.select([video]) else np.arange(0)
    every = getattr(protocol, "every", 1)
    return Left((looked_at[:, None] + np.arange(every)).reshape(-1), looked_at)


def events_of(labels: Bits) -> list[tuple[int, int]]:
    """Runs [start, stop) of abnormal frames."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], labels.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def share(part: int, whole: int) -> str:
    """``12 of 34 (35.3 %)``."""
    return f"{part:,} of {whole:,} ({100 * part / whole:.1f} %)"


def videos_never_scored(data: Path) -> Iterator[str]:
    """What protocol `paper` scores of each benchmark."""
    head = ["benchmark", "one frame in", "videos never scored", "of them abnormal", "frames that count",
            "frames looked at", "abnormal frames that count", "events without a frame that is looked at"]  # fmt: skip
    rows = []
    for name in (*LABELLED, "ubnormal"):
        protocol, videos = rules_of(name, "paper"), read_videos(name, data)
        left = [left_of(video, protocol) for video in videos]
        never = [video for video, found in zip(videos, left, strict=True) if not len(found.counted)]
        frames = sum(video.frame_count for video in videos)
        row = [
            name, str(protocol.rules.every), share(len(never), len(videos)),
            share(sum(bool(video.abnormal) for video in never), sum(bool(video.abnormal) for video in videos)),
            share(sum(len(found.counted) for found in left), frames),
            share(sum(len(found.looked_at) for found in left), frames),
        ]  # fmt: skip
        if name == "ubnormal":  # its frame labels are not at hand
            rows.append([*row, "-", "-"])
            continue
        labels = [np.asarray(video.frame_labels) for video in videos]
        counted = sum(int(of_video[found.counted].sum()) for of_video, found in zip(labels, left, strict=True))
        missed = [
            not ((found.looked_at >= start) & (found.looked_at < stop)).any()
            for of_video, found in zip(labels, left, strict=True) for start, stop in events_of(of_video)
        ]  # fmt: skip
        rows.append([*row, share(counted, sum(int(x.sum()) for x in labels)), share(sum(missed), len(missed))])
    yield from markdown_table(head, rows)


FINDINGS: dict[str, tuple[Callable[[Path], Iterator[str]], tuple[str, ...]]] = {
    "pixel_auc_on_ped2": (pixel_auc_on_ped2, ("ucsd/UCSDped2",)),
    "centre_prior": (centre_prior, ("frame_counts", *LABELLED)),
    "video_oracle": (video_oracle, ("frame_counts", "ubnormal", *LABELLED)),
    "videos_never_scored": (videos_never_scored, ("frame_counts", "ubnormal", *LABELLED)),
}
"""Name of the finding and of its page -> what prints its table, and what it needs below the folder."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of all benchmarks")
    parser.add_argument("--only", choices=FINDINGS, help="one of the tables")
    options = parser.parse_args()
    for name in [options.only] if options.only else FINDINGS:
        table, needed = FINDINGS[name]
        missing = [path for path in needed if not (options.data / path).exists()]
        print(f"\n## {name}\n")
        if missing:
            print(f"skipped: no {', '.join(missing)} in {options.data}")
            continue
        for line in table(options.data):
            print(line, flush=True)


if __name__ == "__main__":
    main()
