"""The file formats of scores: one file in, named arrays out. `video_scores` checks the arrays against the video.

    READERS[".npz"](path)     frames, perhaps their numbers, and what else the file holds, as arrays
    read_boxes(path)          the rows of KEY.boxes.csv
    read_maps(path)           the pixel maps of KEY.maps.npy or KEY.npz

Letters: F frames of a video, h w of a map, n rows.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.results.frame_numbers import stated_number
from lavida_bench.results.matlab_scores import SCORES, read_mat
from lavida_bench.results.score_table import LABEL, parse_table
from lavida_gen.common import arrays
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_JSON, MAX_STREAM, kind_of, open_regular, read_text
from lavida_gen.common.json_file import read_json as read_json_value

Array = NDArray[Any]
"""An array of a dtype that is not known before it is read."""
NAMES = "frames, scored, boxes, box_frames, box_scores"
"""The arrays that a file may hold, apart from its maps."""
MAPS = "pixels"
"""The name of the maps in an .npz file."""
NUMBERS = "numbers"
"""The name under which readers of text give the frame numbers that the file states."""
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".joblib")
"""Suffixes of pickles, which are not read."""

BOX = ("frame", "left", "top", "right", "bottom", "score")
"""Columns of KEY.boxes.csv."""

_MAGIC, _PICKLE = (b"\x93NUMPY", b"PK"), b"\x80"
_UNREADABLE = (OSError, ValueError, EOFError, AttributeError, KeyError, zipfile.BadZipFile)
_ARRAY = "an array that np.save wrote, of numbers"
_ARCHIVE = "arrays that np.savez wrote, of numbers"


class ArrayHeader(NamedTuple):
    """What can be known of an array without reading it."""

    shape: tuple[int, ...]
    dtype: str


# ---- NumPy files: .npy, .npz ----------------------------------------------------------------------------------------


def read_npy(path: Path) -> dict[str, Array]:
    """Read frame scores from an .npy file.

    Args:
        path: The file.

    Returns:
        {"frames": the array, memory-mapped}.

    Raises:
        DataError: The file cannot be read.
    """
    return {"frames": _load_array(path)}


def read_npz(path: Path) -> dict[str, Array]:
    """Read the scores of one video from an .npz file.

    Args:
        path: The file.

    Returns:
        Name -> array, without maps; a single array is "frames" whatever its name, unless it is called labels.

    Raises:
        DataError: The file cannot be read.
    """
    content = read_archive(path)
    if len(content) == 1 and not {*content} & {*NAMES.split(", "), *LABEL}:
        return {"frames": next(iter(content.values()))}
    return content


def read_archive(path: Path) -> dict[str, Array]:
    """Read the arrays of an .npz file, except its maps, which may be large.

    Args:
        path: The file.

    Returns:
        Name -> array; a single array without a name is "frames".

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with arrays.open_archive(path) as file:
            content: dict[str, Array] = {name: file[name] for name in file.files if name != MAPS}
    except _UNREADABLE as error:
        raise DataError(problem(path, _reason(path, error), _ARCHIVE)) from error
    if list(content) == ["arr_0"]:
        return {"frames": content["arr_0"]}
    name = next((name for name in SCORES if name in content), "frames")
    return {("frames" if key == name else key): value for key, value in content.items()}


def read_maps(path: Path) -> Array:
    """Read pixel maps.

    Args:
        path: An .npy file, which is memory-mapped, or an .npz file with maps, which are read into memory.

    Returns:
        The array as it is stored.

    Raises:
        DataError: The file cannot be read.
    """
    if path.suffix.lower() != ".npz":
        return _load_array(path)
    try:
        with arrays.open_archive(path) as file:
            maps: Array = file[MAPS]
    except _UNREADABLE as error:
        raise DataError(problem(path, _reason(path, error), _ARCHIVE)) from error
    return maps


