"""Writes the scores of one video while they are computed, in constant memory, under temporary names until complete.

Letters: n frames of one batch, m frames to score, h w of a map.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.results.score_store import MAPS, ScoreStore
from lavida_bench.scoring.scorer import FrameRegions
from lavida_bench.videos.regions import find_regions
from lavida_bench.videos.types import Counts, Floats, Maps, TestVideo
from lavida_gen.common.atomic_file import partial_path, write_atomic, write_errors


class VideoScoreWriter:
    """Collects the scores of one video.

    Args:
        store: Where they are written.
        video: The video.
        protocol: Which frames need scores.
        keep_maps: Whether pixel maps are stored; regions are computed from them anyway.
    """

    def __init__(self, store: ScoreStore, video: TestVideo, protocol: EvaluationProtocol, keep_maps: bool) -> None:
        self.store, self.video, self.protocol = store, video, protocol
        self.frames_to_score = protocol.frames_to_score(video)
        self.scores: dict[int, float] = {}
        self.keep_maps = keep_maps
        self._maps: _MapsFile | None = None
        self._boxes: list[tuple[int, Floats, Floats]] | None = None

    def add(
        self, numbers: Counts, scores: Floats, maps: Maps | None, regions: Sequence[FrameRegions] | None = None
    ) -> None:
        """Add the scores of some frames.

        Args:
            numbers: (n,) numbers of the frames; none of them was added before.
            scores: (n,) float32 logits.
            maps: (n, h, w) float16 or float32 logits, None if the model has none.
            regions: n, None = those of the maps.

        Raises:
            DataError: The disk is full.
        """
        assert not self.scores.keys() & set(numbers.tolist()), f"{self.video.key}: a frame scored twice"
        self.scores.update(zip(numbers.tolist(), scores.tolist(), strict=True))
        found: Iterable[tuple[Floats, Floats]] = ()
        if regions is not None:
            found = (region_pixels(region, self.video.size) for region in regions)
        elif maps is not None:
            size = self.video.size
            found = (find_regions(values, score, size) for score, values in zip(scores.tolist(), maps, strict=True))
        else:
            return
        self._boxes = self._boxes if self._boxes is not None else []
        for number, (boxes, box_scores) in zip(numbers.tolist(), found, strict=True):
            if len(boxes):
                self._boxes.append((number, boxes, box_scores))
        if self.keep_maps and maps is not None:
            self._maps = self._maps or _MapsFile(self._path(), (len(self.frames_to_score), *maps.shape[1:]), maps.dtype)
            self._maps.write(np.searchsorted(self.frames_to_score, numbers), maps)

    def _path(self) -> Path:
        return self.store.path(self.video.key, MAPS)

    def finish(self) -> None:
        """Write everything under its final name.

        Raises:
            DataError: The disk is full, or a score is not finite.
        """
        assert sorted(self.scores) == self.frames_to_score.tolist(), f"{self.video.key}: frames without a score"
        score = self.protocol.assemble(self.video, self.scores)
        scored = np.ones(self.video.frame_count, np.bool_) if score.scored is None else score.scored
        arrays = {"frames": score.frames, "scored": scored, "maps": np.array(self._maps is not None)}
        if self._boxes is not None:
            rows = self._boxes
            arrays["box_frames"] = np.repeat([row[0] for row in rows], [len(row[1]) for row in rows]).astype(np.int64)
            arrays["boxes"] = np.concatenate([np.zeros((0, 4), np.float32), *(row[1] for row in rows)])
            arrays["box_scores"] = np.concatenate([np.zeros(0, np.float32), *(row[2] for row in rows)])
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, allow_pickle=False, fingerprint=np.array(self.store.video_fingerprint(self.video)), **arrays
        )
        if self._maps is not None:
            self._maps.finish()
        write_atomic(self.store.path(self.video.key), buffer.getvalue())

    def abandon(self) -> None:
        """Remove everything that was written."""
        if self._maps is not None:
            self._maps.abandon()


class _MapsFile:
    """An npy file whose rows are written in any order. Not mapped: a full disk is an error then, not a signal."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.dtype = dtype.newbyteorder("<")
        self.path, self.row_bytes = path, int(np.prod(shape[1:])) * dtype.itemsize
        self.partial = partial_path(path)
        with _writing(path):
            self._file = self.partial.open("wb")
            header = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._file, header)
            self._data_start = self._file.tell()

    def write(self, rows: Counts, maps: Maps) -> None:
        """Write `maps[i]` as row `rows[i]`."""
        with _writing(self.path):
            for row, values in zip(rows.tolist(), maps.astype(self.dtype, copy=False), strict=True):
                self._file.seek(self._data_start + row * self.row_bytes)
                self._file.write(values.tobytes())

    def finish(self) -> None:
        """Sync the file to the disk and give it its final name."""
        with _writing(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self.partial.replace(self.path)

    def abandon(self) -> None:
        """Remove the file."""
        with suppress(OSError):  # the rest of a buffer that a full disk did not take
            self._file.close()
        self.partial.unlink(missing_ok=True)


def region_pixels(found: FrameRegions, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """A detector's boxes in the video's pixels.

    Args:
        found: The boxes as shares of the frame.
        size: (H, W) of the video in pixels.

    Returns:
        (D, 4) float32 boxes, the part inside the frame; (D,) float32 scores. Boxes without area are left out.
    """
    height, width = size
    boxes = np.clip(found.boxes, 0, 1).astype(np.float32) * np.array([width, height, width, height], np.float32)
    kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return boxes[kept], np.asarray(found.scores, np.float32)[kept]


def _writing(path: Path) -> AbstractContextManager[None]:
    return write_errors(path, "run the same command again: finished videos are kept")
