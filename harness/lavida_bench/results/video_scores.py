"""The score files of one video -> VideoScore. An error of a wrong length names its likely cause.

Letters: F frames of a video, m scored frames, h w of a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lavida_bench.results.score_formats import MAPS, NAMES, READERS, Array, read_boxes, read_maps, read_maps_header
from lavida_bench.videos.types import Bits, Detections, Floats, Maps, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, problem

LONGEST_CLIP = 32  # up to this many scores may be missing because a method drops an incomplete last clip
EXACT = ("float16", "uint8", "int8", "bool")
"""dtypes that float16 holds without rounding."""


@dataclass(slots=True)
class VideoScoreFiles:
    """The files of one video.

    Attributes:
        main: The file with the frame scores, and perhaps regions and maps.
        boxes: KEY.boxes.csv, if there is one.
        maps: KEY.maps.npy, if there is one.
    """

    main: Path | None = None
    boxes: Path | None = None
    maps: Path | None = None

    def maps_file(self) -> Path | None:
        """The file that holds pixel maps, None if there is none. Raises DataError."""
        if self.maps is not None:
            return self.maps
        if self.main is None or self.main.suffix.lower() != ".npz" or read_maps_header(self.main) is None:
            return None
        return self.main


def read_video_score(files: VideoScoreFiles, video: TestVideo) -> VideoScore:
    """Read the scores, regions and maps of a video.

    Args:
        files: Its files; `main` must be there.
        video: The video.

    Returns:
        The scores. Pixel maps are read on access.

    Raises:
        DataError: A file cannot be read or does not fit the video.
    """
    path = files.main
    assert path is not None, video.key
    content = READERS[path.suffix.lower()](path)
    frames, scored = _frame_scores(path, content, video)
    maps = files.maps_file()
    pixels = None if maps is None else StoredMaps(maps, scored)
    return VideoScore(video.key, frames, None if scored.all() else scored, pixels, _detections(files, content))


def is_rounded(files: VideoScoreFiles) -> bool:
    """Check whether pixel scores lose digits by becoming float16.

    Args:
        files: The files of a video.

    Returns:
        True for maps of a dtype with more digits; False also without maps.

    Raises:
        DataError: A file cannot be read.
    """
    maps = files.maps_file()
    header = None if maps is None else read_maps_header(maps)
    return header is not None and header.dtype not in EXACT


def _frame_scores(path: Path, content: Mapping[str, Array], video: TestVideo) -> tuple[Floats, Bits]:
    """(F,) scores and whether each frame is scored."""
    if "frames" not in content:
        got = f"holds {', '.join(sorted(content)) or 'nothing'}"
        raise DataError(problem(path, got, f"{NAMES}, {MAPS}", "frames is needed"))
    values = np.asarray(content["frames"])
    if values.ndim > 1 and values.size == max(values.shape):
        values = values.reshape(-1)  # (F, 1) and (1, F)
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise DataError(problem(path, f"{values.dtype} {values.shape}", "(F,) numbers, one per frame"))
    if len(values) != video.frame_count:
        raise DataError(_length_problem(path, len(values), video.frame_count))
    scored = np.asarray(content.get("scored", np.ones(len(values), np.bool_)))
    if scored.shape != values.shape or scored.dtype.kind not in "biu":
        raise DataError(problem(path, f"scored is {scored.dtype} {scored.shape}", f"bool {values.shape}"))
    return values.astype(np.float64), scored.astype(np.bool_)


def _length_problem(path: Path, got: int, expected: int) -> str:
    """A wrong number of scores, with its likely cause."""
    if not got:
        return problem(path, "no score", f"{expected:,}, one per frame")
    short = expected - got
    step = round(expected / got)
    if short == -1:
        todo = "one too many: of frames counted from 1, or of another decoder? drop the first or the last"
    elif short == 1:
        todo = "one too few: of differences of two frames? repeat the first or the last"
    elif step > 1 and got in (expected // step, -(-expected // step)):
        todo = f"one for every {step} frames? np.repeat(scores, {step}), filled or cut to {expected:,}"
    elif 0 < short < LONGEST_CLIP:
        todo = f"the last {short} are missing: an incomplete last clip? repeat the last score"
    else:
        todo = "score every frame of the video as it decodes, whatever its header claims"
    return problem(path, f"{got:,} frame scores", f"{expected:,}, one per frame", todo)


def _detections(files: VideoScoreFiles, content: Mapping[str, Array]) -> Detections | None:
    if files.boxes is not None:
        rows = read_boxes(files.boxes)
        boxes = rows[:, 1:5] + [0, 0, 1, 1]  # ends inclusive in this format, exclusive inside
        return Detections(rows[:, 0].astype(np.int64), boxes, rows[:, 5])
    if "boxes" not in content:
        return None
    missing = [name for name in ("box_frames", "box_scores") if name not in content]
    if missing:
        raise DataError(problem(files.main, f"boxes without {' and '.join(missing)}", NAMES))
    for name in ("box_frames", "boxes", "box_scores"):
        value = np.asarray(content[name])
        if value.dtype.kind not in "fiub" or value.ndim == 0:
            raise DataError(problem(files.main, f"{name} is {value.dtype} {value.shape}", "a list of numbers"))
    return Detections(content["box_frames"], content["boxes"], content["box_scores"])


class StoredMaps:
    """Pixel maps of a video in a file: of all F frames, or of the m scored ones alone, with 0 for the others.

    An .npy file is memory-mapped; the maps of an .npz file stay in memory as long as this object lives.
    """

    def __init__(self, path: Path, scored: Bits) -> None:
        """Open the maps without reading them.

        Args:
            path: The file.
            scored: (F,) bool, the scored frames.

        Raises:
            DataError: The maps cannot be read or do not fit the frames.
        """
        self.path, self.scored = path, scored
        self._maps: Array | None = None
        header = read_maps_header(path)
        assert header is not None, f"{path}: no maps"
        shape, dtype = header
        fits = len(shape) == 3 and all(shape[1:]) and shape[0] in (len(scored), scored.sum())
        if not fits or np.dtype(dtype).kind not in "fiub":
            expected = f"({len(scored)}, h, w) numbers, one map per frame"
            raise DataError(problem(path, f"pixel scores {dtype} {shape}", expected))

    def __call__(self, start: int, stop: int) -> Maps:
        """Read some maps.

        Args:
            start: The first frame.
            stop: The frame behind the last.

        Returns:
            (stop - start, h, w) float16.
        """
        if self._maps is None:
            self._maps = read_maps(self.path)
        stored = self._maps
        with np.errstate(over="ignore"):  # a value too large becomes infinite and is refused where pixels are counted
            if len(stored) == len(self.scored):
                return np.asarray(stored[start:stop], np.float16)
            maps = np.zeros((stop - start, *stored.shape[1:]), np.float16)
            rows = np.cumsum(self.scored)[start:stop] - 1
            inside = self.scored[start:stop]
            maps[inside] = stored[rows[inside]]
            return maps
