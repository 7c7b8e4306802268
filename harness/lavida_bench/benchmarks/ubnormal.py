"""UBnormal: rendered scenes with people and vehicles; falling, fighting, running, fire, jaywalking, ... are anomalies.

Tracks are ``object,start,end``, frames from 0, end inclusive, written as floats. `NAME_tracks.txt` gives frame and
pixel labels; where `NAME_new_tracks.txt` exists, RBDC and TBDC take that one, as the authors' script does. They count
false positives over the 92,640 frames of the release; a remark in that script has 89,908, which no subset of the
release explains: protocol ``official rbdc_frames=89908`` takes that number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from lavida_bench.benchmarks import _object_maps as object_maps
from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import (
    Interval,
    checked_interval,
    intervals_to_labels,
    parse_whole_number,
    refuse_late,
)
from lavida_bench.benchmarks._object_maps import Span
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.mask_files import MaskFiles, Values
from lavida_bench.videos.media import is_stray, without_suffix
from lavida_bench.videos.types import Bits, TestVideo, Track
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.input_file import read_text

LISTS = ("abnormal_test_video_names.txt", "normal_test_video_names.txt")
MAP = re.compile(r"_(\d+)_gt\.png$")


class UbnormalOptions(BenchmarkOptions):
    """Choice of what is read."""

    regions: bool = Field(True, description="read all object maps once for RBDC and TBDC: minutes the first time")


class Ubnormal(Benchmark[UbnormalOptions]):
    """211 test videos of 29 scenes, 158 with anomalies, 720x1280, 30 frames a second, object maps."""

    Options: ClassVar[type[BenchmarkOptions]] = UbnormalOptions
    about = BenchmarkInfo(
        title="UBnormal",
        page="https://github.com/lilygeorgescu/UBnormal",
        licence="CC BY-NC-ND 4.0",
        use="noncommercial",
        get="Download the data set from the page and put the lists of its folder scripts/ beside the scenes: --root.",
        layout="""abnormal_test_video_names.txt, normal_test_video_names.txt     or in scripts/
Scene1/abnormal_scene_1_scenario_1.mp4
Scene1/abnormal_scene_1_scenario_1_annotations/abnormal_scene_1_scenario_1_0000_gt.png
Scene1/abnormal_scene_1_scenario_1_annotations/abnormal_scene_1_scenario_1_tracks.txt""",
        expected=SplitSize(211, 92_640, 49_650),
        metrics=("frame_auc", "rbdc", "tbdc"),
        paper_metrics=("frame_auc",),
        paper_abnormal_only=True,
        every=4,
        names=(
            "running", "jumping", "falling", "fighting", "sleeping", "crawling", "having a seizure", "laying down",
            "dancing", "stealing", "rotating 360 degrees", "shuffling", "injured", "drunk", "stumbling walk",
            "car accident", "fire", "smoke", "jaywalking", "driving outside lane",
        ),
        cite="Acsintoae, Florescu, Georgescu, et al.: UBnormal: New Benchmark for Supervised Open-Set Video Anomaly "
        "Detection. CVPR 2022.",
    )  # fmt: skip

    def _keys(self) -> list[str]:
        """Abnormal videos, then normal ones, in the order of the lists."""
        return [key for name in LISTS for key in read_names(self._list(name))]

    def _list(self, name: str) -> Path:
        for path in (self.root / name, self.root / "scripts" / name):
            if path.is_file():
                return path
        todo = f"copy it from the folder scripts/ of {self.about.page}"
        raise DataError(problem(self.root, f"no {name}", "the list of test videos", todo))

    def _scene_folder(self, key: str) -> Path:
        return self.root / f"Scene{scene_of(key)}"

    def _video_file(self, key: str) -> Path:
        files = [self._scene_folder(key) / f"{key}{suffix}" for suffix in (".mp4", ".MP4")]
        return next((path for path in files if path.is_file()), files[0])

    def annotated(self) -> SplitSize:
        """Number of videos in the lists, and of abnormal frames if all track files exist."""
        keys = self._keys()
        files = [_tracks_file(self._scene_folder(key), key) for key in keys if not key.startswith("normal")]
        if not all(path.is_file() for path in files):
            return SplitSize(len(keys))
        spans = [read_spans(path) for path in files]
        abnormal = sum(int(_labels(of_video, max(span.stop for span in of_video)).sum()) for of_video in spans)
        return SplitSize(len(keys), None, abnormal)

    def load(self, log: DefectLog) -> list[TestVideo]:
        """Abnormal videos, then normal ones, in the order of the lists."""
        keys = self._keys()
        paths = {key: self._video_file(key) for key in keys}
        if len(paths) < len(keys):
            again = [key for key in paths if keys.count(key) > 1]
            log.add(self.root, f"{len(again)} videos are listed twice", "each counts once", items=again)
        log.missing += [key for key, path in paths.items() if not path.is_file()]
        opened = list(open_all([(key, path) for key, path in paths.items() if path.is_file()], log))

        def read_video(item: tuple[str, VideoFile]) -> TestVideo | DataError:
            try:
                return self._video(*item, log)
            except DataError as error:
                return error

        videos = []
        with ThreadPoolExecutor() as pool:
            for (key, _), video in zip(opened, pool.map(read_video, opened), strict=True):
                if isinstance(video, DataError):
                    log.leave_out(key, str(video))
                else:
                    videos.append(video)
        return videos

    def _video(self, key: str, media: VideoFile, log: DefectLog) -> TestVideo:
        normal = key.startswith("normal")
        spans = [] if normal else read_spans(_tracks_file(self._scene_folder(key), key))
        maps = {} if normal else _maps(self._scene_folder(key) / f"{key}_annotations")
        count = media.frame_count
        refuse_late([Interval(span.start, span.stop) for span in spans], count, key)
        labels = _labels(spans, count)
        beyond = [span for span in spans if span.stop > count]
        if beyond:
            log.add(key, f"track of object {beyond[0].number} to frame {beyond[0].stop - 1} of {count}", "clamped")
        if maps and count in maps and 0 not in maps:
            got, todo = f"object maps numbered from 1 to {count}", "fetch the annotations again, or rename the maps"
            raise DataError(problem(key, got, f"from 0 to {count - 1}", todo))
        missing = [number for number in np.flatnonzero(labels).tolist() if number not in maps]
        if missing:
            what = f"no object map for {len(missing)} abnormal frames"
            log.add(key, what, "these have no anomalous pixels and regions", fatal=True, items=missing)
        return TestVideo(
            key=key,
            frame_count=count,
            size=media.size,
            reader=media,
            fps=media.fps,
            names=self.anomaly_names,
            frame_labels=labels,
            mask_reader=MaskFiles(maps, media.size, _AnomalousObjects(spans)),
            tracks=self._tracks(key, maps, media.size, count) if self.options.regions else None,
        )

    def _tracks(self, key: str, maps: dict[int, Path], size: tuple[int, int], count: int) -> tuple[Track, ...]:
        if key.startswith("normal"):
            return ()
        newer = _tracks_file(self._scene_folder(key), key, "new_tracks")
        spans = read_spans(newer if newer.is_file() else _tracks_file(self._scene_folder(key), key))
        return object_maps.tracks({number: path for number, path in maps.items() if number < count}, spans, size)


class _AnomalousObjects:
    """Selects the pixels of the objects that are anomalous in a frame."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans

    def __call__(self, values: Values, frame: int) -> Bits:
        return np.isin(values, [span.number for span in self.spans if span.start <= frame < span.stop])


