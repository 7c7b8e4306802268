"""One video's files of scores -> VideoScore; what does not fit is told with its likely reason.

Letters: F frames of a video.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lavida_bench import score_arrays, score_maps, score_text
from lavida_bench.score_arrays import Array
from lavida_bench.score_maps import StoredMaps
from lavida_bench.video import Bits, Detections, Floats, TestVideo, VideoScore
from lavida_gen.errors import DataError, fault

CLIP = 32  # so many scores or fewer may lack because a clip did not fill


@dataclass(slots=True)
class Files:
    """The files of one video. `main` has the frame scores, and perhaps the others."""

    main: Path | None = None
    boxes: Path | None = None
    maps: Path | None = None


def read(files: Files, video: TestVideo) -> VideoScore:
    """Scores, regions and maps of a video; maps are read when they are asked for. Raises DataError."""
    path = files.main
    assert path is not None, video.key
    found = READERS[path.suffix.lower()](path)
    frames, scored = _frames(path, found, video)
    maps = _maps(files)
    pixels = None if maps is None else StoredMaps(maps, scored)
    return VideoScore(video.key, frames, None if scored.all() else scored, pixels, _detections(files, found))


def is_rounded(files: Files) -> bool:
    """Whether pixel scores lose digits by becoming float16. Raises DataError for a broken file."""
    maps = _maps(files)
    header = None if maps is None else score_maps.header(maps)
    return header is not None and header[1] not in score_maps.EXACT


def _maps(files: Files) -> Path | None:
    """The file that has maps."""
    if files.maps is not None:
        return files.maps
    main = files.main
    return main if main is not None and main.suffix.lower() == ".npz" and score_maps.header(main) is not None else None


def _npy(path: Path) -> dict[str, Array]:
    return {"frames": score_arrays.array(path)}


def _npz(path: Path) -> dict[str, Array]:
    found = score_arrays.archive(path)
    return {"frames": found["arr_0"]} if list(found) == ["arr_0"] else found


def _frames(path: Path, found: Mapping[str, Array], video: TestVideo) -> tuple[Floats, Bits]:
    if "frames" not in found:
        got = f"holds {', '.join(sorted(found)) or 'nothing'}"
        raise DataError(fault(path, got, f"{score_text.NAMES}, pixels", "frames is needed"))
    values = np.asarray(found["frames"])
    if values.ndim > 1 and values.size == max(values.shape):
        values = values.reshape(-1)  # (F, 1) and (1, F)
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise DataError(fault(path, f"{values.dtype} {values.shape}", "(F,) numbers, one a frame"))
    if len(values) != video.frame_count:
        raise DataError(_length(path, len(values), video.frame_count))
    scored = np.asarray(found.get("scored", np.ones(len(values), np.bool_)))
    if scored.shape != values.shape or scored.dtype.kind not in "biu":
        raise DataError(fault(path, f"scored is {scored.dtype} {scored.shape}", f"bool {values.shape}"))
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is refused with its frame
        return values.astype(np.float32), scored.astype(np.bool_)


def _length(path: Path, got: int, wanted: int) -> str:
    """A wrong number of scores, and what it looks like."""
    if not got:
        return fault(path, "no score", f"{wanted:,}, one a frame")
    short = wanted - got
    every = round(wanted / got)
    if short == -1:
        todo = "one too many: of frames counted from 1, or of another decoder? drop the first or the last"
    elif short == 1:
        todo = "one too few: of differences of two frames? repeat the first or the last"
    elif every > 1 and got in (wanted // every, -(-wanted // every)):
        todo = f"one for every {every} frames? np.repeat(scores, {every}), filled or cut to {wanted:,}"
    elif 0 < short < CLIP:
        todo = f"the last {short} lack: a clip that did not fill? repeat the last score"
    else:
        todo = "score every frame of the video as it decodes, whatever its header says"
    return fault(path, f"{got:,} frame scores", f"{wanted:,}, one a frame", todo)


def _detections(files: Files, found: Mapping[str, Array]) -> Detections | None:
    if files.boxes is not None:
        rows = score_text.read_boxes(files.boxes)
        return Detections(rows[:, 0].astype(np.int64), rows[:, 1:5].astype(np.float32), rows[:, 5].astype(np.float32))
    if "boxes" not in found:
        return None
    lacking = [name for name in ("box_frames", "box_scores") if name not in found]
    if lacking:
        raise DataError(fault(files.main, f"boxes without {' and '.join(lacking)}", score_text.NAMES))
    for name in ("box_frames", "boxes", "box_scores"):
        value = np.asarray(found[name])
        if value.dtype.kind not in "fiub" or value.ndim == 0:
            raise DataError(fault(files.main, f"{name} is {value.dtype} {value.shape}", "a list of numbers"))
    return Detections(found["box_frames"], found["boxes"], found["box_scores"])


READERS: dict[str, Callable[[Path], dict[str, Array]]] = {
    ".npy": _npy, ".npz": _npz, ".csv": score_text.read_csv, ".json": score_text.read_json,
}  # fmt: skip
