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
from lavida_bench.videos.no_frames import has_frames
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError

PORTION = 64 << 20  # bytes of frames held at once by each thread
DISAGREEING = 0.25  # share of a video's frames from which disagreement of labels and masks is fatal
SHOWN = 3  # missing videos listed in a reason


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

    def lost(self) -> list[str]:
        """Why a number would be partial: videos or frames that are not at hand.

        Returns:
            Reasons; [] if everything is at hand.
        """
        reasons = [_reason(defect) for defect in self.defects if defect.fatal and defect.lost]
        fewer = self.expected is not None and (self.found.frames or 0) < (self.expected.frames or 0)
        if fewer and not reasons:
            reasons.append(self._difference("frames"))
        return reasons

    def wrong(self) -> list[str]:
        """Why a number would be wrong: fatal defects, and counts that missing videos do not explain.

        Returns:
            Reasons; [] if there are none.
        """
        reasons = [_reason(defect) for defect in self.defects if defect.fatal and not defect.lost]
        partial = bool(self.lost())
        for name in self.differences():
            more = getattr(self.found, name) > getattr(self.expected, name)
            if more or not partial:
                reasons.append(self._difference(name))
        return reasons

    def doubt(self) -> str:
        """Why the labels may be inverted, though missing videos hide it.

        Returns:
            A sentence; "" without a doubt.
        """
        expected, found = self.expected, self.found
        if expected is None or not (expected.abnormal_frames and expected.frames and found.frames):
            return ""
        usual, here = expected.abnormal_frames / expected.frames, (found.abnormal_frames or 0) / found.frames
        if not usual < 1 / 2 < here or here - usual <= abs(here - (1 - usual)):
            return ""
        return (
            f"{here:.0%} of the frames at hand are labelled abnormal, {usual:.0%} of the official test split: is 1 "
            "normal in these labels?"
        )

    def _difference(self, name: str) -> str:
        found, expected = getattr(self.found, name), getattr(self.expected, name)
        return f"{found:,} {name.replace('_', ' ')}, expected {expected:,}"

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
    """Count videos, and the frames whose scores count.

    Args:
        videos: Test videos.

    Returns:
        The counts; that of the abnormal frames is None if a video has no labels.
    """
    frames = sum(video.measured_count for video in videos)
    labels = [video.measured_labels for video in videos if video.measured_labels is not None]
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
        yield Defect(str(benchmark.root), what, action, fatal=True, items=tuple(absent), lost=True)


def _inspect(video: TestVideo) -> list[Defect]:
    """Decode all frames and masks of a video; its reader notes the broken frames."""
    height, width = video.size
    portion = max(1, PORTION // (height * width * 3))
    disagreeing: list[int] = []
    try:
        for start in range(0, video.frame_count, portion):
            stop = min(start + portion, video.frame_count)
            if has_frames(video.reader):
                video.read(start, stop)
            disagreeing += _disagreeing(video, start, stop)
    except DataError as error:
        return [Defect(video.key, str(error), "it cannot be scored: fix or fetch the file", fatal=True, lost=True)]
    finally:
        video.close()
    if not disagreeing:
        return []
    first = disagreeing[0]
    what = f"frame labels and masks disagree on {len(disagreeing)} of {video.frame_count} frames (first: {first})"
    action = "kept as annotated: frame metrics use the labels, pixel metrics the masks"
    fatal = len(disagreeing) > DISAGREEING * video.frame_count
    return [Defect(video.key, what, action, fatal, tuple(map(str, disagreeing)))]


def _reason(defect: Defect) -> str:
    """A fatal defect in one sentence."""
    names = ", ".join(defect.items[:SHOWN]) + (" ..." if len(defect.items) > SHOWN else "")
    return f"{defect.where}: {defect.what}" + (f" ({names})" if names else "")


def _disagreeing(video: TestVideo, start: int, stop: int) -> list[int]:
    """Numbers of the frames start..stop-1 whose label and mask disagree."""
    masks = video.read_masks(start, stop)
    if masks is None or video.frame_labels is None:
        return []
    differs = masks.any(axis=(1, 2)) != video.frame_labels[start:stop]
    return [start + int(index) for index in differs.nonzero()[0]]
