"""Annotated intervals of frames -> frame labels, for any way in which a benchmark writes its ends.

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


def checked_interval(start: int, stop: int, where: object, written: str = "") -> Interval:
    """Make an interval of at least one frame.

    Args:
        start: First frame, 0-based.
        stop: End, exclusive.
        where: File and line, for the message.
        written: The interval as the file writes it, for the message.

    Returns:
        The interval.

    Raises:
        DataError: The start is negative, or the end is not after it.
    """
    if start < 0 or stop <= start:
        got = f"frames from {start} up to but not including {stop}" + (f" (written {written})" if written else "")
        raise DataError(problem(where, got, "0 <= start < end", "fix the annotation"))
    return Interval(start, stop)


def intervals_to_labels(intervals: Iterable[Interval], frame_count: int) -> Bits:
    """Make frame labels.

    Args:
        intervals: Abnormal intervals in any order, which may overlap and may go beyond the video.
        frame_count: F.

    Returns:
        (F,) bool, True in any interval.
    """
    labels = np.zeros(frame_count, np.bool_)
    for start, stop in intervals:
        labels[start:stop] = True
    return labels


def refuse_late(intervals: Iterable[Interval], frame_count: int, where: object) -> None:
    """Refuse an interval that begins after the end of its video: without it an abnormal video would count as normal.

    Args:
        intervals: Abnormal intervals.
        frame_count: F of the video.
        where: The video, for the message.

    Raises:
        DataError: There is one.
    """
    late = [interval for interval in intervals if interval.start >= frame_count]
    if late:
        todo = "the video is cut short or another one: fetch it again"
        got = f"an event from frame {late[0].start} of {frame_count}"
        raise DataError(problem(where, got, "events within the video", todo))


MAX_FRAME = 100_000_000
"""Labels of so many frames, 46 days of a video, still fit into the memory."""


def parse_whole_number(text: str, where: object) -> int:
    """Read a whole number.

    Args:
        text: The number, which may be written as a float (``12.0``).
        where: File and line, for the message.

    Returns:
        The number.

    Raises:
        DataError: The text is no whole number, or larger than that of any frame.
    """
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != np.floor(number) or not np.isfinite(number):
        raise DataError(problem(where, f"{text!r}", "a whole number", "fix the annotation"))
    if abs(number) > MAX_FRAME:
        raise DataError(
            problem(where, f"{text!r}", f"at most {MAX_FRAME:,}, the last frame of 46 days", "fix the annotation")
        )
    return int(number)
