"""The contract of a benchmark, checked on a miniature of its files."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from lavida_bench.baselines import _base as baselines
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.benchmarks._check import check, split_size
from lavida_bench.evaluation.evaluate import evaluate
from lavida_bench.metrics import _base as metrics
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import LavidaGenError
from lavida_gen.testing.expect import check_options, expect

OpenBenchmark = Callable[..., Benchmark]
"""Opens the benchmark on its miniature anew; keyword arguments are options on top."""
VIDEOS = 6
"""Videos whose frames are read."""


def check_benchmark(cls: type[Benchmark], root: Path | str, options: Mapping[str, object] | None = None) -> None:
    """Check everything that scoring relies on in a benchmark.

    Args:
        cls: The class of the benchmark.
        root: Folder of a miniature of its files: a few short videos, with and without an anomaly.
        options: Its other options.

    Raises:
        AssertionError: The benchmark breaks its contract.
    """

    def open_benchmark(**more: object) -> Benchmark:
        return cls(cls.Options.model_validate({"root": Path(root), **(options or {}), **more}))

    check_options(cls.Options)
    for claim in BENCHMARK_CHECKS:
        claim(open_benchmark)
    with tempfile.TemporaryDirectory() as folder:
        check_missing_folder(cls, Path(folder) / "nowhere")


def check_about(open_benchmark: OpenBenchmark) -> None:
    """`about` is complete, and names metrics that there are."""
    about = open_benchmark().about
    for key in ("title", "licence", "get", "layout"):
        expect(getattr(about, key).strip(), f"about.{key} is empty")
    address = about.page.startswith(("https://", "http://"))
    expect(address or about.use == "yours", f"about.page is {about.page!r}; expected an address")
    expect(len(set(about.names)) == len(about.names), f"about.names has a name twice: {about.names}")
    expect(about.metrics, "about.metrics is empty; the first metric is the headline")
    for metric in {*about.metrics, *(about.paper_metrics or ())}:
        metrics.make(metric, allow_code=True)
    expect(about.every >= 1, f"about.every is {about.every}; expected at least 1")


def check_counts(open_benchmark: OpenBenchmark) -> None:
    """There are videos, with normal and abnormal frames."""
    size = split_size(open_benchmark().videos())
    expect(0 < (size.abnormal_frames or 0) < (size.frames or 0), f"expected normal and abnormal frames, got {size}")


def check_order(open_benchmark: OpenBenchmark) -> None:
    """Videos come with the same keys and labels, in the same order, whenever the benchmark is opened."""
    one, other = open_benchmark().videos(), open_benchmark().videos()
    keys = [video.key for video in one]
    expect(keys == [video.key for video in other], "opened again, the videos have other keys or another order")
    expect(len(set(keys)) == len(keys), "two videos have one key")
    for a, b in zip(one, other, strict=True):
        expect(np.array_equal(labels_of(a), labels_of(b)), f"{a.key}: opened again, it has other labels")


def labels_of(video: TestVideo) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """(F,) bool; a miniature is labelled."""
    expect(video.frame_labels is not None, f"{video.key}: has no frame labels")
    return np.asarray(video.frame_labels, np.bool_)


def check_random_access(open_benchmark: OpenBenchmark) -> None:
    """Frames that are read alone, with a step, or in any order are those of the whole."""
    rng = np.random.default_rng(0)
    for video in open_benchmark().videos()[:VIDEOS]:
        whole = video.read(0, video.frame_count)
        for _ in range(4):
            start = int(rng.integers(video.frame_count))
            stop, step = int(rng.integers(start, video.frame_count)) + 1, int(rng.integers(1, 5))
            same = np.array_equal(video.read(start, stop, step), whole[start:stop:step])
            expect(same, f"{video.key}: read({start}, {stop}, {step}) gives other frames than reading the whole")


def check_pickling(open_benchmark: OpenBenchmark) -> None:
    """A video that is open survives pickling: it travels to other processes."""
    video = open_benchmark().videos()[0]
    end = min(2, video.frame_count)
    first = video.read(0, end)  # open, as in the middle of scoring
    copy: TestVideo = pickle.loads(pickle.dumps(video))
    for one in (copy, video):
        expect(np.array_equal(one.read(0, end), first), f"{video.key}: other frames after pickling")
    masks, copied = video.read_masks(0, end), copy.read_masks(0, end)
    if masks is None or copied is None:
        expect(masks is copied, f"{video.key}: masks are lost by pickling")
    else:
        expect(np.array_equal(masks, copied), f"{video.key}: other masks after pickling")


def check_masks_and_tracks(open_benchmark: OpenBenchmark) -> None:
    """Masks show something in exactly the abnormal frames; tracks lie in abnormal frames."""
    for video in open_benchmark().videos():
        labels = labels_of(video)
        masks = video.read_masks(0, video.frame_count)
        if masks is not None:
            same = np.array_equal(masks.any(axis=(1, 2)), labels)
            expect(same, f"{video.key}: frames with a mask are not those that are labelled abnormal")
        for track in video.tracks or ():
            expect(labels[track.frames].all(), f"{video.key}: track {track.name!r} lies in normal frames")


def check_report(open_benchmark: OpenBenchmark) -> None:
    """`lavida-bench check` counts what the benchmark gives, with and without decoding, and its report is JSON."""
    advanced: list[int] = []
    benchmark = open_benchmark()
    report = check(benchmark, advance=advanced.append)
    expect(report.found == split_size(benchmark.videos()), f"`check` counts {report.found}")
    frames = sum(video.frame_count for video in benchmark.videos())
    expect(sum(advanced) == frames, f"`check` reports {sum(advanced)} frames of {frames}")
    expect(json.loads(json.dumps(report.plain()))["official"] == report.official, "the report is no plain JSON")
    missing = any("videos are missing" in defect.what and defect.fatal for defect in report.defects)
    few = report.expected is not None and report.found.videos < report.expected.videos
    expect(missing or not few, "videos are missing, and no fatal defect reports it")
    expect(check(open_benchmark(), decode=False).found == report.found, "`check --quick` counts something else")


def check_official_protocol(open_benchmark: OpenBenchmark) -> None:
    """A baseline gets a number under the official protocol, with complete coverage."""
    benchmark, method = open_benchmark(), baselines.make("random")
    pairs = [(video, method.score(video, baselines.rng_for(0, video.key))) for video in benchmark.videos()]
    protocol = protocols.make("official", benchmark.rules)
    result = evaluate(pairs, protocol, ["frame_auc"], bootstrap=Bootstrap(resamples=20))
    expect(result.coverage.complete, f"random scores of every frame cover {result.coverage}")
    auc = result.metrics["frame_auc"].headline.value
    expect(auc is not None and 0 <= auc <= 1, f"random scores have frame AUC {auc}")


def check_names(open_benchmark: OpenBenchmark) -> None:
    """Names of a prompt are there, and can be given."""
    usual = open_benchmark().videos()[0].names
    expect(usual, "videos have no names for a prompt: set about.names, or names of each video")
    given = {video.names for video in open_benchmark(names=["a", "b"]).videos()}
    expect(given == {("a", "b")}, f"option names=[a, b] gives videos with {given}")


def check_missing_folder(cls: type[Benchmark], root: Path) -> None:
    """A folder that is not there is named by one of our own errors; benchmarks that are drawn may draw it."""
    try:
        cls(cls.Options.model_validate({"root": root})).videos()
    except LavidaGenError as error:
        expect(str(root) in str(error), f"the folder {root} is not there, and the message is {error}")


BENCHMARK_CHECKS: tuple[Callable[[OpenBenchmark], None], ...] = (
    check_about, check_counts, check_order, check_random_access, check_pickling, check_masks_and_tracks, check_report,
    check_official_protocol, check_names,
)  # fmt: skip
"""The contract of a benchmark whose files are there. Each raises AssertionError if the benchmark breaks it."""
