"""XD-Violence: clips of films and online videos, six classes of violence, labels by frame.

The official ground truth has intervals [start, end), drops the last frame of each video and cuts it to a multiple of 16
(option `cut`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import (
    Interval,
    checked_interval,
    intervals_to_labels,
    parse_whole_number,
    refuse_late,
)
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.media import Media, TruncatedVideo, find_videos, without_suffix
from lavida_bench.videos.no_frames import NoFrames, read_frame_counts
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_text

FILE = "annotations.txt"
CODES = ("A", "B1", "B2", "B4", "B5", "B6", "G")
LABEL = re.compile(r"_label_([A-Z0-9]+(?:-[A-Z0-9]+){0,2})$")
SNIPPET = 16
FPS = 24.0
NORMAL_VIDEOS = 300


class XdViolenceOptions(BenchmarkOptions):
    """How the videos are cut."""

    cut: Literal["official", "none"] = Field("official", description="last frame dropped and cut to a multiple of 16")
    frame_counts: Path | None = Field(None, description="CSV video,frames: labels without the videos, for score-files")


class XdViolence(Benchmark[XdViolenceOptions]):
    """800 test videos, 500 of them violent, 24 frames a second; the metric is average precision."""

    Options: ClassVar[type[BenchmarkOptions]] = XdViolenceOptions
    about = BenchmarkInfo(
        title="XD-Violence",
        page="https://roc-ng.github.io/XD-Violence/",
        licence="research use",
        use="noncommercial",
        get="Download the test videos and annotations.txt from the page; unpack both below one folder: --root.",
        layout="""annotations.txt
