"""CUHK Avenue: a walk in front of a building; running, throwing, walking the wrong way, strange objects are anomalies.

Two ground truths by frame are in use: by the official pixel masks (3,712 abnormal frames, the default) and by intervals
made by hand that many papers use (3,867; option `labels`). A report names the one that it used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import Interval, checked_interval, intervals_to_labels, refuse_late
from lavida_bench.benchmarks._tracks import folder_tracks
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.media import find_videos, frame_number
from lavida_bench.videos.types import Bits, TestVideo
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_JSON, open_input, parsing
from lavida_gen.scenes.masks import RLE, decode, encode

VIDEOS = 21


class AvenueOptions(BenchmarkOptions):
    """Choice of the ground truth."""

    labels: Literal["pixels", "intervals"] = Field(
        "pixels", description="frame labels by masks or by hand-made intervals"
    )
    intervals: Path | None = Field(None, description="avenue.mat with `gt`, for labels=intervals; default: in root")
    tracks: Path | None = Field(None, description="folder of VIDEO.txt with tracks, for RBDC and TBDC")


class Avenue(Benchmark[AvenueOptions]):
    """21 test videos, 360x640, 25 frames a second, pixel masks."""

    Options: ClassVar[type[BenchmarkOptions]] = AvenueOptions
    about = BenchmarkInfo(
        title="CUHK Avenue",
        page="http://www.cse.cuhk.edu.hk/leojia/projects/detectabnormal/dataset.html",
        licence="research use",
        use="noncommercial",
        get="Download the data set and its ground truth from the page, unpack both in one folder: --root.",
        layout="""testing_videos/01.avi
ground_truth_demo/testing_label_mask/1_label.mat      volLabel: 1 x F masks""",
        expected=SplitSize(VIDEOS, 15_324, 3_712),
        metrics=("frame_auc", "pixel_auc_40"),
        paper_metrics=("frame_auc",),
        names=("running", "throwing", "dancing", "loitering", "walking in the wrong direction", "abandoned object"),
        cite="Lu, Shi, Jia: Abnormal Event Detection at 150 FPS in MATLAB. ICCV 2013.",
    )

    @property
    def expected(self) -> SplitSize:
        """According to the chosen ground truth."""
        return SplitSize(VIDEOS, 15_324, 3_712 if self.options.labels == "pixels" else 3_867)

    def _masks(self, number: int) -> Path:
        name = f"{number}_label.mat"
        for folder in ("ground_truth_demo/testing_label_mask", "testing_label_mask"):
            if (self.root / folder / name).is_file():
                return self.root / folder / name
        raise DataError(problem(self.root, f"no ground_truth_demo/testing_label_mask/{name}", "the masks of a video"))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The videos in the order of their numbers."""
        folder = self.root / "testing_videos"
        if not folder.is_dir():
            raise DataError(problem(folder, "no such folder", "the test videos", "give the folder that holds it"))
        paths = {f"{frame_number(files[0]):02d}": files[0] for files in find_videos(folder).values()}
        log.missing += [f"{n:02d}" for n in range(1, VIDEOS + 1) if f"{n:02d}" not in paths]
        intervals = self._intervals() if self.options.labels == "intervals" else None
        videos = []
        for key, media in open_all(sorted(paths.items()), log):
            try:
                videos.append(self._video(key, media, intervals, log))
            except DataError as error:
                log.leave_out(key, str(error))
        return videos

    def _video(self, key: str, media: VideoFile, intervals: list[list[Interval]] | None, log: DefectLog) -> TestVideo:
        masks = read_masks(self._masks(int(key)), media.size)
        count = media.frame_count
        if len(masks) != count:
            got, todo = f"masks of {len(masks)} frames", "take video and masks of one release"
            raise DataError(problem(self._masks(int(key)), got, f"{count}, as decoded", todo))
        labels = np.array([mask is not None for mask in masks])
        if intervals is not None:
            refuse_late(intervals[int(key) - 1], count, key)
            labels = intervals_to_labels(intervals[int(key) - 1], count)
        return TestVideo(
            key=key,
            frame_count=count,
            size=media.size,
            reader=media,
            fps=media.fps,
            names=self.anomaly_names,
            frame_labels=labels,
            mask_reader=_EncodedMasks(masks, media.size),
            tracks=folder_tracks(self.options.tracks, key, count, bool(labels.any()), log),
        )

    def _intervals(self) -> list[list[Interval]]:
        path = self.options.intervals or self.root / "avenue.mat"
        return read_intervals(path)


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
    from scipy.io import loadmat

    expected, todo = f"a .mat file with {name}", "take the official file (MATLAB 5)"
    with open_input(path, MAX_JSON, expected, todo) as file, parsing(path, expected, todo):
        found = loadmat(file, variable_names=[name])
    if name not in found:
        raise DataError(problem(path, f"no variable {name}", f"a .mat file with {name}", "take the official file"))
    return np.asarray(found[name])


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
    for number, plane in enumerate(cells.reshape(-1)):
        if plane.shape != size:
            expected = f"{size}, the size of the video"
            raise DataError(problem(f"{path}, frame {number}", f"mask of {plane.shape}", expected))
        masks.append(encode(plane) if plane.any() else None)
    return masks


def read_intervals(path: Path) -> list[list[Interval]]:
    """Read the hand-made intervals.

    Args:
        path: A .mat file with `gt`: for each video 2 x N first and last frames, from 1, inclusive.

    Returns:
        For each of the 21 videos its abnormal intervals, 0-based.

    Raises:
        DataError: The file cannot be read or has another layout.
    """
    cells = _read_variable(path, "gt").reshape(-1)
    if len(cells) != VIDEOS:
        raise DataError(problem(path, f"gt has {len(cells)} videos", str(VIDEOS)))
    found = []
    for number, cell in enumerate(cells, start=1):
        pairs = np.asarray(cell)
        where = f"{path}, video {number}"
        if pairs.ndim != 2 or pairs.shape[0] != 2:
            raise DataError(problem(where, f"shape {pairs.shape}", "2 x N first and last frames"))
        found.append([checked_interval(int(first) - 1, int(last), where) for first, last in pairs.T])
    return found
