"""COCO's compressed run-length code of a mask: 5 bits per character, each run as its difference to the second last one.

Runs go column by column; the first one counts zeros (pycocotools `rleToString`). Letters: R runs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem

_MAX_SHIFT = 35
"""Bits of a number in COCO's compressed code; no picture has more pixels."""


def checked_runs(code: bytes, where: object) -> list[int]:
    """Read a code that somebody else wrote.

    Args:
        code: The characters.
        where: Names the mask in errors.

    Returns:
        R lengths in pixels.

    Raises:
        DataError: The code is malformed, or a run is negative.
    """
    runs: list[int] = []
    index, end = 0, len(code)
    while index < end:
        value = shift = 0
        more = True
        while more:
            if index >= end:
                raise DataError(problem(where, "compressed run lengths end in the middle of a number"))
            char = code[index] - 48
            if not 0 <= char < 64:
                raise DataError(problem(where, f"byte {code[index]} in compressed run lengths", "characters 48..111"))
            value |= (char & 0x1F) << shift
            more = bool(char & 0x20)
            index += 1
            shift += 5
            if shift > _MAX_SHIFT:
                raise DataError(problem(where, "a number in compressed run lengths is too long", "at most 35 bits"))
            if not more and char & 0x10:
                value |= -1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            raise DataError(problem(where, f"run {len(runs)} is negative ({value})"))
        runs.append(value)
    return runs


def borders(code: bytes) -> NDArray[np.int64]:
    """Where the runs of a valid code end, as `checked_runs` reads them, all numbers at once.

    Args:
        code: The characters.

    Returns:
        int64 (R,) positions in pixels, ascending: set pixels begin at those with even indices and end before the
        following ones. The last one is the number of pixels.
    """
    chars = np.frombuffer(code, np.uint8).astype(np.int64) - 48
    last = np.flatnonzero(chars < 32)  # of each number: no more follows
    first = np.empty_like(last)
    first[0], first[1:] = 0, last[:-1] + 1
    lengths = last - first + 1
    place = np.arange(len(chars)) - np.repeat(first, lengths)
    runs = np.add.reduceat((chars & 31) << 5 * place, first)
    runs -= (chars[last] & 16) << 5 * lengths - 4  # the sign: -1 << the number's bits
    np.cumsum(runs[1::2], out=runs[1::2])
    np.cumsum(runs[2::2], out=runs[2::2])
    return np.cumsum(runs)
