"""UCF-Crime: untrimmed videos of surveillance cameras, 13 classes of crimes and accidents, labels by frame.

Annotated ends are read as inclusive (some papers read them as exclusive: option `ends`). The annotation file in
circulation has 156 events, 84,331 abnormal frames of 1,111,808 (7.59 %).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._frame_labels import OTHER_ENCODING, is_another_encoding
from lavida_bench.benchmarks._intervals import (
    Interval,
    checked_interval,
    intervals_to_labels,
    parse_whole_number,
    refuse_late,
)
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.media import Media, find_videos, without_suffix
from lavida_bench.videos.no_frames import NoFrames, read_frame_counts
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_text

FILE = "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"
OTHER_FILES = "Temporal_Anomaly_Annotation*.txt"
"""Older and newer names of the same file; lines may end with the number of frames."""
NORMAL = "Normal"
FPS = 30.0
NORMAL_FOLDER = "Testing_Normal_Videos_Anomaly"


class VideoAnnotation(NamedTuple):
    """A line of the annotation file: name without suffix, class, abnormal intervals, frames if they are stated."""

    key: str
    kind: str
    intervals: tuple[Interval, ...]
    frames: int | None = None


class UcfCrimeOptions(BenchmarkOptions):
    """How the annotation is interpreted."""

    ends: Literal["inclusive", "exclusive"] = Field(
        "inclusive", description="whether an event's last frame is part of it"
    )
    frame_counts: Path | None = Field(None, description="CSV video,frames: labels without the videos, for score-files")


class UcfCrime(Benchmark[UcfCrimeOptions]):
    """290 test videos, 140 with events, 150 normal, 30 frames a second."""

    Options: ClassVar[type[BenchmarkOptions]] = UcfCrimeOptions
    about = BenchmarkInfo(
        title="UCF-Crime",
        page="https://www.crcv.ucf.edu/projects/real-world/",
        licence="research use",
        use="noncommercial",
        get="Download the videos and the temporal annotations from the page; unpack all below one folder: --root.",
        layout=f"""{FILE}
Anomaly-Videos/Arson/Arson009_x264.mp4     or Anomaly-Videos-Part-1/Arson/..., ...
{NORMAL_FOLDER}/Normal_Videos_003_x264.mp4""",
        expected=SplitSize(290, 1_111_808, 84_331),
        metrics=("frame_auc",),
        every=128,
        names=(
            "abuse", "arrest", "arson", "assault", "burglary", "explosion", "fighting", "road accidents", "robbery",
            "shooting", "shoplifting", "stealing", "vandalism",
        ),
        cite="Sultani, Chen, Shah: Real-World Anomaly Detection in Surveillance Videos. CVPR 2018.",
    )  # fmt: skip

    @property
    def expected(self) -> SplitSize:
        """With exclusive ends 149 frames fewer are abnormal: one for each event except the seven that are clamped."""
        return SplitSize(290, 1_111_808, 84_331 if self.options.ends == "inclusive" else 84_182)

    def _entries(self) -> list[VideoAnnotation]:
        found = self.root.rglob(OTHER_FILES)
        files = sorted(found, key=lambda path: (path.name != FILE, len(path.parts), path.name))
        if not files:
            todo = f"download it from {self.about.page}"
            raise DataError(problem(self.root, f"no {FILE}", "the temporal annotations", todo))
        return read_annotations(files[0], inclusive=self.options.ends == "inclusive")

    def annotated(self) -> SplitSize:
        """Number of videos in the annotation file, which does not contain their lengths."""
        return SplitSize(len(self._entries()))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The annotated videos, in the order of the annotation file."""
        entries = {entry.key: entry for entry in self._entries()}
        videos: list[TestVideo] = []
        beyond: list[str] = []
        for key, media in self._media(entries, log):
            try:
                labels, stop = clamped_labels(entries[key], media.frame_count)
            except DataError as error:
                log.leave_out(key, str(error))
                continue
            entry, stated = entries[key], entries[key].frames
            if (entry.kind == NORMAL) == bool(entry.intervals):
                what = f"class {entry.kind} and {len(entry.intervals) or 'no'} event{'s' * (len(entry.intervals) != 1)}"
                action = "counts as annotated: its events are missing, or its class is wrong"
                log.add(key, what, action, fatal=True)
            if stated is not None and stated != media.frame_count:
                other = is_another_encoding(media.frame_count, stated)
                action = f"the {media.frame_count:,} frames in the file are used{OTHER_ENCODING if other else ''}"
                log.add(key, f"annotated as {stated:,} frames", action, fatal=other)
            if stop > media.frame_count:
                last = stop - 1 if self.options.ends == "inclusive" else stop
                beyond.append(f"{key} (to {last} of {media.frame_count})")
            videos.append(TestVideo(key, media.frame_count, media.size, media, media.fps, self.anomaly_names, labels))
        if beyond:
            what = f"{len(beyond)} annotations reach past the end of their video"
            log.add(self.root, what, "clamped to the last frame", items=beyond)
        return videos

    def _media(self, entries: Mapping[str, VideoAnnotation], log: DefectLog) -> Iterator[tuple[str, Media]]:
        """(key, reader) of each annotated video that is at hand."""
        if self.options.frame_counts is not None:
            counts = {
                without_suffix(name): count for name, count in read_frame_counts(self.options.frame_counts).items()
            }
            log.missing += [key for key in entries if key not in counts]
            yield from ((key, NoFrames(key, counts[key], fps=FPS)) for key in entries if key in counts)
            return
        files = find_videos(self.root)
        similar = _similar_names(set(files) - set(entries))
        paths = []
        for key, entry in entries.items():
            name = key if key in files else similar.get(_plain_name(key))
            if name is None:
                log.missing.append(key)
                continue
            if name != key:
                log.add(key, f"no video of this name, and {name} has no line", f"read from {name}")
            paths.append((key, _choose(files[name], entry.kind, log)))
        yield from open_all(paths, log)


