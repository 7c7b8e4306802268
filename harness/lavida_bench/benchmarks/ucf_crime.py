"""UCF-Crime: untrimmed videos of surveillance cameras, 13 kinds of crime and accident, labels by frame.

Annotated ends are read as inclusive (some read them as exclusive: option `ends`). The annotation file in circulation
holds 156 events, 84,331 abnormal frames of 1,111,808 (7.59 %).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, DefectLog, SplitSize
from lavida_bench.benchmarks._intervals import Interval, checked_interval, intervals_to_labels, parse_whole_number
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.media import VIDEOS, find_videos
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common.errors import DataError, problem

FILE = "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"
NORMAL = "Normal"
NORMAL_FOLDER = "Testing_Normal_Videos_Anomaly"


class VideoAnnotation(NamedTuple):
    """A line of the annotation file: name without suffix, class, stretches."""

    key: str
    kind: str
    stretches: tuple[Interval, ...]


class UcfCrimeOptions(BenchmarkOptions):
    """How the annotation is read."""

    ends: Literal["inclusive", "exclusive"] = Field(
        "inclusive", description="whether an event's last frame is part of it"
    )


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
        """149 frames fewer are abnormal where ends are exclusive: one an event, but for the seven that are clamped."""
        return SplitSize(290, 1_111_808, 84_331 if self.options.ends == "inclusive" else 84_182)

    def _entries(self) -> list[VideoAnnotation]:
        places = sorted(self.root.rglob(FILE), key=lambda path: len(path.parts))
        if not places:
            todo = f"download it from {self.about.page}"
            raise DataError(problem(self.root, f"no {FILE}", "the temporal annotations", todo))
        return read_annotations(places[0], inclusive=self.options.ends == "inclusive")

    def annotated(self) -> SplitSize:
        """Videos of the annotation file, which does not know how long they are."""
        return SplitSize(len(self._entries()))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """See Benchmark."""
        entries = {entry.key: entry for entry in self._entries()}
        files = find_videos(self.root)
        paths = []
        for key, entry in entries.items():
            if key in files:
                paths.append((key, _choose(files[key], entry.kind, log)))
            else:
                log.missing.append(key)
        videos, past = [], []
        for key, media in open_all(paths, log):
            try:
                marks, beyond = frame_labels(entries[key], media.frame_count)
            except DataError as error:
                log.add(key, str(error), "left out", fatal=True)
                continue
            if beyond:
                past.append(f"{key} (to {beyond - (self.options.ends == 'inclusive')} of {media.frame_count})")
            videos.append(TestVideo(key, media.frame_count, media.size, media, media.fps, self.anomaly_names, marks))
        if past:
            what = f"{len(past)} annotations reach past the end of their video"
            log.add(self.root, what, "clamped to the last frame", items=past)
        return videos


def read_annotations(path: Path, inclusive: bool = True) -> list[VideoAnnotation]:
    """The lines of an annotation file in order; names with or without ``.mp4``, any blanks. Raises DataError."""
    entries: dict[str, VideoAnnotation] = {}
    for line, text in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
        if not text.strip():
            continue
        entry = _entry(text.split(), f"{path}, line {line}", inclusive)
        if entries.setdefault(entry.key, entry) is not entry:
            raise DataError(problem(f"{path}, line {line}", f"{entry.key} again", "one line a video"))
    if not entries:
        raise DataError(problem(path, "is empty", "NAME CLASS START END START END"))
    return list(entries.values())


def _entry(words: list[str], where: str, inclusive: bool) -> VideoAnnotation:
    if len(words) < 4 or len(words) % 2:
        got = f"{len(words)} words"
        raise DataError(problem(where, got, "NAME CLASS START END START END, -1 where there is no event"))
    key = words[0]
    for suffix in VIDEOS:
        key = key.removesuffix(suffix)
    return VideoAnnotation(key, words[1], tuple(_events(words[2:], where, inclusive)))


def _events(numbers: list[str], where: str, inclusive: bool) -> Iterator[Interval]:
    for start, end in zip(numbers[::2], numbers[1::2], strict=True):
        first, last = parse_whole_number(start, where), parse_whole_number(end, where)
        if (first, last) != (-1, -1):
            yield checked_interval(first, last + 1 if inclusive else last, where)


def frame_labels(entry: VideoAnnotation, frame_count: int) -> tuple[Bits, int]:
    """((F,) labels, where the annotation stops if that is past the video, else 0). Raises DataError."""
    stop = max((stretch.stop for stretch in entry.stretches), default=0)
    late = [stretch for stretch in entry.stretches if stretch.start >= frame_count]
    if late:
        todo = "the video is cut short or another one: fetch it again"
        got = f"an event from frame {late[0].start} of {frame_count}"
        raise DataError(problem(entry.key, got, "events within the video", todo))
    return intervals_to_labels(entry.stretches, frame_count), stop if stop > frame_count else 0


def _choose(paths: list[Path], kind: str, log: DefectLog) -> Path:
    """The file in the folder of its class, where a name lies several times."""
    folder = NORMAL_FOLDER if kind == NORMAL else kind
    best = sorted(paths, key=lambda path: path.parent.name != folder)[0]
    if len(paths) > 1:
        log.add(best.stem, f"lies {len(paths)} times", f"took {best}", items=paths)
    return best
