"""A video's scores over time, small enough for a page: the lowest and the highest score of each of at most BINS pieces.

Letters: F frames of a video, n scored frames, b bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lavida_bench.videos.types import Bits, Counts, Floats, TestVideo

BINS = 240


@dataclass(frozen=True, slots=True)
class Timeline:
    """The scores of one video as a page draws them.

    Attributes:
        frames: F, the number of frames of the video.
        fps: Frames per second, None if unknown.
        low: b numbers, the lowest score of each bin of F / b frames; None for a bin without a scored frame.
        high: b numbers, the highest score of each bin; None for a bin without a scored frame.
        events: (start, stop) frame numbers of the abnormal intervals, stop exclusive; None without labels.
    """

    frames: int
    fps: float | None
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    events: tuple[tuple[int, int], ...] | None


def timeline(video: TestVideo, frames: Counts, values: Floats) -> Timeline:
    """Reduce the scores of a video to a timeline.

    Args:
        video: The test video, for its length, frame rate and labels.
        frames: (n,) int64 numbers of the scored frames, ascending.
        values: (n,) scores of these frames.

    Returns:
        The timeline, with at most BINS bins.
    """
    low, high = _bin_extremes(video.frame_count, frames, values)
    events = None if video.frame_labels is None else spans(video.frame_labels)
    return Timeline(video.frame_count, video.fps, low, high, events)


def _bin_extremes(frame_count: int, frames: Counts, values: Floats) -> tuple[tuple[float | None, ...], ...]:
    bins = min(BINS, frame_count)
    bin_of_frame = frames * bins // frame_count
    low, high = np.full(bins, np.inf), np.full(bins, -np.inf)
    np.minimum.at(low, bin_of_frame, values)
    np.maximum.at(high, bin_of_frame, values)
    return tuple(tuple(_five_digits(value) for value in row) for row in (low, high))


def _five_digits(value: float) -> float | None:
    """A score with five digits, which is more than a screen shows; None for an empty bin."""
    return float(f"{value:.5g}") if np.isfinite(value) else None


def spans(labels: Bits) -> tuple[tuple[int, int], ...]:
    """Find the runs of True.

    Args:
        labels: (F,) bool.

    Returns:
        (start, stop) of each run, stop exclusive, in order.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], labels, [False]]).astype(np.int8)))
    return tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))


def peaks(frames: Counts, values: Floats, most: int, apart: int) -> list[int]:
    """Find the highest scores of a video, spread over time. A plateau counts once, by its middle.

    Args:
        frames: (n,) int64 numbers of the scored frames, ascending.
        values: (n,) scores of these frames.
        most: The largest number of peaks to return.
        apart: The smallest distance between two peaks, in frames.

    Returns:
        Frame numbers of the peaks, ascending.
    """
    remaining = values.astype(np.float64)
    chosen: list[int] = []
    while len(chosen) < most and np.isfinite(remaining).any():
        start = int(np.argmax(remaining))
        stop = start
        while (
            stop + 1 < len(remaining)
            and remaining[stop + 1] == remaining[start]
            and frames[stop + 1] == frames[stop] + 1
        ):
            stop += 1
        frame = int(frames[(start + stop) // 2])
        chosen.append(frame)
        remaining[start : stop + 1] = -np.inf
        remaining[np.abs(frames - frame) < apart] = -np.inf
    return sorted(chosen)
