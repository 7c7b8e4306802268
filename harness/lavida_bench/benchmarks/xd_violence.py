"""XD-Violence: clips of films and of the net, six kinds of violence, labels by frame.

The official ground truth has stretches [start, end), drops the last frame of each video and cuts it to a multiple of 16
(option `cut`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, DefectLog, SplitSize
from lavida_bench.benchmarks._intervals import Interval, checked_interval, intervals_to_labels, parse_whole_number
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.media import Media, TruncatedVideo, find_videos
from lavida_bench.videos.types import TestVideo
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.common.errors import DataError, problem

FILE = "annotations.txt"
CODES = ("A", "B1", "B2", "B4", "B5", "B6", "G")
LABEL = re.compile(r"_label_([A-Z0-9]+(?:-[A-Z0-9]+){0,2})$")
SNIPPET = 16
NORMAL_VIDEOS = 300


class XdViolenceOptions(BenchmarkOptions):
    """How the videos are cut."""

    cut: Literal["official", "none"] = Field("official", description="last frame dropped and cut to a multiple of 16")


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
        """Frames are known for the official cut."""
        return self.about.expected if self.options.cut == "official" else SplitSize(800)

    def _annotations(self) -> dict[str, list[Interval]]:
        places = sorted(self.root.rglob(FILE), key=lambda path: len(path.parts))
        if not places:
            todo = f"download it from {self.about.page}"
            raise DataError(problem(self.root, f"no {FILE}", "the frame annotations of the violent videos", todo))
        return read_annotations(places[0])

    def annotated(self) -> SplitSize:
        """The violent videos of the annotation file, which names no normal ones."""
        return SplitSize(len(self._annotations()))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """See Benchmark."""
        stretches = {normalised_name(name): found for name, found in self._annotations().items()}
        names = {normalised_name(name): name for name in self._annotations()}
        paths = self._paths(stretches, log)
        log.missing += [names[key] for key in names if key not in paths]
        videos = []
        for key, media in open_all(paths.items(), log):
            video = self._video(names.get(key, media.path.stem), media, stretches.get(key, []), log)
            if video is not None:
                videos.append(video)
        return sorted(videos, key=lambda video: video.key)

    def _paths(self, stretches: dict[str, list[Interval]], log: DefectLog) -> dict[str, Path]:
        """Plain name -> file: the annotated videos, and the normal ones that lie in the same folders."""
        files: dict[str, Path] = {}
        for found in find_videos(self.root).values():
            name = normalised_name(found[0].stem)
            if (other := files.setdefault(name, found[0])) != found[0] or len(found) > 1:
                log.add(name, "lies several times", f"took {other}", items=[*found, other])
        homes = {path.parent for name, path in files.items() if name in stretches}
        normal = [name for name, path in files.items() if path.parent in homes and class_codes(name) == ("A",)]
        foreign = [n for n, p in files.items() if p.parent in homes and n not in stretches and n not in normal]
        if foreign:
            action = "left out: neither annotated nor normal (training videos?)"
            log.add(self.root, f"{len(foreign)} videos that are not of the test split", action, items=foreign)
        if len(normal) > NORMAL_VIDEOS:
            what = f"{len(normal)} normal videos beside the annotated ones, {NORMAL_VIDEOS} are of the test split"
            log.add(self.root, what, "all count: move training videos into a folder of their own", fatal=True)
        wanted = sorted({*normal, *(name for name in stretches if name in files)})
        return {name: files[name] for name in wanted}

    def _video(self, key: str, media: VideoFile, stretches: list[Interval], log: DefectLog) -> TestVideo | None:
        count = media.frame_count
        late = [s for s in stretches if s.stop > count]
        if late:
            what = f"annotated up to frame {late[-1].stop} of {count}"
            log.add(key, what, "clamped to the video; it may be cut short: fetch it again")
        cut: Media = media
        if self.options.cut == "official":
            count = official_length(media.frame_count)
            if count == 0:
                log.add(key, f"{media.frame_count} frames, less than one snippet of {SNIPPET}", "left out", fatal=True)
                return None
            cut = TruncatedVideo(media, count)
        return TestVideo(
            key, count, media.size, cut, media.fps, self.anomaly_names, intervals_to_labels(stretches, count)
        )


def official_length(frame_count: int) -> int:
    """Frames that the official ground truth keeps: without the last one, a multiple of 16."""
    return (frame_count - 1) // SNIPPET * SNIPPET


def normalised_name(name: str) -> str:
    """A name to compare by: without the stray ``.mp4`` of 14 annotated names and the ``#`` that mirrors drop."""
    return name.removesuffix(".mp4").replace("#", "")


def class_codes(name: str) -> tuple[str, ...]:
    """The codes of a name, without the filling zeros: ``x_label_B2-G-0`` -> ("B2", "G"); () if there is none."""
    found = LABEL.search(name.removesuffix(".mp4"))
    return tuple(code for code in found[1].split("-") if code != "0") if found else ()


def read_annotations(path: Path) -> dict[str, list[Interval]]:
    """Name -> violent stretches, as the file has them: any number, unsorted, overlapping. Raises DataError."""
    found: dict[str, list[Interval]] = {}
    for line, text in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
        words = text.split()
        if not words:
            continue
        where = f"{path}, line {line}"
        name = words[0].removesuffix(".mp4")
        _known(name, where)
        if len(words) % 2 == 0 or len(words) < 3:
            raise DataError(problem(where, f"{len(words) - 1} numbers", "NAME START END, and more pairs"))
        if name in found:
            raise DataError(problem(where, f"{name} again", "one line a video"))
        ends = [parse_whole_number(word, where) for word in words[1:]]
        found[name] = [checked_interval(a, b, where) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    if not found:
        raise DataError(problem(path, "is empty", "NAME START END ..."))
    return found


def _known(name: str, where: str) -> None:
    codes = class_codes(name)
    if not codes or "A" in codes or any(code not in CODES for code in codes):
        expected = "a name that ends in _label_ and codes of violence, like _label_B2-G-0"
        raise DataError(problem(where, f"name {name!r}", expected))
