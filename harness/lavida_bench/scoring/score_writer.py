"""Writes the scores of one video while they are made, in constant memory, under temporary names until all are there.

Letters: n frames of one piece, m frames to score, h w of a map.
"""

from __future__ import annotations

import io
import os
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import numpy as np

from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.results.score_store import MAPS, ScoreStore
from lavida_bench.videos import regions
from lavida_bench.videos.types import Counts, Floats, Maps, TestVideo
from lavida_gen.common.atomic_file import partial_path, write_atomic, write_errors


class VideoScoreWriter:
    """Collects the scores of one video. `keep_maps`: whether pixel maps are stored (regions come of them anyway)."""

    def __init__(self, store: ScoreStore, video: TestVideo, protocol: EvaluationProtocol, keep_maps: bool) -> None:
        self.store, self.video, self.protocol = store, video, protocol
        self.frames_to_score = protocol.frames_to_score(video)
        self.scores: dict[int, float] = {}
        self.keep_maps = keep_maps
        self._maps: _MapsFile | None = None
        self._boxes: list[tuple[int, Floats, Floats]] | None = None

    def add(self, numbers: Counts, scores: Floats, maps: Maps | None) -> None:
        """Scores (n,) and maps (n, h, w) of frames, none of which came before. Raises DataError for a full disk."""
        assert not self.scores.keys() & set(numbers.tolist()), f"{self.video.key}: a frame scored twice"
        self.scores.update(zip(numbers.tolist(), scores.tolist(), strict=True))
        if maps is None:
            return
        self._boxes = self._boxes if self._boxes is not None else []
        for number, score, values in zip(numbers.tolist(), scores.tolist(), maps, strict=True):
            boxes, found = regions.find_regions(values, score, self.video.size)
            if len(boxes):
                self._boxes.append((number, boxes, found))
        if self.keep_maps:
            self._maps = self._maps or _MapsFile(self._path(), (len(self.frames_to_score), *maps.shape[1:]))
            self._maps.write(np.searchsorted(self.frames_to_score, numbers), maps)

    def _path(self) -> Path:
        return self.store.path(self.video.key, MAPS)

    def finish(self) -> None:
        """Everything under its final name. Raises DataError for a full disk and for scores that are not finite."""
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
        """Leaves nothing behind."""
        if self._maps is not None:
            self._maps.abandon()


class _MapsFile:
    """An npy file whose rows come in any order. Written, not mapped: a full disk is an error, not a signal."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.path, self.row = path, int(np.prod(shape[1:])) * 2
        self.partial = partial_path(path)
        with _writing(path):
            self._file = self.partial.open("wb")
            header = {"descr": "<f2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._file, header)
            self._begin = self._file.tell()

    def write(self, places: Counts, maps: Maps) -> None:
        """Row `places[i]` becomes `maps[i]`."""
        with _writing(self.path):
            for place, values in zip(places.tolist(), maps.astype("<f2", copy=False), strict=True):
                self._file.seek(self._begin + place * self.row)
                self._file.write(values.tobytes())

    def finish(self) -> None:
        """Renames the file once it is on the disk."""
        with _writing(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self.partial.replace(self.path)

    def abandon(self) -> None:
        """Removes what is there."""
        with suppress(OSError):  # what a full disk did not take is thrown away with its file
            self._file.close()
        self.partial.unlink(missing_ok=True)


def _writing(path: Path) -> AbstractContextManager[None]:
    return write_errors(path, "run the same command again: finished videos are kept")
