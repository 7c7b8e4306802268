"""The files of CUHK Avenue, from which `avenue` and `hr_avenue` are measured.

Two ground truths by frame are in use: by the official pixel masks (3,712 abnormal frames, the default) and by intervals
made by hand that many papers use (3,867; option `labels`). A report names the one that it used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkOptions
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import Interval, checked_interval, intervals_to_labels, refuse_late
from lavida_bench.benchmarks._tracks import folder_tracks
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.common.mat_file import read_variables
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.media import Media, find_videos, frame_number, is_stray
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.masks import RLE, decode, encode

PAGE = "http://www.cse.cuhk.edu.hk/leojia/projects/detectabnormal/dataset.html"
LAYOUT = """testing_videos/01.avi                  or testing/frames/01/0000.jpg; also below "Avenue Dataset/"
ground_truth_demo/testing_label_mask/1_label.mat      volLabel: 1 x F masks
avenue.mat                             gt: intervals, for labels=intervals (no masks are needed then)"""
NAMES = ("running", "throwing", "dancing", "loitering", "walking in the wrong direction", "abandoned object")
LABELS = re.compile(r"(\d+)_label\.mat")
VIDEOS = 21
FPS = 25.0


class AvenueOptions(BenchmarkOptions):
    """Choice of the ground truth."""

    labels: Literal["pixels", "intervals"] = Field(
        "pixels", description="frame labels by masks or by hand-made intervals"
    )
    intervals: Path | None = Field(None, description="avenue.mat with `gt`, for labels=intervals; default: in root")
    tracks: Path | None = Field(None, description="folder of VIDEO.txt with tracks, for RBDC and TBDC")


class AvenueVideos(Benchmark[AvenueOptions]):
    """21 test videos, 360x640, 25 frames a second, pixel masks.

    Attributes:
        without: Key -> frames that are not measured.
    """

    Options: ClassVar[type[BenchmarkOptions]] = AvenueOptions
    without: ClassVar[Mapping[str, tuple[Interval, ...]]] = {}

    def default_root(self) -> Path:
        """The folder of the whole set."""
        return super().default_root().with_name("avenue")

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The videos in the order of their numbers: video files, or else the folders of extracted frames."""
        opened = dict(self._readers(log))
        log.missing += [f"{n:02d}" for n in range(1, VIDEOS + 1) if f"{n:02d}" not in opened]
        intervals = self._intervals() if self.options.labels == "intervals" else None
        named = [(LABELS.fullmatch(path.name), path) for path in _below(self.root, "*/*_label.mat")]
        masks = {int(match[1]): path for match, path in named if match}
        videos = []
        for key, media in sorted(opened.items()):
            try:
                videos.append(self._video(key, media, masks.get(int(key)), intervals, log))
            except DataError as error:
                log.leave_out(key, str(error))
        return videos

    def _readers(self, log: DefectLog) -> Iterator[tuple[str, Media]]:
        """(key, reader) of each video. Raises DataError where there is none."""
        for folder in _below(self.root, "testing_videos"):
            found = find_videos(folder)
            yield from open_all(sorted((f"{frame_number(files[0]):02d}", files[0]) for files in found.values()), log)
            return
        for folder in _below(self.root, "testing/frames"):
            for path in sorted(path for path in folder.iterdir() if path.is_dir() and path.name.isdigit()):
                try:
                    yield f"{int(path.name):02d}", FrameFolder.from_folder(path, fps=FPS)
                except DataError as error:
                    log.leave_out(path.name, str(error))
            return
        todo = "give the folder that holds it"
        raise DataError(problem(self.root, "no testing_videos and no testing/frames", "the test videos", todo))

    def _video(
        self, key: str, media: Media, path: Path | None, intervals: list[list[Interval]] | None, log: DefectLog
    ) -> TestVideo:
        """`path` are its masks, without which `intervals` must give the labels."""
        count = media.frame_count
        masks: list[RLE | None] | None = None
        if path is not None:
            masks = read_masks(path, media.size)
            if len(masks) != count:
                got, todo = f"masks of {len(masks)} frames", "take video and masks of one release"
                raise DataError(problem(path, got, f"{count}, as decoded", todo))
        if intervals is not None:
            if int(key) > len(intervals):
                raise DataError(problem(key, f"intervals of {len(intervals)} videos", "its own", "take the whole file"))
            of_video = intervals[int(key) - 1]
            refuse_late(of_video, count, key)
            beyond = [interval for interval in of_video if interval.stop > count]
            if beyond:
                log.add(key, f"labelled up to frame {beyond[-1].stop} of {count}", "clamped to the video")
            labels = intervals_to_labels(of_video, count)
        elif masks is not None:
            labels = np.array([mask is not None for mask in masks])
        else:
            got = f"its {count} frames are there, its labels are missing: no testing_label_mask/{int(key)}_label.mat"
            todo = "unpack ground_truth_demo beside it, or use --set labels=intervals with avenue.mat"
            raise DataError(problem(self.root, got, "masks or intervals", todo))
        without = self.without.get(key)
        return TestVideo(
            key=key,
            frame_count=count,
            size=media.size,
            reader=media,
            fps=media.fps,
            names=self.anomaly_names,
            frame_labels=labels,
            mask_reader=None if masks is None else _EncodedMasks(masks, media.size),
            tracks=folder_tracks(self.options.tracks, key, labels, log),
            measured=None if without is None else ~intervals_to_labels(without, count),
        )

    def _intervals(self) -> list[list[Interval]]:
        path = self.options.intervals or self.root / "avenue.mat"
        return read_intervals(path)


