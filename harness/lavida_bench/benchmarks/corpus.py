"""A split of a pseudo-anomaly corpus as a benchmark: each sample, an image or a clip, is a short video.

Shows whether a model learnt its training task; numbers on it do not carry over to real anomalies. The names of a normal
sample are absent from it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.videos.shard_index import Member, read_members
from lavida_bench.videos.types import Bits, Counts, Pixels, TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, open_input
from lavida_gen.common.json_file import JsonObject
from lavida_gen.corpus.format1 import frame_times
from lavida_gen.corpus.reader import Corpus, open_corpus
from lavida_gen.scenes.images import decode
from lavida_gen.scenes.masks import from_png


class CorpusOptions(BenchmarkOptions):
    """Choice of the samples."""

    split: str = Field("val", description="the split whose samples are scored")
    kind: Literal["image", "clip", "both"] = Field("both", description="which samples")


class CorpusBenchmark(Benchmark[CorpusOptions]):
    """The samples of one split; a frame is abnormal if its mask has a pixel."""

    Options: ClassVar[type[BenchmarkOptions]] = CorpusOptions
    about = BenchmarkInfo(
        title="a corpus built by lavida-gen",
        page="",
        licence="see the corpus card",
        use="yours",
        get="lavida-gen build --recipe street --out corpora/street; --root corpora/street",
        layout="""corpus.json, stats.parquet
image/val-00000.tar ..., clip/val-00000.tar ...""",
        metrics=("frame_auc", "pixel_auc"),
    )

    def _rows(self) -> tuple[Corpus, list[JsonObject]]:
        """The corpus and the rows of the chosen samples in its table. Raises DataError if there is none."""
        corpus = open_corpus(self.root)
        kinds = ("image", "clip") if self.options.kind == "both" else (self.options.kind,)
        rows = corpus.rows()
        found = [row for row in rows if row["split"] == self.options.split and row["kind"] in kinds]
        if not found:
            splits = ", ".join(sorted({f"{row['split']} ({row['kind']})" for row in rows}))
            got = f"no sample of split {self.options.split!r}, kind {self.options.kind}"
            raise DataError(problem(self.root, got, splits, "choose one of these, or build with a validation share"))
        return corpus, found

    def annotated(self) -> SplitSize:
        """According to the table of the corpus."""
        rows = self._rows()[1]
        frames = sum(row["frames"] for row in rows)
        return SplitSize(len(rows), frames, sum(area > 0 for row in rows for area in row["areas"]))

    @property
    def expected(self) -> SplitSize:
        """According to the table of the corpus."""
        return self.annotated()

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The samples in the order of the corpus."""
        corpus, rows = self._rows()
        members: dict[str, dict[str, Member]] = {}
        for shard in sorted({row["shard"] for row in rows}):
            members.update(read_members(corpus.local_file(shard)))
        videos = []
        for row in rows:
            if row["key"] in members:
                videos.append(self._video(row, _checked_fields(row, members[row["key"]])))
            else:
                log.missing.append(row["key"])
        return videos

    def _video(self, row: JsonObject, fields: dict[str, Member]) -> TestVideo:
        stems = _stems(row)
        size = (row["height"], row["width"])
        jpegs, masks = [fields[f"{stem}jpg"] for stem in stems], [fields[f"{stem}mask.png"] for stem in stems]
        sample = _SampleReader(row["key"], jpegs, masks, size, frame_times(row))
        return TestVideo(
            key=row["key"],
            frame_count=row["frames"],
            size=size,
            reader=sample.frames,
            fps=row["fps"] or None,
            names=tuple(row["names"]) if self.options.names is None else self.anomaly_names,
            frame_labels=np.array(row["areas"]) > 0,
            mask_reader=sample.masks,
            group=f"{row['source']}/{row['group'] or row['scene']}",
        )


def _stems(row: JsonObject) -> list[str]:
    return [""] if row["kind"] == "image" else [f"{time:03d}." for time in range(row["frames"])]


def _checked_fields(row: JsonObject, fields: dict[str, Member]) -> dict[str, Member]:
    """The fields of a sample, one picture and one mask for each frame. Raises DataError."""
    count = row["frames"]
    if 2 * count > len(fields) or any(f"{stem}{end}" not in fields for stem in _stems(row) for end in _ENDINGS):
        got = f"has not all of its {count:,} frames and masks"
        raise DataError(problem(f"{row['shard']}: sample {row['key']}", got, todo="build or fetch the corpus again"))
    return fields


_ENDINGS = ("jpg", "mask.png")


class _SampleReader:
    """Reads the fields of one sample from its tar, each only when it is needed."""

    def __init__(
        self, key: str, jpegs: list[Member], pngs: list[Member], size: tuple[int, int], times: list[float] | None
    ) -> None:
        self.key, self.jpegs, self.pngs, self.size, self.times = key, jpegs, pngs, size, times

    def frames(self, start: int, stop: int, step: int) -> Pixels:
        """uint8 (n, H, W, 3)."""
        return np.stack([decode(_bytes(member), self.size, self.key) for member in self.jpegs[start:stop:step]])

    def seconds(self, numbers: Counts) -> list[float] | None:
        """The time of each frame; None if unknown."""
        return None if self.times is None else [self.times[number] for number in numbers]

    def masks(self, start: int, stop: int) -> Bits:
        """Bool (n, H, W)."""
        return np.stack([from_png(_bytes(member), self.key) for member in self.pngs[start:stop]])


def _bytes(member: Member) -> bytes:
    path, offset, size = member
    with open_input(path, MAX_STREAM, "a shard") as file:
        file.seek(offset)
        return file.read(size)