def read_maps_header(path: Path) -> ArrayHeader | None:
    """Read shape and dtype of pixel maps, without the maps.

    Args:
        path: An .npy or .npz file.

    Returns:
        The header; None for an .npz file without maps.

    Raises:
        DataError: The file cannot be read.
    """
    if path.suffix.lower() != ".npz":
        maps = _load_array(path)
        return ArrayHeader(maps.shape, str(maps.dtype))
    npy = np.lib.format
    try:
        with open_regular(path, MAX_STREAM) as opened, zipfile.ZipFile(opened) as file:
            if f"{MAPS}.npy" not in file.namelist():
                return None
            with file.open(f"{MAPS}.npy") as member, arrays.PARSING_LOCK:
                is_version_1 = npy.read_magic(member) == (1, 0)
                read_header = npy.read_array_header_1_0 if is_version_1 else npy.read_array_header_2_0
                shape, _, dtype = read_header(member)
    except _UNREADABLE as error:
        raise DataError(problem(path, _reason(path, error), _ARCHIVE)) from error
    return ArrayHeader(tuple(shape), str(dtype))


def _load_array(path: Path) -> Array:
    """An .npy file, memory-mapped. Raises DataError."""
    try:
        array = arrays.load_array(path, "r")
    except _UNREADABLE as error:
        raise DataError(problem(path, _reason(path, error), _ARRAY)) from error
    if not isinstance(array, np.ndarray):
        raise DataError(problem(path, "is no single array", "what np.save writes; what np.savez writes ends in .npz"))
    return array


def pickle_reason(path: Path) -> str:
    """Why a pickle is not read, and how to convert it.

    Args:
        path: The file.

    Returns:
        The middle part of a message.
    """
    name = repr(path.name)
    array = f"np.load({name}, allow_pickle=True)"
    load = {
        ".npy": f"{array}.tolist()",
        ".npz": f"{{k: v for k, v in {array}.items() if v.dtype != object}}",
    }.get(path.suffix.lower(), f"pickle.load(open({name}, 'rb'))")
    return (
        "is a pickle (holds Python objects): pickles can run code and are not read; where you trust it, convert it in "
        f"Python: `scores = {load}` and, for a dict of videos, `np.savez('scores.npz', **scores)`"
    )


def _reason(path: Path, error: Exception) -> str:
    """Why numpy cannot read a file. Its own message may advise to let the file run code."""
    try:
        with open_regular(path, MAX_STREAM) as file:
            head = file.read(40)
    except OSError as open_error:
        return f"cannot be read ({open_error.strerror})"
    if not head:
        return "empty file"
    if head.startswith(_PICKLE):
        return pickle_reason(path)
    if not head.startswith(_MAGIC):
        kind = kind_of(head)
        what = f"it is {kind.got}: {kind.todo}" if kind else f"it begins with {head[:16]!r}"
        return f"not a NumPy file ({what})"
    if "allow_pickle" in str(error) or "Python objects" in str(error):
        return pickle_reason(path)
    return f"cannot be read ({error})"


# ---- text files: .json, .csv, .tsv, .txt ----------------------------------------------------------------------------


def read_json(path: Path) -> dict[str, Array]:
    """Read scores from a JSON file.

    Args:
        path: A list of scores, or an object of lists; a score null means that the frame is not scored.

    Returns:
        Name -> array.

    Raises:
        DataError: The file cannot be read, or holds something else.
    """
    data = read_json_value(path, "a JSON list of scores", unique=True)
    content: dict[str, Any] = {"frames": data} if isinstance(data, list) else as_content(data, path)
    return arrays_of(content, path)


def as_content(data: object, path: Path) -> dict[str, Any]:
    """The names of scores in a JSON object.

    Args:
        data: An object of lists, or of scores by frame number (``{"0": 0.5, "16": 0.7}``) or by picture (``0.jpg``).
        path: The file, for messages.

    Returns:
        Name -> list, with the frame scores under "frames".

    Raises:
        DataError: It is no object.
    """
    if not isinstance(data, dict):
        raise DataError(problem(path, f"holds a {type(data).__name__}", f"a list of scores, or an object of {NAMES}"))
    numbers = [stated_number(str(key)) for key in data]
    if data and None not in numbers:
        return {"frames": list(data.values()), NUMBERS: numbers}
    name = next((name for name in SCORES if name in data), "frames")
    return {("frames" if key == name else key): value for key, value in data.items()}


