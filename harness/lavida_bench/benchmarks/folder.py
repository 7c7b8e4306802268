"""Your own videos: files or folders of frames, with labels by frame, with masks, with both, or with none.

Without labels a method can be run and looked at, but not measured.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, DefectLog
from lavida_bench.benchmarks._intervals import Interval, checked_interval, intervals_to_labels, parse_whole_number
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.mask_files import MaskFiles, read_grey
from lavida_bench.videos.media import IMAGES, VIDEOS, Media, is_stray, numbered_files
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common.errors import DataError, did_you_mean, problem


class LabelRow(NamedTuple):
    """A line of labels.csv; no stretch = the video is normal."""

    video: str
    stretch: Interval | None
    name: str


class FolderOptions(BenchmarkOptions):
    """What the files do not say."""

    fps: float | None = Field(None, gt=0, description="frames a second of frame folders")


class FolderBenchmark(Benchmark[FolderOptions]):
    """Any videos; `names` in labels.csv are what a prompt names unless option `names` says otherwise."""

    Options: ClassVar[type[BenchmarkOptions]] = FolderOptions
    about = BenchmarkInfo(
        title="your own folder",
        page="",
        licence="yours",
        use="yours",
        get="Put your videos into a folder; labels and masks are optional.",
        layout="""videos/NAME.mp4                 or .avi .mkv .mov .webm, or videos/NAME/0001.jpg ... in this order
labels.csv                      video,start,end[,name]: frames from 0, end exclusive; `NAME,,` = normal;
                                videos that it does not name are normal
masks/NAME/000012.png           optional: anomalous pixels (not 0) of frame 12, frames from 0; frames without a file
                                have none; without labels.csv they also give the frame labels""",
        names=("anomaly",),
    )

    @property
    def anomaly_names(self) -> tuple[str, ...]:
        """Those of option `names`, else of labels.csv, else "anomaly"."""
        if self.options.names is not None or not self._labels.is_file():
            return super().anomaly_names
        return tuple(dict.fromkeys(row.name for row in read_labels(self._labels) if row.name)) or self.about.names

    @property
    def _labels(self) -> Path:
        return self.root / "labels.csv"

    def load(self, log: DefectLog) -> list[TestVideo]:
        """See Benchmark."""
        media = self._media(log)
        rows = read_labels(self._labels) if self._labels.is_file() else None
        stretches: dict[str, list[Interval]] = defaultdict(list)
        for row in rows or ():
            file = row.video not in media and Path(row.video).suffix.lower() in VIDEOS
            name = Path(row.video).stem if file else row.video
            if name not in media:
                hint = did_you_mean(name, tuple(media))
                log.add(self._labels, f"no video {row.video!r}" + (f": {hint}" if hint else ""), "left out", fatal=True)
            elif row.stretch is not None:
                stretches[name].append(row.stretch)
        videos = []
        for key, one in media.items():
            try:
                videos.append(self._video(key, one, stretches[key] if rows is not None else None, log))
            except DataError as error:
                log.add(key, str(error), "left out", fatal=True)
        if videos and all(video.frame_labels is None for video in videos):
            log.add(self.root, "no labels.csv and no masks/", "scores and overlays can be made, no metrics")
        return videos

    def _media(self, log: DefectLog) -> dict[str, Media]:
        """Key -> reader, sorted by key."""
        home = self.root / "videos"
        home = home if home.is_dir() else self.root
        found: dict[str, Path] = {}
        for path in sorted(home.iterdir()):
            wanted = path.suffix.lower() in VIDEOS if path.is_file() else _has_images(path)
            if wanted and not is_stray(path.name):
                key = path.stem if path.is_file() else path.name
                if found.setdefault(key, path) != path:
                    log.add(path, f"has the name of {found[key].name}", "left out: rename it", fatal=True)
        if not found:
            raise DataError(
                problem(home, "no video and no folder of frames", "videos/NAME.mp4 or videos/NAME/0001.jpg")
            )
        files = dict(open_all([(key, path) for key, path in found.items() if path.is_file()], log))
        made: dict[str, Media] = {}
        for key, path in sorted(found.items()):
            if path.is_dir():
                made[key] = FrameFolder.from_folder(path, fps=self.options.fps)
            elif key in files:
                made[key] = files[key]
        return made

    def _video(self, key: str, media: Media, stretches: list[Interval] | None, log: DefectLog) -> TestVideo:
        folder = self.root / "masks" / key
        files = numbered_files(folder) if folder.is_dir() else {}
        count = media.frame_count
        if files and max(files) >= count:
            got = f"a mask of frame {max(files)}"
            raise DataError(problem(folder, got, f"frames 0..{count - 1}: numbers begin with 0", "rename the masks"))
        marks: Bits | None = None
        if stretches is not None:
            if past := [s for s in stretches if s.stop > count]:
                log.add(key, f"labelled up to frame {past[-1].stop} of {count}", "clamped to the video")
            marks = intervals_to_labels(stretches, count)
        elif (self.root / "masks").is_dir():
            marks = np.zeros(count, np.bool_)
            marks[[n for n, path in files.items() if read_grey(path, media.size).any()]] = True
        masks = MaskFiles(files, media.size) if (self.root / "masks").is_dir() else None
        return TestVideo(key, count, media.size, media, media.fps, self.anomaly_names, marks, masks)


def _has_images(folder: Path) -> bool:
    return folder.is_dir() and any(p.suffix.lower() in IMAGES and not is_stray(p.name) for p in folder.iterdir())


def read_labels(path: Path) -> list[LabelRow]:
    """The lines of labels.csv. Raises DataError with the line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file, skipinitialspace=True)
        if not {"video", "start", "end"} <= set(table.fieldnames or ()):
            raise DataError(problem(path, f"columns {table.fieldnames}", "video,start,end[,name]"))
        return [_row(row, f"{path}, line {table.line_num}") for row in table]


def _row(row: dict[str, str], where: str) -> LabelRow:
    start, end = (row["start"] or "").strip(), (row["end"] or "").strip()
    name = (row.get("name") or "").strip()
    if not start and not end:
        return LabelRow(row["video"].strip(), None, name)
    return LabelRow(
        row["video"].strip(),
        checked_interval(parse_whole_number(start, where), parse_whole_number(end, where), where),
        name,
    )
