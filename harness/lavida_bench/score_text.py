"""Scores that lie as .csv and .json. Letters: F frames of a video, n lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_bench.score_arrays import Array
from lavida_gen.errors import DataError, fault

NAMES = "frames, scored, boxes, box_frames, box_scores"


def read_json(path: Path) -> dict[str, Array]:
    """A list of scores, or an object of lists; null = not scored. Raises DataError."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(fault(path, f"cannot be read ({error})", "a JSON list of scores")) from error
    plain = {"frames": data} if isinstance(data, list) else data
    if not isinstance(plain, dict):
        raise DataError(fault(path, f"holds a {type(data).__name__}", f"a list of scores, or an object of {NAMES}"))
    values = plain.get("frames")
    if isinstance(values, list) and None in values:
        plain = plain | {"scored": [value is not None for value in values]}
        plain |= {"frames": [0.0 if value is None else value for value in values]}
    try:
        return {str(name): np.asarray(value) for name, value in plain.items()}
    except ValueError as error:
        raise DataError(fault(path, f"lists of uneven lengths ({error})", "lists of numbers")) from error


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
        raise DataError(fault(path, got, f"0..{len(numbers) - 1}", todo))
    return {"frames": rows[np.argsort(numbers), 1]}


def read_boxes(path: Path) -> NDArray[np.float64]:
    """(n, 6) frame, left, top, right, bottom, score. Raises DataError with the line."""
    rows = _numbers(path, _lines(path), "frame,left,top,right,bottom,score", 6)
    odd = rows[(rows[:, 0] != np.floor(rows[:, 0])) | ~(np.abs(rows[:, 0]) < 2**53)]
    if len(odd):
        raise DataError(fault(path, f"frame {odd[0, 0]:g}", "whole numbers from 0"))
    return rows


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(fault(path, f"cannot be read ({error})", "a CSV file of scores")) from error


def _numbers(path: Path, lines: list[str], form: str, width: int) -> NDArray[np.float64]:
    """(n, width) numbers; a first line of words is the head."""
    head = int(bool(lines) and _numeric(lines[0].split(",")[:1]) is None)
    rows: list[list[float]] = []
    for number, line in enumerate(lines[head:], start=head + 1):
        if not line.strip():
            continue
        cells = _numeric(line.split(","))
        if cells is None or len(cells) != width:
            raise DataError(fault(f"{path}, line {number}", f"{line.strip()!r}", form))
        rows.append(cells)
    return np.array(rows, np.float64).reshape(-1, width)


def _numeric(cells: list[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None
