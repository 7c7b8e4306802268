"""A drawn benchmark that needs no download: one fixed camera, people who walk, and now and then something else.

Written once, in the layout of UCSD, and read by the same code. Good for trying a pipeline and for comparing models of
one's own; numbers on it do not carry over to real cameras.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lavida_bench.benchmarks import _street_film as street_film
from lavida_bench.benchmarks import _ucsd as ucsd
from lavida_bench.benchmarks._base import BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._street_script import NAMES
from lavida_bench.benchmarks._ucsd import Ucsd, UcsdOptions
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import JsonObject, read_json_object
from lavida_gen.common.project import PROJECT_URL
from lavida_gen.storage import cache


class StreetOptions(UcsdOptions):
    """The videos that are drawn."""

    seed: int = Field(0, ge=0, lt=2**31, description="another seed, other videos")
    videos: int = Field(48, ge=1, le=1000, description="how many videos")
    frames: int = Field(150, ge=8, le=5000, description="frames of each, at 10 a second")
    size: tuple[int, int] = Field((240, 360), description="[height, width] in pixels")


class StreetBenchmark(Ucsd[StreetOptions]):
    """48 test videos of 150 frames, 12 of them normal throughout; masks and tracks are exact."""

    Options: ClassVar[type[BenchmarkOptions]] = StreetOptions
    folder = "street"
    about = BenchmarkInfo(
        title="drawn street videos",
        page=PROJECT_URL,
        licence="CC0-1.0",
        use="free",
        get="Nothing to download: it is drawn when it is first used, into the cache or into --root.",
        layout="""Test/Test001/001.tif, Test/Test001_gt/001.bmp, Test/street.m      as UCSD
tracks/Test001.txt          track,frame,left,top,right,bottom; right and bottom inclusive
street.json                 what was drawn""",
        expected=SplitSize(48, 7_200),
        metrics=("frame_auc", "pixel_auc", "rbdc", "tbdc"),
        names=NAMES,
    )

    def default_root(self) -> Path:
        """In the cache, one folder for each set of options."""
        record = _record(self.options)
        parts = [value for name, value in record.items() if name != "size"] + [*self.options.size]
        return cache.cache_root() / "street-benchmark" / "-".join(map(str, parts))

    @property
    def expected(self) -> SplitSize:
        """As the options demand, with the abnormal frames that were counted when it was drawn."""
        options, path = self.options, self.root / street_film.RECORD
        abnormal = self._drawn()["abnormal_frames"] if path.is_file() else None
        return SplitSize(options.videos, options.videos * options.frames, abnormal)

    def _drawn(self) -> JsonObject:
        """The record of what was drawn. Raises DataError."""
        path = self.root / street_film.RECORD
        drawn = read_json_object(path, "an empty folder or a drawn one", keys=["abnormal_frames"])
        count = drawn["abnormal_frames"]
        if not isinstance(count, int):
            raise DataError(problem(path, f"abnormal_frames: {count!r}", "a number"))
        return drawn

    def prepare(self) -> None:
        """Draw the videos if the folder does not exist or is empty.

        Raises:
            DataError: The folder contains other files, or videos drawn with other options.
        """
        if self.root.is_file():
            raise DataError(problem(self.root, "is a file", "an empty folder or a drawn one", "give another --root"))
        if not self.root.is_dir() or not any(self.root.iterdir()):
            options = self.options
            street_film.write_street(
                self.root, options.seed, options.videos, options.frames, options.size, lambda frames: None
            )
        drawn, expected = self._drawn(), _record(self.options)
        if any(drawn.get(name) != value for name, value in expected.items()):
            todo = "give another --root, or remove the folder"
            raise DataError(problem(self.root, f"drawn as {drawn}", f"{expected}", todo))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The drawn videos."""
        tracks = self.options.tracks or self.root / "tracks"
        return ucsd.load_videos(self.root, self._ranges(), tracks, self.anomaly_names, log)


def _record(options: StreetOptions) -> dict[str, object]:
    return street_film.record(options.seed, options.videos, options.frames, options.size)
