"""Annotated stretches of frames -> frame labels, whatever way a benchmark writes its ends.

Letters: F frames of a video.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from lavida_bench.videos.types import Bits
from lavida_gen.common.errors import DataError, problem


class Interval(NamedTuple):
    """Frames start..stop-1, 0-based: `stop` is exclusive however the annotation file writes it."""

    start: int
    stop: int


def checked_interval(start: int, stop: int, where: object) -> Interval:
    """A stretch of at least one frame. Raises DataError for a negative start or an end before it."""
    if start < 0 or stop <= start:
        got = f"frames from {start} up to but not including {stop}"
        raise DataError(problem(where, got, "0 <= start < end", "mend the annotation"))
    return Interval(start, stop)


def intervals_to_labels(intervals: Iterable[Interval], frame_count: int) -> Bits:
    """(F,) bool, True in any interval; in any order, overlapping, clamped to the video."""
    found = np.zeros(frame_count, np.bool_)
    for start, stop in intervals:
        found[start:stop] = True
    return found


def parse_whole_number(text: str, where: object) -> int:
    """A whole number, also where it is written as a float (``12.0``). Raises DataError."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != np.floor(number) or not np.isfinite(number):
        raise DataError(problem(where, f"{text!r}", "a whole number", "mend the annotation"))
    return int(number)