def read_annotations(path: Path, inclusive: bool = True) -> list[VideoAnnotation]:
    """Read the annotation file.

    Args:
        path: The file; names with or without ``.mp4``, separated by any blanks.
        inclusive: Whether an event's last frame is part of it.

    Returns:
        Its lines in order.

    Raises:
        DataError: A line is invalid or names a video again, or the file is empty.
    """
    entries: dict[str, VideoAnnotation] = {}
    for line, text in enumerate(read_text(path, expected="NAME CLASS START END START END").splitlines(), start=1):
        if not text.strip():
            continue
        entry = _entry(text.split(), f"{path}, line {line}", inclusive)
        if entry.key in entries:
            raise DataError(problem(f"{path}, line {line}", f"{entry.key} appears again", "one line a video"))
        entries[entry.key] = entry
    if not entries:
        raise DataError(problem(path, "is empty", "NAME CLASS START END START END"))
    return list(entries.values())


def _entry(fields: list[str], where: str, inclusive: bool) -> VideoAnnotation:
    if len(fields) < 4 or (len(fields) % 2 and len(fields) < 7):
        got = f"{len(fields)} words"
        raise DataError(problem(where, got, "NAME CLASS START END START END, -1 where there is no event"))
    key = without_suffix(PurePosixPath(fields[0]).name)
    frames = parse_whole_number(fields[-1], where) if len(fields) % 2 else None
    numbers = fields[2:] if frames is None else fields[2:-1]
    return VideoAnnotation(key, fields[1], tuple(_events(numbers, where, inclusive)), frames)


def _plain_name(key: str) -> str:
    """A name without what copies of the data set write differently: ``Normal_Videos003`` is ``Normal_Videos_003``."""
    return key.replace("_", "").lower()


def _similar_names(names: Collection[str]) -> dict[str, str]:
    """Plain name -> name, of the names that are the only ones of their plain name."""
    plain = Counter(map(_plain_name, names))
    return {_plain_name(name): name for name in names if plain[_plain_name(name)] == 1}


def _events(numbers: list[str], where: str, inclusive: bool) -> Iterator[Interval]:
    for start, end in zip(numbers[::2], numbers[1::2], strict=True):
        first, last = parse_whole_number(start, where), parse_whole_number(end, where)
        if (first, last) != (-1, -1):
            yield checked_interval(first, last + 1 if inclusive else last, where, f"{start} {end}")


def clamped_labels(entry: VideoAnnotation, frame_count: int) -> tuple[Bits, int]:
    """Make the frame labels of a video.

    Args:
        entry: Its line of the annotation file.
        frame_count: F of the video.

    Returns:
        (F,) bool labels, and the end of the last interval, exclusive, which may be beyond F; 0 without intervals.

    Raises:
        DataError: An interval begins after the end of the video.
    """
    stop = max((interval.stop for interval in entry.intervals), default=0)
    refuse_late(entry.intervals, frame_count, entry.key)
    return intervals_to_labels(entry.intervals, frame_count), stop


def _choose(paths: list[Path], kind: str, log: DefectLog) -> Path:
    """The file in the folder of its class, if several files have the name."""
    folder = NORMAL_FOLDER if kind == NORMAL else kind
    best = sorted(paths, key=lambda path: path.parent.name != folder)[0]
    if len(paths) > 1:
        log.add(best.stem, f"{len(paths)} files of this name", f"took {best}", items=paths)
    return best
