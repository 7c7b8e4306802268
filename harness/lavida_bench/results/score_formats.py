"""One video's files of scores -> VideoScore; what does not fit is told with its likely reason.

Letters: F frames of a video.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Bits, Detections, Floats, Maps, TestVideo, VideoScore
from lavida_gen.common import arrays
from lavida_gen.common.errors import DataError, problem

Array = NDArray[Any]
CLIP = 32  # so many scores or fewer may lack because a clip did not fill
NAMES = "frames, scored, boxes, box_frames, box_scores"
"""What a file may hold beside `MAPS`."""
MAPS = "pixels"
EXACT = ("float16", "uint8", "int8", "bool")
"""dtypes that float16 holds without rounding."""
MAGIC = (b"\x93NUMPY", b"PK")
_BROKEN = (OSError, ValueError, EOFError, AttributeError, KeyError, zipfile.BadZipFile)


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
    header = None if maps is None else stored_header(maps)
    return header is not None and header[1] not in EXACT


def _maps(files: Files) -> Path | None:
    """The file that has maps."""
    if files.maps is not None:
        return files.maps
    main = files.main
    return main if main is not None and main.suffix.lower() == ".npz" and stored_header(main) is not None else None


def _npy(path: Path) -> dict[str, Array]:
    return {"frames": array(path)}


def _npz(path: Path) -> dict[str, Array]:
    found = archive(path)
    return {"frames": found["arr_0"]} if list(found) == ["arr_0"] else found


def _frames(path: Path, found: Mapping[str, Array], video: TestVideo) -> tuple[Floats, Bits]:
    if "frames" not in found:
        got = f"holds {', '.join(sorted(found)) or 'nothing'}"
        raise DataError(problem(path, got, f"{NAMES}, pixels", "frames is needed"))
    values = np.asarray(found["frames"])
    if values.ndim > 1 and values.size == max(values.shape):
        values = values.reshape(-1)  # (F, 1) and (1, F)
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise DataError(problem(path, f"{values.dtype} {values.shape}", "(F,) numbers, one a frame"))
    if len(values) != video.frame_count:
        raise DataError(_length(path, len(values), video.frame_count))
    scored = np.asarray(found.get("scored", np.ones(len(values), np.bool_)))
    if scored.shape != values.shape or scored.dtype.kind not in "biu":
        raise DataError(problem(path, f"scored is {scored.dtype} {scored.shape}", f"bool {values.shape}"))
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is refused with its frame
        return values.astype(np.float32), scored.astype(np.bool_)


def _length(path: Path, got: int, wanted: int) -> str:
    """A wrong number of scores, and what it looks like."""
    if not got:
        return problem(path, "no score", f"{wanted:,}, one a frame")
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
    return problem(path, f"{got:,} frame scores", f"{wanted:,}, one a frame", todo)


def _detections(files: Files, found: Mapping[str, Array]) -> Detections | None:
    if files.boxes is not None:
        rows = read_boxes(files.boxes)
        return Detections(rows[:, 0].astype(np.int64), rows[:, 1:5].astype(np.float32), rows[:, 5].astype(np.float32))
    if "boxes" not in found:
        return None
    lacking = [name for name in ("box_frames", "box_scores") if name not in found]
    if lacking:
        raise DataError(problem(files.main, f"boxes without {' and '.join(lacking)}", NAMES))
    for name in ("box_frames", "boxes", "box_scores"):
        value = np.asarray(found[name])
        if value.dtype.kind not in "fiub" or value.ndim == 0:
            raise DataError(problem(files.main, f"{name} is {value.dtype} {value.shape}", "a list of numbers"))
    return Detections(found["box_frames"], found["boxes"], found["box_scores"])


# ---- NumPy files ----------------------------------------------------------------------------------------------------


def _why(path: Path, error: Exception) -> str:
    """What is wrong with a file that numpy refuses; numpy's own words may advise to let it run code."""
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC[0]))
    except OSError as closed:
        return f"cannot be read ({closed.strerror})"
    if not head:
        return "empty file"
    if not head.startswith(MAGIC):
        return "not a NumPy file"
    objects = "allow_pickle" in str(error) or "Python objects" in str(error)
    return "holds Python objects" if objects else f"cannot be read ({error})"


def array(path: Path) -> Array:
    """An .npy file, memory-mapped. Raises DataError."""
    try:
        found = arrays.load(path, "r")
    except _BROKEN as error:
        raise DataError(problem(path, _why(path, error), "an array that np.save wrote, of numbers")) from error
    if not isinstance(found, np.ndarray):
        raise DataError(problem(path, "is no single array", "what np.save writes; what np.savez writes ends in .npz"))
    return found


