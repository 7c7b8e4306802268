"""The files of ShanghaiTech Campus, from which `shanghaitech` and `hr_shanghaitech` are measured.

Only the official test split of 107 videos: the weakly supervised re-split of 199 (Zhong et al. 2019), which moves test
videos to training and training videos to test, is another benchmark and is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._frame_labels import read_array, read_frame_labels
from lavida_bench.benchmarks._tracks import folder_tracks
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.media import is_stray, numbered_files
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common.errors import DataError, problem

FPS = 24.0
PAGE = "https://svip-lab.github.io/dataset/campus_dataset.html"
LAYOUT = """testing/frames/01_0014/000.jpg         frames, numbered from 0
testing/test_frame_mask/01_0014.npy    (F,) frame labels
testing/test_pixel_mask/01_0014.npy    (F, H, W) pixel labels"""
NAMES = (
    "bicycle", "fight", "throw", "pick", "hand truck", "run", "skate", "falling", "jumping", "motorcycle",
    "tricycle", "cart", "waving stick", "hurdle", "vehicle", "play", "baby carriage", "truck",
)  # fmt: skip
TRAINING = re.compile(r"\d\d_\d\d\d")  # names of training videos; test videos have four digits


class ShanghaitechOptions(BenchmarkOptions):
    """Tracks, which the release does not contain."""

    tracks: Path | None = Field(None, description="folder of VIDEO.txt with tracks (those of AED), for RBDC and TBDC")


class ShanghaitechVideos(Benchmark[ShanghaitechOptions]):
    """Test videos as image folders of 480x856, frame and pixel labels as arrays.

    Attributes:
        without: Test videos that are left out.
    """

    Options: ClassVar[type[BenchmarkOptions]] = ShanghaitechOptions
    without: ClassVar[tuple[str, ...]] = ()

    def default_root(self) -> Path:
        """The folder of the whole set."""
        return super().default_root().with_name("shanghaitech")

    def _testing(self) -> Path:
        for folder in (self.root / "testing", self.root / "shanghaitech" / "testing", self.root):
            if (folder / "test_frame_mask").is_dir():
                return folder
        todo = "give the folder that holds testing/"
        raise DataError(problem(self.root, "no folder testing/test_frame_mask", "the frame labels", todo))

    def _labels(self) -> dict[str, Path]:
        """Key -> frame labels. Raises DataError for the weakly supervised re-split."""
        folder = self._testing() / "test_frame_mask"
        files = {path.stem: path for path in sorted(folder.glob("*.npy")) if not is_stray(path.name)}
        training = [key for key in files if TRAINING.fullmatch(key)]
        if training or len(files) == 199:
            named = f", among them {training[0]}, a training video" if training else ""
            got = f"labels of {len(files)} videos{named}: the weakly supervised re-split"
            todo = "take the official testing/ folder; numbers on the two splits cannot be compared"
            raise DataError(problem(folder, got, "the 107 official test videos", todo))
        if not files:
            raise DataError(problem(folder, "no .npy file", "frame labels of 107 test videos"))
        return {key: path for key, path in files.items() if key not in self.without}

    def annotated(self) -> SplitSize:
        """According to the frame labels."""
        labels = [read_frame_labels(path) for path in self._labels().values()]
        return SplitSize(len(labels), sum(map(len, labels)), sum(int(video.sum()) for video in labels))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The labelled videos, sorted by key."""
        videos = []
        for key, path in self._labels().items():
            folder = self._testing() / "frames" / key
            if not folder.is_dir():
                log.missing.append(key)
                continue
            try:
                videos.append(self._video(key, folder, read_frame_labels(path), log))
            except DataError as error:
                log.leave_out(key, str(error))
        one_class = [video.key for video in videos if video.frame_labels is not None and video.frame_labels.all()]
        if one_class:
            action = "counts in micro AUC, is left out of macro AUC, as its notes state"
            log.add(", ".join(one_class), "abnormal throughout: no AUC of its own", action)
        without = [video.key for video in videos if not video.has_pixels]
        if without:
            what = f"no pixel labels for {len(without)} of {len(videos)} videos"
            some = len(without) < len(videos)
            action = "pixel metrics are over the others alone" if some else "no pixel metrics"
            log.add(self._testing(), what, action, fatal=some, items=without)
        return videos

    def _video(self, key: str, folder: Path, labels: Bits, log: DefectLog) -> TestVideo:
        numbers = numbered_files(folder)
        from_one = 0 not in numbers and max(numbers, default=0) == len(labels)
        frames = FrameFolder.from_folder(folder, first=int(from_one), fps=FPS)
        if frames.frame_count != len(labels):
            todo = "take the frames of the release, or decode its videos so that the counts agree"
            raise DataError(problem(folder, f"{frames.frame_count} frames", f"{len(labels)}, as labelled", todo))
        pixels = self._testing() / "test_pixel_mask" / f"{key}.npy"
        return TestVideo(
            key=key,
            frame_count=len(labels),
            size=frames.size,
            reader=frames,
            fps=FPS,
            names=self.anomaly_names,
            frame_labels=labels,
            mask_reader=_PixelMasks(pixels, (len(labels), *frames.size)) if pixels.is_file() else None,
            tracks=folder_tracks(self.options.tracks, key, labels, log),
        )


class _PixelMasks:
    """Masks of a memory-mapped (F, H, W) array: only the frames asked for are read."""

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self.path = path
        found = read_array(path, "r").shape
        if found != shape:
            raise DataError(problem(path, f"shape {found}", f"{shape}, as the frame labels and the frames"))

    def __call__(self, start: int, stop: int) -> Bits:
        return np.asarray(read_array(self.path, "r")[start:stop] != 0)