videos/NAME__#START_END_label_B2-0-0.mp4   the 800 test videos, in any folder; mirrors that drop the # are fine""",
        expected=SplitSize(800, 2_330_384, 537_805),
        metrics=("frame_ap",),
        paper_metrics=("frame_auc",),
        every=128,
        names=("fighting", "shooting", "riot", "abuse", "car accident", "explosion"),
        cite="Wu, Liu, et al.: Not only Look, but also Listen: Learning Multimodal Violence Detection. ECCV 2020.",
    )

    @property
    def expected(self) -> SplitSize | None:
        """The number of frames is known for the official cut."""
        return self.about.expected if self.options.cut == "official" else SplitSize(800)

    def _annotations(self) -> dict[str, list[Interval]]:
        files = sorted(self.root.rglob(FILE), key=lambda path: len(path.parts))
        if not files:
            todo = f"download it from {self.about.page}"
            raise DataError(problem(self.root, f"no {FILE}", "the frame annotations of the violent videos", todo))
        return read_annotations(files[0])

    def annotated(self) -> SplitSize:
        """Number of violent videos in the annotation file, which does not name the normal ones."""
        return SplitSize(len(self._annotations()))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The annotated videos and the normal ones in their folders, sorted by key."""
        annotations = self._annotations()
        intervals = {normalised_name(name): of_video for name, of_video in annotations.items()}
        names = {normalised_name(name): name for name in annotations}
        videos = []
        found = set()
        for key, stem, media in self._media(intervals, log):
            found.add(key)
            try:
                videos.append(self._video(names.get(key, stem), media, intervals.get(key, []), log))
            except DataError as error:
                log.leave_out(names.get(key, stem), str(error))
        log.missing += [name for key, name in names.items() if key not in found]
        return sorted(videos, key=lambda video: video.key)

    def _media(self, annotated: Collection[str], log: DefectLog) -> Iterator[tuple[str, str, Media]]:
        """(normalised name, name, reader) of each video at hand."""
        if self.options.frame_counts is not None:
            for name, count in read_frame_counts(self.options.frame_counts).items():
                key = normalised_name(name)
                if key in annotated or class_codes(key) == ("A",):
                    yield key, without_suffix(name), NoFrames(name, count, fps=FPS)
            return
        for key, media in open_all(self._paths(annotated, log).items(), log):
            yield key, media.path.stem, media

    def _paths(self, annotated: Collection[str], log: DefectLog) -> dict[str, Path]:
        """Normalised name -> file: the annotated videos, and the normal ones in the same folders."""
        files = self._files(log)
        folders = {path.parent for name, path in files.items() if name in annotated}
        others = [name for name, path in files.items() if path.parent in folders and name not in annotated]
        normal = [name for name in others if class_codes(name) == ("A",)]
        foreign = [name for name in others if name not in normal]
        if foreign:
            action = "left out: neither annotated nor normal (training videos?)"
            log.add(self.root, f"{len(foreign)} videos that are not of the test split", action, items=foreign)
        if len(normal) > NORMAL_VIDEOS:
            what = f"{len(normal)} normal videos beside the annotated ones, {NORMAL_VIDEOS} are of the test split"
            log.add(self.root, what, "all count: move training videos into a folder of their own", fatal=True)
        return {name: files[name] for name in sorted({*normal, *(name for name in annotated if name in files)})}

    def _files(self, log: DefectLog) -> dict[str, Path]:
        """Normalised name -> file, of all videos below the root; several files of one name go to `log`."""
        files: dict[str, Path] = {}
        for paths in find_videos(self.root).values():
            name = normalised_name(paths[0].stem)
            repeated = name in files or len(paths) > 1
            files.setdefault(name, paths[0])
            if repeated:
                log.add(name, "several files of this name", f"took {files[name]}", items=[*paths, files[name]])
        return files

    def _video(self, key: str, media: Media, intervals: list[Interval], log: DefectLog) -> TestVideo:
        count = media.frame_count
        refuse_late(intervals, count, key)
        beyond = [interval for interval in intervals if interval.stop > count]
        if beyond:
            what = f"annotated up to frame {beyond[-1].stop} of {count}"
            log.add(key, what, "clamped to the video; it may be cut short: fetch it again")
        cut = media
        if self.options.cut == "official":
            count = official_length(media.frame_count)
            if count == 0:
                got = f"{media.frame_count} frames, less than one snippet of {SNIPPET}"
                raise DataError(problem(key, got, f"more than {SNIPPET}, as the official ground truth has"))
            cut = TruncatedVideo(media, count)
        return TestVideo(
            key, count, media.size, cut, media.fps, self.anomaly_names, intervals_to_labels(intervals, count)
        )


def official_length(frame_count: int) -> int:
    """Number of frames that the official ground truth keeps.

    Args:
        frame_count: F of the video.

    Returns:
        The largest multiple of 16 below F.
    """
    return (frame_count - 1) // SNIPPET * SNIPPET


def normalised_name(name: str) -> str:
    """A video's name in a form in which annotations and files agree.

    Args:
        name: The name.

    Returns:
        The name without the stray ``.mp4`` of 14 annotated names and the ``#`` that mirrors drop.
    """
    return without_suffix(name).replace("#", "")


def class_codes(name: str) -> tuple[str, ...]:
    """The class codes of a video.

    Args:
        name: Its name: ``x_label_B2-G-0``.

    Returns:
        The codes without the filling zeros: ("B2", "G"); () if the name has none.
    """
    match = LABEL.search(without_suffix(name))
    if match is None:
        return ()
    return tuple(code for code in match[1].split("-") if code != "0")


def read_annotations(path: Path) -> dict[str, list[Interval]]:
    """Read the annotation file.

    Args:
        path: The file: NAME START END, and more pairs; ends exclusive.

    Returns:
        Name -> violent intervals as the file has them: any number, unsorted, overlapping.

    Raises:
        DataError: A line is invalid or names a video again, or the file is empty.
    """
    annotations: dict[str, list[Interval]] = {}
    seen: set[str] = set()
    for line, text in enumerate(read_text(path, expected="NAME START END ...").splitlines(), start=1):
        fields = text.split()
        if not fields:
            continue
        where = f"{path}, line {line}"
        name = without_suffix(PurePosixPath(fields[0]).name)
        _check_codes(name, where)
        if len(fields) % 2 == 0 or len(fields) < 3:
            raise DataError(problem(where, f"{len(fields) - 1} numbers", "NAME START END, and more pairs"))
        if normalised_name(name) in seen:
            raise DataError(problem(where, f"{name} appears again", "one line a video"))
        seen.add(normalised_name(name))
        ends = [parse_whole_number(number, where) for number in fields[1:]]
        pairs = zip(ends[::2], ends[1::2], strict=True)
        annotations[name] = [checked_interval(a, b, where, f"{a} {b}") for a, b in pairs]
    if not annotations:
        raise DataError(problem(path, "is empty", "NAME START END ..."))
    return annotations


def _check_codes(name: str, where: str) -> None:
    """Raises DataError for a name without class codes of violence."""
    codes = class_codes(name)
    if not codes or "A" in codes or any(code not in CODES for code in codes):
        expected = "a name that ends in _label_ and codes of violence, like _label_B2-G-0"
        raise DataError(problem(where, f"name {name!r}", expected))