def scene_of(key: str) -> str:
    """The number of a video's scene.

    Args:
        key: ``abnormal_scene_10_scenario_1``.

    Returns:
        The number: "10".

    Raises:
        DataError: The key has another form.
    """
    parts = key.split("_")
    if len(parts) < 3 or not parts[2].isdigit() or "/" in key:
        raise DataError(problem(LISTS[0], f"name {key!r}", "abnormal_scene_NUMBER_..."))
    return parts[2]


def read_names(path: Path) -> list[str]:
    """Read a list of video names.

    Args:
        path: A text file, one name a line.

    Returns:
        The names in order.

    Raises:
        DataError: A name leads out of the data set's folder.
    """
    lines = [line.strip() for line in read_text(path, expected="names of videos").splitlines() if line.strip()]
    names = [re.sub(r"^Scene\d+/", "", without_suffix(line)) for line in lines]
    for name in names:
        path_inside(path.parent, name, path, "fetch the list again")
    return names


def read_spans(path: Path) -> list[Span]:
    """Read a file of tracks.

    Args:
        path: The file; each line is ``object,start,end``, frames from 0, end inclusive.

    Returns:
        At least one span.

    Raises:
        DataError: There is no such file, it is empty, or a line is invalid; the message names the line.
    """
    if not path.is_file():
        raise DataError(problem(path, "no such file", "the tracks of an abnormal video", "unpack the annotations"))
    found = []
    for line, text in enumerate(read_text(path, expected="object,start,end").splitlines(), start=1):
        if not text.strip():
            continue
        where = f"{path}, line {line}"
        cells = text.split(",")
        if len(cells) != 3:
            raise DataError(problem(where, f"{len(cells)} numbers", "object,start,end"))
        number, start, end = (parse_whole_number(cell.strip(), where) for cell in cells)
        found.append(Span(number, *checked_interval(start, end + 1, where, text.strip())))
    if not found:
        raise DataError(problem(path, "is empty", "at least one track: the video is listed as abnormal"))
    return found


def _labels(spans: Sequence[Span], frame_count: int) -> Bits:
    return intervals_to_labels([Interval(span.start, span.stop) for span in spans], frame_count)


def _tracks_file(scene_folder: Path, key: str, kind: str = "tracks") -> Path:
    return scene_folder / f"{key}_annotations" / f"{key}_{kind}.txt"


def _maps(folder: Path) -> dict[int, Path]:
    """Frame number -> object map, ascending."""
    if not folder.is_dir():
        raise DataError(problem(folder, "no such folder", "object maps and tracks", "unpack the annotations"))
    maps: dict[int, Path] = {}
    for path in folder.iterdir():
        match = MAP.search(path.name)
        if match is not None and not is_stray(path.name):
            maps[int(match[1])] = path
    return dict(sorted(maps.items()))
