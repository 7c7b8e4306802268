"""A video's scores over time, small enough for a page: the lowest and the highest score of each of at most BINS pieces.

Letters: F frames of a video, b bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lavida_bench.videos.types import Bits, Counts, Floats, TestVideo

BINS = 240


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a page draws of one video.

    frames     F
    fps        frames a second, None if unknown
    low, high  b numbers each, the extremes of the scores in each bin of F / b frames; None = no frame of it was scored
    events     (start, stop) of the abnormal frames, stop exclusive; None without labels
    """

    frames: int
    fps: float | None
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    events: tuple[tuple[int, int], ...] | None


def timeline(video: TestVideo, frames: Counts, values: Floats) -> Timeline:
    """The scores `values` (n,) of the frames `frames` (n,), ascending, of a video."""
    low, high = _extremes(video.frame_count, frames, values)
    events = None if video.frame_labels is None else spans(video.frame_labels)
    return Timeline(video.frame_count, video.fps, low, high, events)


def _extremes(frame_count: int, frames: Counts, values: Floats) -> tuple[tuple[float | None, ...], ...]:
    bins = min(BINS, frame_count)
    which = frames * bins // frame_count
    low, high = np.full(bins, np.inf), np.full(bins, -np.inf)
    np.minimum.at(low, which, values)
    np.maximum.at(high, which, values)
    return tuple(tuple(_short(value) for value in row) for row in (low, high))


def _short(value: float) -> float | None:
    """Five digits are more than a screen shows."""
    return float(f"{value:.5g}") if np.isfinite(value) else None


def spans(labels: Bits) -> tuple[tuple[int, int], ...]:
    """(start, stop) of each run of True in (F,) bool, stop exclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], labels, [False]]).astype(np.int8)))
    return tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))


def peaks(frames: Counts, values: Floats, most: int, apart: int) -> list[int]:
    """Frame numbers of up to `most` of the highest scores, each at least `apart` frames from the others, ascending.

    A plateau counts once, by its middle.
    """
    left = values.astype(np.float64)
    found: list[int] = []
    while len(found) < most and np.isfinite(left).any():
        at = int(np.argmax(left))
        stop = at
        while stop + 1 < len(left) and left[stop + 1] == left[at] and frames[stop + 1] == frames[stop] + 1:
            stop += 1
        frame = int(frames[(at + stop) // 2])
        found.append(frame)
        left[at : stop + 1] = -np.inf
        left[np.abs(frames - frame) < apart] = -np.inf
    return sorted(found)