def _below(root: Path, pattern: str) -> list[Path]:
    """What matches at most two folders below a root, nearest first: archives unpack into folders of their own."""
    found = [path for depth in ("", "*/", "*/*/") for path in sorted(root.glob(depth + pattern))]
    return [path for path in found if not is_stray(path.name)]


class _EncodedMasks:
    """A mask_reader of run-length masks; None = empty."""

    def __init__(self, masks: list[RLE | None], size: tuple[int, int]) -> None:
        self.masks, self.size = masks, size

    def __call__(self, start: int, stop: int) -> Bits:
        masks = np.zeros((stop - start, *self.size), np.bool_)
        for row, mask in enumerate(self.masks[start:stop]):
            if mask is not None:
                masks[row] = decode(mask)
        return masks


def _read_variable(path: Path, name: str) -> NDArray[Any]:
    """A variable of a MATLAB file. Raises DataError."""
    found = read_variables(path, name)
    if name not in found:
        raise DataError(problem(path, f"no variable {name}", f"a .mat file with {name}", "take the official file"))
    return found[name]


def read_masks(path: Path, size: tuple[int, int]) -> list[RLE | None]:
    """Read the masks of a video.

    Args:
        path: A .mat file with `volLabel`, 1 x F cells of H x W.
        size: (H, W) of the video in pixels.

    Returns:
        One mask a frame, None where it is empty.

    Raises:
        DataError: The file cannot be read or has another layout.
    """
    cells = _read_variable(path, "volLabel")
    if cells.dtype != object or cells.ndim != 2 or 1 not in cells.shape:
        raise DataError(problem(path, f"volLabel is {cells.dtype} {cells.shape}", "1 x F cells, one mask each"))
    masks: list[RLE | None] = []
    for number, cell in enumerate(cells.reshape(-1)):
        plane = np.asarray(cell)
        if plane.shape != size or plane.dtype.kind not in "biuf":
            expected = f"{size}, the size of the video"
            raise DataError(problem(f"{path}, frame {number}", f"mask of {plane.shape}", expected))
        if plane.dtype.kind == "f" and np.isnan(plane).any():
            raise DataError(problem(f"{path}, frame {number}", "a mask with NaN", "0 where nothing is anomalous"))
        masks.append(encode(plane) if plane.any() else None)
    return masks


def read_intervals(path: Path) -> list[list[Interval]]:
    """Read the hand-made intervals.

    Args:
        path: A .mat file with `gt`: for each video 2 x N first and last frames, from 1, inclusive.

    Returns:
        For each video in the order of its number its abnormal intervals, 0-based; copies for a sample hold fewer.

    Raises:
        DataError: The file cannot be read or has another layout.
    """
    cells = _read_variable(path, "gt").reshape(-1)
    if not 0 < len(cells) <= VIDEOS:
        raise DataError(problem(path, f"gt has {len(cells)} videos", str(VIDEOS)))
    found = []
    for number, cell in enumerate(cells, start=1):
        pairs = np.asarray(cell)
        where = f"{path}, video {number}"
        if pairs.ndim != 2 or pairs.shape[0] != 2 or pairs.dtype.kind not in "iuf" or not np.isfinite(pairs).all():
            raise DataError(problem(where, f"{pairs.dtype} of shape {pairs.shape}", "2 x N first and last frames"))
        if (pairs != np.floor(pairs)).any():
            raise DataError(problem(where, f"frame {pairs[pairs != np.floor(pairs)][0]:g}", "whole numbers from 1"))
        found.append([checked_interval(int(a) - 1, int(b), where, f"{a:g}, {b:g}") for a, b in pairs.T])
    return found