def archive(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file but for its maps, which may be large. Raises DataError."""
    try:
        with arrays.archive(path) as file:
            return {name: file[name] for name in file.files if name != MAPS}
    except _BROKEN as error:
        raise DataError(problem(path, _why(path, error), "arrays that np.savez wrote, of numbers")) from error


def maps_of(path: Path) -> Array | None:
    """The pixel scores of an .npz file, in memory; None if it has none. Raises DataError."""
    try:
        with arrays.archive(path) as file:
            return file[MAPS] if MAPS in file.files else None
    except _BROKEN as error:
        raise DataError(problem(path, _why(path, error), "arrays that np.savez wrote, of numbers")) from error


def maps_header(path: Path) -> tuple[tuple[int, ...], str] | None:
    """Shape and dtype of the pixel scores of an .npz file without reading them; None if it has none."""
    form = np.lib.format
    try:
        with zipfile.ZipFile(path) as file:
            if f"{MAPS}.npy" not in file.namelist():
                return None
            with file.open(f"{MAPS}.npy") as member, arrays.PARSING:
                old = form.read_magic(member) == (1, 0)
                shape, _, dtype = (form.read_array_header_1_0 if old else form.read_array_header_2_0)(member)
    except _BROKEN as error:
        raise DataError(problem(path, _why(path, error), "arrays that np.savez wrote, of numbers")) from error
    return tuple(shape), str(dtype)


# ---- text -----------------------------------------------------------------------------------------------------------


def read_json(path: Path) -> dict[str, Array]:
    """A list of scores, or an object of lists; null = not scored. Raises DataError."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(problem(path, f"cannot be read ({error})", "a JSON list of scores")) from error
    plain = {"frames": data} if isinstance(data, list) else data
    if not isinstance(plain, dict):
        raise DataError(problem(path, f"holds a {type(data).__name__}", f"a list of scores, or an object of {NAMES}"))
    values = plain.get("frames")
    if isinstance(values, list) and None in values:
        plain = plain | {"scored": [value is not None for value in values]}
        plain |= {"frames": [0.0 if value is None else value for value in values]}
    try:
        return {str(name): np.asarray(value) for name, value in plain.items()}
    except ValueError as error:
        raise DataError(problem(path, f"lists of uneven lengths ({error})", "lists of numbers")) from error


def read_csv(path: Path) -> dict[str, Array]:
    """A score a line, or frame,score in any order of the frames. Raises DataError with the line."""
    lines = _lines(path)
    if not lines or "," not in lines[0]:
        return {"frames": _numbers(path, lines, "a score a line, or frame,score", 1)[:, 0]}
    rows = _numbers(path, lines, "frame,score", 2)
    numbers = rows[:, 0]
    if not np.array_equal(np.sort(numbers), np.arange(len(numbers))):
        got = f"{len(numbers)} frames from {numbers.min():g} to {numbers.max():g}"
        todo = "numbers begin with 0" if numbers.min() == 1 else "each frame once"
        raise DataError(problem(path, got, f"0..{len(numbers) - 1}", todo))
    return {"frames": rows[np.argsort(numbers), 1]}


def read_boxes(path: Path) -> NDArray[np.float64]:
    """(n, 6) frame, left, top, right, bottom, score. Raises DataError with the line."""
    rows = _numbers(path, _lines(path), "frame,left,top,right,bottom,score", 6)
    odd = rows[(rows[:, 0] != np.floor(rows[:, 0])) | ~(np.abs(rows[:, 0]) < 2**53)]
    if len(odd):
        raise DataError(problem(path, f"frame {odd[0, 0]:g}", "whole numbers from 0"))
    return rows


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(problem(path, f"cannot be read ({error})", "a CSV file of scores")) from error


def _numbers(path: Path, lines: list[str], form: str, width: int) -> NDArray[np.float64]:
    """(n, width) numbers; a first line of words is the head."""
    head = int(bool(lines) and _numeric(lines[0].split(",")[:1]) is None)
    rows: list[list[float]] = []
    for number, line in enumerate(lines[head:], start=head + 1):
        if not line.strip():
            continue
        cells = _numeric(line.split(","))
        if cells is None or len(cells) != width:
            raise DataError(problem(f"{path}, line {number}", f"{line.strip()!r}", form))
        rows.append(cells)
    return np.array(rows, np.float64).reshape(-1, width)


def _numeric(cells: list[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None


# ---- maps -----------------------------------------------------------------------------------------------------------


def stored_header(path: Path) -> tuple[tuple[int, ...], str] | None:
    """Shape and dtype of the maps in an .npy or .npz file; None if there are none. Raises DataError."""
    if path.suffix.lower() == ".npz":
        return maps_header(path)
    found = array(path)
    return found.shape, str(found.dtype)


class StoredMaps:
    """Maps of a video: of all F frames, or of the m scored ones alone; then those of the others are 0.

    An .npy is memory-mapped; the maps of an .npz are in memory as long as this object lives. Raises DataError for maps
    that do not fit the frames.
    """

    def __init__(self, path: Path, scored: Bits) -> None:
        self.path, self.scored = path, scored
        self._maps: Array | None = None
        found = stored_header(path)
        assert found is not None, f"{path}: no maps"
        shape, dtype = found
        if (
            len(shape) != 3
            or not all(shape[1:])
            or shape[0] not in (len(scored), scored.sum())
            or np.dtype(dtype).kind not in "fiub"
        ):
            raise DataError(
                problem(path, f"pixel scores {dtype} {shape}", f"({len(scored)}, h, w) numbers, a map a frame")
            )

    def __call__(self, start: int, stop: int) -> Maps:
        """float16 (n, h, w) of frames start..stop-1."""
        if self._maps is None:
            npz = self.path.suffix.lower() == ".npz"
            self._maps = maps_of(self.path) if npz else array(self.path)
            assert self._maps is not None, "its header was read"
        maps = self._maps
        with np.errstate(over="ignore"):  # what is too large becomes infinite and is refused where pixels are counted
            if len(maps) == len(self.scored):
                return np.asarray(maps[start:stop], np.float16)
            made = np.zeros((stop - start, *maps.shape[1:]), np.float16)
            rows = np.cumsum(self.scored)[start:stop] - 1
            inside = self.scored[start:stop]
            made[inside] = maps[rows[inside]]
            return made


READERS: dict[str, Callable[[Path], dict[str, Array]]] = {
    ".npy": _npy, ".npz": _npz, ".csv": read_csv, ".json": read_json,
}  # fmt: skip
