"""The score files of one video -> VideoScore.

Letters: n scores, F frames of a video, m scored frames, h w of a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.results.expansion import Expansion
from lavida_bench.results.frame_numbers import NumberedScores, sort_numbers
from lavida_bench.results.score_formats import (
    MAPS,
    NAMES,
    NUMBERS,
    READERS,
    Array,
    read_boxes,
    read_maps,
    read_maps_header,
)
from lavida_bench.videos.types import Bits, Detections, Maps, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.text import shorten

_SMALL, _MIDDLE = ("float16", "uint8", "int8", "bool"), ("float32", "uint16", "int16")
"""dtypes that float16, and that float32, holds without rounding; all others become float64."""


class FrameScores(NamedTuple):
    """Frame scores as they stand in a file: (n,) float64, (n,) bool, and their frame numbers if it states them."""

    values: NDArray[np.float64]
    scored: Bits
    numbered: NumberedScores | None


@dataclass(slots=True)
class VideoScoreFiles:
    """The files of one video.

    Attributes:
        main: The file with the frame scores, and perhaps regions and maps; None where there are boxes alone.
        content: What `main` holds of this video, if it is a file of all videos.
        boxes: KEY.boxes.csv, if there is one.
        maps: KEY.maps.npy, if there is one.
    """

    main: Path | None = None
    content: Mapping[str, Array] | None = None
    boxes: Path | None = None
    maps: Path | None = None

    def maps_file(self) -> Path | None:
        """The file that holds pixel maps, None if there is none. Raises DataError."""
        if self.maps is not None:
            return self.maps
        if self.main is None or self.content is not None or self.main.suffix.lower() != ".npz":
            return None
        return None if read_maps_header(self.main) is None else self.main

    def read(self) -> Mapping[str, Array]:
        """What the files hold of the video, apart from maps and KEY.boxes.csv; {} for boxes alone. Raises DataError."""
        if self.content is not None:
            return self.content
        return {} if self.main is None else READERS[self.main.suffix.lower()](self.main)

    @property
    def where(self) -> Path | None:
        """The file for messages."""
        return self.main or self.boxes


def frame_scores(files: VideoScoreFiles) -> FrameScores | None:
    """Read the frame scores of a video as they stand in the file.

    Args:
        files: Its files.

    Returns:
        The scores; None for boxes alone.

    Raises:
        DataError: The file cannot be read or holds no frame scores.
    """
    path, content = files.where, files.read()
    assert path is not None, "a video without files"
    if files.main is None:
        return None
    if "frames" not in content:
        got = f"holds {shorten(sorted(content)) or 'nothing'}"
        raise DataError(problem(path, got, f"{NAMES}, {MAPS}", "frames is needed"))
    values = np.atleast_1d(content["frames"])
    if values.ndim > 1 and values.size == max(values.shape):
        values = values.reshape(-1)  # (F, 1) and (1, F)
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        several = values.ndim > 1 and values.dtype.kind in "fiub"
        todo = "of crops or classes give the mean, or the column that rises with the anomaly" if several else ""
        raise DataError(problem(path, f"{values.dtype} {values.shape}", "(F,) numbers, one per frame", todo))
    _refuse_merged(values, path)
    if not len(values):
        raise DataError(problem(path, "no score", "one per frame"))
    scored = np.asarray(content.get("scored", np.ones(len(values), np.bool_)))
    if scored.shape != values.shape or scored.dtype.kind not in "biu":
        raise DataError(problem(path, f"scored is {scored.dtype} {scored.shape}", f"bool {values.shape}"))
    values, scored = values.astype(np.float64), scored.astype(np.bool_)
    if NUMBERS not in content:
        return FrameScores(values, scored, None)
    numbered = sort_numbers(np.asarray(content[NUMBERS], np.float64), path)
    return FrameScores(values[numbered.order], scored[numbered.order], numbered)


def _refuse_merged(values: Array, path: Path) -> None:
    """Raises DataError where scores that differ are equal in float64, in which they are ranked."""
    wide = values.dtype.itemsize > 8 or (values.dtype.kind in "iu" and float(np.abs(values).max(initial=0)) > 2**53)
    if wide and len(np.unique(values.astype(np.float64))) < len(np.unique(values)):
        got = f"{values.dtype} scores that differ and are equal in float64"
        raise DataError(problem(path, got, "scores of 53 bits", "scale them, or give their ranks over all videos"))


def read_video_score(files: VideoScoreFiles, video: TestVideo, expansion: Expansion) -> VideoScore:
    """Read the scores, regions and maps of a video.

    Args:
        files: Its files.
        video: The video.
        expansion: How its scores become one a frame.

    Returns:
        The scores. Pixel maps are read on access.

    Raises:
        DataError: A file cannot be read or does not fit the video.
    """
    given, detections = frame_scores(files), _detections(files, files.read())
    if given is None:
        none = np.zeros(video.frame_count, np.bool_)
        return VideoScore(video.key, np.zeros(video.frame_count), none, None, detections)
    if not expansion.fits(len(given.values), video.frame_count):
        got = f"{len(given.values):,} frame scores"
        raise DataError(problem(files.where, got, f"{expansion.scores(video.frame_count):,}: {expansion.text}"))
    place = expansion.index(len(given.values), video.frame_count)
    frames, scored = given.values[place], given.scored[place]
    maps = files.maps_file()
    pixels = None if maps is None else StoredMaps(maps, scored, video.size)
    return VideoScore(video.key, frames, None if scored.all() else scored, pixels, detections)


def _detections(files: VideoScoreFiles, content: Mapping[str, Array]) -> Detections | None:
    if files.boxes is not None:
        rows = read_boxes(files.boxes)
        boxes = rows[:, 1:5] + [0, 0, 1, 1]  # ends inclusive in this format, exclusive inside
        return Detections(rows[:, 0].astype(np.int64), boxes, rows[:, 5])
    if "boxes" not in content:
        return None
    missing = [name for name in ("box_frames", "box_scores") if name not in content]
    if missing:
        raise DataError(problem(files.where, f"boxes without {' and '.join(missing)}", NAMES))
    for name in ("box_frames", "boxes", "box_scores"):
        value = np.asarray(content[name])
        if value.dtype.kind not in "fiub" or value.ndim == 0:
            raise DataError(problem(files.where, f"{name} is {value.dtype} {value.shape}", "a list of numbers"))
    return Detections(content["box_frames"], content["boxes"], content["box_scores"])


class StoredMaps:
    """Pixel maps of a video in a file: of all F frames, or of the m scored ones alone, with 0 for the others.

    An .npy file is memory-mapped; the maps of an .npz file stay in memory as long as this object lives.
    """

    def __init__(self, path: Path, scored: Bits, size: tuple[int, int]) -> None:
        """Open the maps without reading them.

        Args:
            path: The file.
            scored: (F,) bool, the scored frames.
            size: (H, W) of the video.

        Raises:
            DataError: The maps cannot be read or do not fit the frames.
        """
        self.path, self.scored = path, scored
        self._maps: Array | None = None
        height, width = size
        header = read_maps_header(path)
        assert header is not None, f"{path}: no maps"
        shape, dtype = header
        fits = len(shape) == 3 and all(shape[1:]) and shape[0] in (len(scored), scored.sum())
        if not fits or np.dtype(dtype).kind not in "fiub":
            expected = f"({len(scored)}, h, w) numbers, one map per frame"
            raise DataError(problem(path, f"pixel scores {dtype} {shape}", expected))
        if height != width and shape[1] * height == shape[2] * width:
            got = f"maps of {shape[1]} x {shape[2]} for a video of {height} x {width}"
            raise DataError(problem(path, got, "(F, h, w): height before width", "transpose them"))

    def __call__(self, start: int, stop: int) -> Maps:
        """Read some maps.

        Args:
            start: The first frame.
            stop: The frame behind the last.

        Returns:
            (stop - start, h, w) of the narrowest dtype of MAP_DTYPES that holds the stored one without rounding.
        """
        if self._maps is None:
            self._maps = read_maps(self.path)
        stored = self._maps
        name = stored.dtype.name
        dtype = np.float16 if name in _SMALL else np.float32 if name in _MIDDLE else np.float64
        if len(stored) == len(self.scored):
            return np.asarray(stored[start:stop], dtype)
        maps = np.zeros((stop - start, *stored.shape[1:]), dtype)
        rows = np.cumsum(self.scored)[start:stop] - 1
        inside = self.scored[start:stop]
        maps[inside] = stored[rows[inside]]
        return maps
