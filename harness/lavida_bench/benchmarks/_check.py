"""A benchmark's files against what they should hold: counts, and every defect with what is done about it.

`lavida-bench check BENCHMARK --root DIR` prints this. Every frame and mask is decoded unless that is not wanted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from lavida_bench.benchmarks._base import Benchmark, Defect, SplitSize, reading_defects
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError

PORTION = 64 << 20  # bytes of frames held at once by each thread


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found.

    expected   of the official test split, None if there is none
    annotated  what the annotation files say by themselves, None if they do not
    found      what can be read and scored
    decoded    whether every frame and mask was decoded
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
        """The counts that are not as expected: "videos", "frames", "abnormal_frames"."""
        if self.expected is None:
            return []
        pairs = zip(asdict(self.expected).items(), asdict(self.found).values(), strict=True)
        return [name for (name, wanted), got in pairs if wanted is not None and wanted != got]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "differs": self.differences(), "official": self.official}


def check(
    benchmark: Benchmark, decode: bool = True, advance: Callable[[int], None] = lambda frames: None
) -> CheckReport:
    """Reads a benchmark. Raises DataError where not even its annotations can be read."""
    videos = benchmark.loaded()
    defects = [*missing_videos(benchmark, len(videos)), *benchmark.log.defects]
    if decode:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # decoders let go of the interpreter's lock
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
    """Videos, frames and, if all have labels, abnormal frames."""
    marks = [video.frame_labels for video in videos]
    abnormal = None if any(one is None for one in marks) else sum(int(one.sum()) for one in marks if one is not None)
    return SplitSize(len(videos), sum(video.frame_count for video in videos), abnormal)


def missing_videos(benchmark: Benchmark, found: int) -> Iterator[Defect]:
    """That videos are not there, where only `found` of them are."""
    expected, absent = benchmark.expected, benchmark.log.missing
    total = max(expected.videos if expected else 0, found + len(absent))
    if total > found:
        what = f"{total - found} of {total} videos are missing"
        action = "left out: numbers over the rest are partial, not the benchmark's; fetch them"
        yield Defect(str(benchmark.root), what, action, fatal=True, items=tuple(absent))


def _inspect(video: TestVideo) -> list[Defect]:
    """Decodes everything of a video; broken frames are noted by its reader."""
    height, width = video.size
    portion = max(1, PORTION // (height * width * 3))
    wrong: list[int] = []
    try:
        for start in range(0, video.frame_count, portion):
            stop = min(start + portion, video.frame_count)
            video.read(start, stop)
            wrong += _disagreeing(video, start, stop)
    except DataError as error:
        return [Defect(video.key, str(error), "scoring stops here: mend or fetch the file", fatal=True)]
    finally:
        video.close()
    if not wrong:
        return []
    what = f"frame labels and masks disagree on {len(wrong)} of {video.frame_count} frames (first: {wrong[0]})"
    action = "kept as annotated: frame metrics use the labels, pixel metrics the masks"
    return [Defect(video.key, what, action, items=tuple(map(str, wrong)))]


def _disagreeing(video: TestVideo, start: int, stop: int) -> list[int]:
    masks = video.read_masks(start, stop)
    if masks is None or video.frame_labels is None:
        return []
    differs = masks.any(axis=(1, 2)) != video.frame_labels[start:stop]
    return [start + int(at) for at in differs.nonzero()[0]]
