"""Check of a benchmark's files: counts against the expected ones, and every defect with what is done about it.

`lavida-bench check BENCHMARK --root DIR` prints this. Every frame and mask is decoded by default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from lavida_bench.benchmarks._base import Benchmark, SplitSize
from lavida_bench.benchmarks._defects import Defect, reading_defects
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError

PORTION = 64 << 20  # bytes of frames held at once by each thread


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of a check.

    Attributes:
        benchmark: Name of the benchmark.
        root: Its folder.
        expected: Size of the official test split, None if there is none.
        annotated: Size according to the annotation files alone, None if they do not contain it.
        found: Size of what can be read and scored.
        defects: All defects.
        decoded: Whether every frame and mask was decoded.
    """

    benchmark: str
    root: str
    expected: SplitSize | None
    annotated: SplitSize | None
    found: SplitSize
    defects: tuple[Defect, ...]
    decoded: bool

    @property
    def official(self) -> bool:
        """Whether the benchmark's official number can be computed: all counts as expected and no fatal defect."""
        return self.same and not any(defect.fatal for defect in self.defects)

    @property
    def same(self) -> bool:
        """Whether every count that is known is as expected."""
        return not self.differences()

    def differences(self) -> list[str]:
        """Names of the counts that are not as expected.

        Returns:
            Some of "videos", "frames", "abnormal_frames".
        """
        if self.expected is None:
            return []
        expected, found = asdict(self.expected), asdict(self.found)
        return [name for name, count in expected.items() if count is not None and count != found[name]]

    def plain(self) -> dict[str, object]:
        """The report as plain JSON."""
        return {**asdict(self), "differs": self.differences(), "official": self.official}


def check(
    benchmark: Benchmark, decode: bool = True, advance: Callable[[int], None] = lambda frames: None
) -> CheckReport:
    """Check the files of a benchmark.

    Args:
        benchmark: The benchmark.
        decode: Whether to decode every frame and mask.
        advance: Called with the number of frames that were decoded, after each video.

    Returns:
        Counts and defects.

    Raises:
        DataError: The annotations cannot be read.
    """
    videos = benchmark.loaded()
    defects = [*missing_videos(benchmark, len(videos)), *benchmark.log.defects]
    if decode:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # decoders release the interpreter's lock
            for found, video in zip(pool.map(_inspect, videos), videos, strict=True):
                defects += found
                advance(video.frame_count)
    else:
        for video in videos:
            if isinstance(video.reader, FrameFolder):
                video.reader.check_files()
    defects += [defect for video in videos for defect in reading_defects(video)]
    return CheckReport(
        benchmark.name, str(benchmark.root), benchmark.expected, benchmark.annotated(), split_size(videos),
        tuple(defects), decode,
    )  # fmt: skip


def split_size(videos: list[TestVideo]) -> SplitSize:
    """Count videos and frames.

    Args:
        videos: Test videos.

    Returns:
        The counts; that of the abnormal frames is None if a video has no labels.
    """
    frames = sum(video.frame_count for video in videos)
    labels = [video.frame_labels for video in videos if video.frame_labels is not None]
    abnormal = sum(int(of_video.sum()) for of_video in labels)
    return SplitSize(len(videos), frames, abnormal if len(labels) == len(videos) else None)


def missing_videos(benchmark: Benchmark, found: int) -> Iterator[Defect]:
    """The defect that videos are missing.

    Args:
        benchmark: The benchmark.
        found: Number of videos that can be read.

    Yields:
        One defect if fewer videos than expected can be read.
    """
    expected, absent = benchmark.expected, benchmark.log.missing
    total = max(expected.videos if expected else 0, found + len(absent))
    if total > found:
        what = f"{total - found} of {total} videos are missing"
        action = "left out: numbers over the rest are partial, not the benchmark's; fetch them"
        yield Defect(str(benchmark.root), what, action, fatal=True, items=tuple(absent))


def _inspect(video: TestVideo) -> list[Defect]:
    """Decode all frames and masks of a video; its reader notes the broken frames."""
    height, width = video.size
    portion = max(1, PORTION // (height * width * 3))
    disagreeing: list[int] = []
    try:
        for start in range(0, video.frame_count, portion):
            stop = min(start + portion, video.frame_count)
            video.read(start, stop)
            disagreeing += _disagreeing(video, start, stop)
    except DataError as error:
        return [Defect(video.key, str(error), "scoring stops here: fix or fetch the file", fatal=True)]
    finally:
        video.close()
    if not disagreeing:
        return []
    first = disagreeing[0]
    what = f"frame labels and masks disagree on {len(disagreeing)} of {video.frame_count} frames (first: {first})"
    action = "kept as annotated: frame metrics use the labels, pixel metrics the masks"
    return [Defect(video.key, what, action, items=tuple(map(str, disagreeing)))]


def _disagreeing(video: TestVideo, start: int, stop: int) -> list[int]:
    """Numbers of the frames start..stop-1 whose label and mask disagree."""
    masks = video.read_masks(start, stop)
    if masks is None or video.frame_labels is None:
        return []
    differs = masks.any(axis=(1, 2)) != video.frame_labels[start:stop]
    return [start + int(index) for index in differs.nonzero()[0]]
