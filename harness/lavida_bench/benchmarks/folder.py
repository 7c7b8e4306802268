"""Your own videos: files or folders of frames, with labels by frame, with masks, with both, or with none.

Without labels a method can be run and its scores can be viewed, but there are no metrics.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import (
    Interval,
    checked_interval,
    intervals_to_labels,
    parse_whole_number,
    refuse_late,
)
from lavida_bench.benchmarks._lossy_masks import log_lossy
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.mask_files import MaskFiles, anomalous, read_grey
from lavida_bench.videos.media import IMAGES, VIDEOS, Media, is_stray, numbered_files
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common.arrays import load_array
from lavida_gen.common.errors import DataError, did_you_mean, problem
from lavida_gen.common.input_file import parsing, read_text


class LabelRow(NamedTuple):
    """A line of labels.csv; no interval = the video is normal."""

    video: str
    interval: Interval | None
    name: str


class FolderOptions(BenchmarkOptions):
    """Facts that the files do not contain."""

    fps: float | None = Field(None, gt=0, description="frames a second of frame folders")


class FolderBenchmark(Benchmark[FolderOptions]):
    """Any videos. A prompt lists the names of labels.csv, unless option `names` is set."""

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
                                have none; without labels.csv they also give the frame labels
shares/NAME.npy                 optional: (F,) numbers 0..1, the share of annotators who call a frame abnormal, for
                                soft_auc and soft_ap; without labels.csv and masks/ frames from 0.5 are abnormal""",
        names=("anomaly",),
    )

    @property
    def anomaly_names(self) -> tuple[str, ...]:
        """Those of option `names`, else of labels.csv, else "anomaly"."""
        if self.options.names is not None or not self._labels_file.is_file():
            return super().anomaly_names
        return tuple(dict.fromkeys(row.name for row in read_labels(self._labels_file) if row.name)) or self.about.names

    @property
    def _labels_file(self) -> Path:
        return self.root / "labels.csv"

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The videos sorted by key."""
        media = self._media(log)
        intervals = self._intervals(media, log) if self._labels_file.is_file() else None
        videos = []
        for key, reader in media.items():
            try:
                videos.append(self._video(key, reader, None if intervals is None else intervals[key], log))
            except DataError as error:
                log.leave_out(key, str(error))
        if (self.root / "masks").is_dir():
            names = [path.name for path in sorted((self.root / "masks").iterdir()) if path.is_dir()]
            strangers = [name for name in names if name not in media and not is_stray(name)]
            if strangers:
                action = "left out: a folder of masks has the name of its video"
                log.add(self.root / "masks", "masks of no video", action, fatal=True, items=strangers)
        if videos and all(video.frame_labels is None for video in videos):
            log.add(self.root, "no labels.csv and no masks/", "scores and overlays are possible, metrics are not")
        return videos

    def _intervals(self, media: Mapping[str, Media], log: DefectLog) -> dict[str, list[Interval]]:
        """Key -> abnormal intervals of labels.csv, [] for a video that it does not name."""
        intervals: dict[str, list[Interval]] = {key: [] for key in media}
        normal: list[str] = []
        for row in read_labels(self._labels_file):
            is_file_name = row.video not in media and Path(row.video).suffix.lower() in VIDEOS
            key = Path(row.video).stem if is_file_name else row.video
            if key not in media:
                hint = did_you_mean(key, tuple(media))
                what = f"no video {row.video!r}" + (f": {hint}" if hint else "")
                log.leave_out(self._labels_file, what)
            elif row.interval is not None:
                intervals[key].append(row.interval)
            else:
                normal.append(key)
        both = [key for key in normal if intervals[key]]
        if both:
            what = "videos that are normal in one line and have an event in another"
            log.add(self._labels_file, what, "the events count", fatal=True, items=both)
        return intervals

    def _media(self, log: DefectLog) -> dict[str, Media]:
        """Key -> reader, sorted by key."""
        folder = self.root / "videos"
        folder = folder if folder.is_dir() else self.root
        paths: dict[str, Path] = {}
        for path in sorted(folder.iterdir()):
            if not _is_video(path):
                continue
            key = path.stem if path.is_file() else path.name
            if key in paths:
                log.leave_out(path, f"has the name of {paths[key].name}", "left out: rename it")
            else:
                paths[key] = path
        if not paths:
            expected = "videos/NAME.mp4 or videos/NAME/0001.jpg"
            raise DataError(problem(folder, "no video and no folder of frames", expected))
        files = dict(open_all([(key, path) for key, path in paths.items() if path.is_file()], log))
        readers: dict[str, Media] = {}
        for key, path in sorted(paths.items()):
            if path.is_dir():
                steps = np.diff([*numbered_files(path)])
                if len(np.unique(steps)) > 1:
                    what = f"the numbers of {len(steps) + 1} frames have gaps or steps that vary"
                    log.add(path, what, "frames count in their order, without the missing ones")
                readers[key] = FrameFolder.from_folder(path, fps=self.options.fps)
            elif key in files:
                readers[key] = files[key]
        return readers

    def _video(self, key: str, media: Media, intervals: list[Interval] | None, log: DefectLog) -> TestVideo:
        """`intervals` is None without labels.csv."""
        has_masks = (self.root / "masks").is_dir()
        folder = self.root / "masks" / key
        files = numbered_files(folder) if folder.is_dir() else {}
        count = media.frame_count
        if files and max(files) >= count:
            got = f"a mask of frame {max(files)}"
            raise DataError(problem(folder, got, f"frames 0..{count - 1}: numbers begin with 0", "rename the masks"))
        log_lossy(files, folder, log)
        labels: Bits | None = None
        if intervals is not None:
            refuse_late(intervals, count, f"{self._labels_file}, {key}")
            beyond = [interval for interval in intervals if interval.stop > count]
            if beyond:
                log.add(key, f"labelled up to frame {beyond[-1].stop} of {count}", "clamped to the video")
            labels = intervals_to_labels(intervals, count)
        elif has_masks:
            labels = np.zeros(count, np.bool_)
            labels[[n for n, path in files.items() if anomalous(read_grey(path, media.size), path).any()]] = True
        masks = MaskFiles(files, media.size) if has_masks else None
        shares = _read_shares(self.root / "shares" / f"{key}.npy")
        if labels is None and shares is not None:
            labels = shares >= 0.5
        names = self.anomaly_names
        return TestVideo(key, count, media.size, media, media.fps, names, labels, masks, label_shares=shares)


def _read_shares(path: Path) -> NDArray[np.float64] | None:
    """The numbers of an .npy file, None without a file. Raises DataError."""
    if not path.exists():
        return None
    expected = "an array of numbers that np.save wrote"
    with parsing(path, expected):
        shares = load_array(path)
    if shares.dtype.kind not in "fiub" or shares.ndim != 1:
        raise DataError(problem(path, f"{shares.dtype} {shares.shape}", expected))
    return np.asarray(shares, np.float64)


def _is_video(path: Path) -> bool:
    """Whether a path is a video file or a folder of frames."""
    if is_stray(path.name):
        return False
    return path.suffix.lower() in VIDEOS if path.is_file() else _has_images(path)


def _has_images(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return any(path.suffix.lower() in IMAGES and not is_stray(path.name) for path in folder.iterdir())


def read_labels(path: Path) -> list[LabelRow]:
    """Read labels.csv.

    Args:
        path: The file: ``video,start,end[,name]``, frames from 0, ends exclusive.

    Returns:
        Its lines.

    Raises:
        DataError: A column is missing or a line is invalid; the message names the line.
    """
    form = "video,start,end[,name]"
    text = read_text(path, expected=form)
    head = text.partition("\n")[0]
    delimiter = next((sign for sign in ";\t" if sign in head and "," not in head), ",")
    table = csv.DictReader(io.StringIO(text), skipinitialspace=True, delimiter=delimiter)
    with parsing(path, form):
        table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
        rows = [(row, table.line_num) for row in table]
    for row, line in rows:
        more = [cell for cell in row.get(None) or () if cell.strip()]  # behind the columns of the head
        if more:
            got = f"{', '.join(more)} behind the last column"
            raise DataError(problem(f"{path}, line {line}", got, form, "write one event a line"))
    if not {"video", "start", "end"} <= set(table.fieldnames or ()):
        raise DataError(problem(path, f"columns {table.fieldnames}", form))
    return [_row(row, f"{path}, line {line}") for row, line in rows]


def _row(row: dict[str, str | None], where: str) -> LabelRow:
    start, end = (row["start"] or "").strip(), (row["end"] or "").strip()
    video, name = (row["video"] or "").strip(), (row.get("name") or "").strip()
    if not video:
        raise DataError(problem(where, "no video", "video,start,end[,name]"))
    if not start and not end:
        return LabelRow(video, None, name)
    first, stop = parse_whole_number(start, where), parse_whole_number(end, where)
    interval = checked_interval(first, stop, where, f"{start}, {end}")
    return LabelRow(video, interval, name)