def arrays_of(content: dict[str, Any], path: Path) -> dict[str, Array]:
    """Lists of JSON as arrays; a score null means that the frame is not scored.

    Args:
        content: Name -> list.
        path: The file, for messages.

    Returns:
        Name -> array.

    Raises:
        DataError: Lists of lists have uneven lengths.
    """
    frames = content.get("frames")
    if isinstance(frames, list) and None in frames:
        scored = [score is not None for score in frames]
        content = {**content, "scored": scored, "frames": [0.0 if score is None else score for score in frames]}
    try:
        return {str(name): np.asarray(value) for name, value in content.items()}
    except ValueError as error:
        raise DataError(problem(path, f"lists of uneven lengths ({error})", "lists of numbers")) from error


def read_rows(path: Path) -> dict[str, Array]:
    """Read frame scores from a table: CSV with commas, semicolons or tabs, text with blanks.

    Args:
        path: One score a line, or columns as `score_table` reads them.

    Returns:
        "frames" (n,) float64, and the numbers that the table states.

    Raises:
        DataError: With the line that cannot be read.
    """
    table = parse_table(read_text(path, expected="a table of scores", todo="save it as UTF-8"), path)
    if table.videos is not None and len(set(table.videos)) > 1:
        todo = "give this file itself as --scores"
        raise DataError(problem(path, f"scores of {len(set(table.videos))} videos", "those of one video", todo))
    return {"frames": table.scores} if table.numbers is None else {"frames": table.scores, NUMBERS: table.numbers}


# ---- regions --------------------------------------------------------------------------------------------------------


def read_boxes(path: Path) -> NDArray[np.float64]:
    """Read regions from a CSV file.

    Args:
        path: frame,left,top,right,bottom,score per line; right and bottom are inclusive: a pixel is x,y,x,y.

    Returns:
        (n, 6) in this order, as they stand in the file.

    Raises:
        DataError: With the line that cannot be read.
    """
    lines = _read_lines(path)
    rows = _parse_rows(path, lines, ",".join(BOX), len(BOX))[:, _box_columns(lines, path)]
    invalid = rows[(rows[:, 0] != np.floor(rows[:, 0])) | ~(np.abs(rows[:, 0]) < 2**53)]
    if len(invalid):
        raise DataError(problem(path, f"frame {invalid[0, 0]:g}", "whole numbers from 0"))
    return rows


def _box_columns(lines: list[str], path: Path) -> list[int]:
    """Places of the columns BOX: as the first line names them, or in this order.

    Raises DataError where it names widths and heights.
    """
    head = [cell.strip().strip('"').lower() for cell in lines[0].split(",")] if lines else []
    if {"w", "h", "width", "height"} & {*head}:
        got, todo = f"boxes by {','.join(head)}", "write right and bottom, both inclusive: left + width - 1"
        raise DataError(problem(f"{path}, line 1", got, ",".join(BOX), todo))
    return [head.index(name) for name in BOX] if sorted(head) == sorted(BOX) else [*range(len(BOX))]


def _read_lines(path: Path) -> list[str]:
    return read_text(path, MAX_JSON, "a CSV file of scores").splitlines()


def _parse_rows(path: Path, lines: list[str], form: str, width: int) -> NDArray[np.float64]:
    """(n, width) numbers. A first line that does not begin with a number is a header."""
    header = int(bool(lines) and _parse_numbers(lines[0].split(",")[:1]) is None)
    rows: list[list[float]] = []
    for number, line in enumerate(lines[header:], start=header + 1):
        if not line.strip():
            continue
        cells = _parse_numbers(line.split(","))
        if cells is None or len(cells) != width:
            raise DataError(problem(f"{path}, line {number}", f"{line.strip()!r}", form))
        rows.append(cells)
    return np.array(rows, np.float64).reshape(-1, width)


def _parse_numbers(cells: list[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None


READERS: dict[str, Callable[[Path], dict[str, Array]]] = {
    ".npy": read_npy, ".npz": read_npz, ".csv": read_rows, ".tsv": read_rows, ".txt": read_rows, ".json": read_json,
    ".mat": read_mat,
}  # fmt: skip
"""Suffix -> reader of the main file of a video."""
