"""The layout of MSAD, which its two test splits share: `msad` and `msad_weak`.

anomaly_annotation.csv      name,scenario,total frames,starting frame of anomaly,ending frame of anomaly
anywhere below the root     NAME.mp4 or NAME.avi

One interval for each abnormal video. Frames count from 1 and the last one is part of the event, as two independent
public loaders read it: an event that lasts to the end of its video ends at `total frames`.
"""

from __future__ import annotations

import csv
from abc import abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from lavida_bench.benchmarks._base import Benchmark, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._frame_labels import OTHER_ENCODING, is_another_encoding, those_that_fit
from lavida_bench.benchmarks._intervals import (
    Interval,
    checked_interval,
    intervals_to_labels,
    parse_whole_number,
    refuse_late,
)
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.media import Media, find_videos, without_suffix
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_text

FILE = "anomaly_annotation.csv"
TOTAL, FIRST, LAST = "total frames", "starting frame of anomaly", "ending frame of anomaly"
HEAD = f"a head with name, {TOTAL}, {FIRST}, {LAST}"
NORMAL = tuple(f"MSAD_normal_testing_{number}" for number in range(1, 121))
PAGE = "https://msad-dataset.github.io"
LICENCE = "research only: no commercial use, redistribution, re-identification, or surveillance products"
NAMES = (
    "assault", "explosion", "falling object", "falling person", "fighting", "fire", "robbery", "shooting",
    "traffic accident", "vandalism", "water incident",
)  # fmt: skip
UNVERIFIED = (
    "The files were not at hand: layout and columns are those that several independent public loaders read.",
    "Frames from 1, ends inclusive: two loaders agree, others count from 0 or leave the last frame out (one frame a "
    "video).",
)
CITE = (
    "Zhu, Wang, Raj, Gedeon, Chen: Advancing Video Anomaly Detection: A Concise Review and a New Dataset. NeurIPS 2024."
)


class AnnotatedEvent(NamedTuple):
    """A line of the annotation: the stated length of an abnormal video, and when it is abnormal."""

    frames: int
    interval: Interval


class Msad(Benchmark[BenchmarkOptions]):
    """A test split of MSAD; abnormal videos are those of the annotation."""

    Options: ClassVar[type[BenchmarkOptions]] = BenchmarkOptions

    def default_root(self) -> Path:
        """Both splits are read from one folder."""
        return super().default_root().with_name("msad")

    @abstractmethod
    def keys(self, abnormal: Collection[str]) -> list[str]:
        """Names of the split's videos, in order.

        Args:
            abnormal: Names of all annotated videos.

        Raises:
            DataError: The list of the split cannot be read.
        """

    def _events(self) -> dict[str, AnnotatedEvent]:
        found = sorted(self.root.rglob(FILE), key=lambda path: (len(path.parts), str(path)))
        if not found:
            todo = "it comes with the videos; give the folder that holds both"
            raise DataError(problem(self.root, f"no {FILE}", "the annotation of the abnormal videos", todo))
        return read_events(found[0])

    def annotated(self) -> SplitSize:
        """Number of the split's videos according to its lists."""
        return SplitSize(len(self.keys(self._events())))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The videos of the split, in the order of its lists."""
        events = self._events()
        files = find_videos(self.root)
        paths = []
        for key in self.keys(events):
            if key not in files:
                log.missing.append(key)
            elif key not in events and key not in NORMAL:
                log.leave_out(key, f"neither in {FILE} nor one of the {len(NORMAL)} normal test videos")
            else:
                paths.append((key, files[key][0]))
                if len(files[key]) > 1:
                    what = f"{len(files[key])} files of this name"
                    log.add(key, what, f"took {files[key][0]}", items=files[key])
        opened = open_all(paths, log)
        return list(those_that_fit(opened, lambda key, media: self._video(key, media, events, log), log))

    def _video(self, key: str, media: Media, events: Mapping[str, AnnotatedEvent], log: DefectLog) -> TestVideo:
        count = media.frame_count
        intervals = []
        if key in events:
            stated, interval = events[key]
            intervals.append(interval)
            refuse_late(intervals, count, key)
            if stated != count:
                other = is_another_encoding(count, stated)
                action = f"the {count:,} frames in the file are used{OTHER_ENCODING if other else ''}"
                log.add(key, f"annotated as {stated:,} frames", action, fatal=other)
            if interval.stop > count:
                log.add(key, f"annotated up to frame {interval.stop} of {count}", "clamped to the last frame")
        labels = intervals_to_labels(intervals, count)
        return TestVideo(key, count, media.size, media, media.fps, self.anomaly_names, labels)


def read_events(path: Path) -> dict[str, AnnotatedEvent]:
    """Read the annotation.

    Args:
        path: The CSV file.

    Returns:
        Name of an abnormal video -> its event.

    Raises:
        DataError: A column is missing, a line is invalid or names a video again, or there is none.
    """
    rows = csv.DictReader(read_text(path, expected=HEAD).splitlines(), restval="", skipinitialspace=True)
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    absent = [name for name in ("name", TOTAL, FIRST, LAST) if name not in (rows.fieldnames or ())]
    if absent:
        raise DataError(problem(f"{path}, line 1", f"no column {absent[0]!r}", HEAD))
    events: dict[str, AnnotatedEvent] = {}
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        name = without_suffix(row["name"].strip())
        if not name or name in events:
            raise DataError(problem(where, f"{name} appears again" if name else "no name", "one line a video"))
        frames, first, last = (parse_whole_number(row[column], where) for column in (TOTAL, FIRST, LAST))
        events[name] = AnnotatedEvent(frames, checked_interval(first - 1, last, where, f"{first}, {last}"))
    if not events:
        raise DataError(problem(path, "names no video", "a line for each abnormal video"))
    return events
