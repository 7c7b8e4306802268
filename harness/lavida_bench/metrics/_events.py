"""Runs of consecutive abnormal frames (events) and of normal ones, and their counts over thresholds.

Letters: n frames that count, B thresholds of an ascending grid, R resamples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.videos.types import Floats

Array = NDArray[np.float64]


def label_runs(item: EvaluatedVideo, abnormal: bool) -> list[Floats]:
    """Scores of each maximal run of consecutive frames of one label.

    Args:
        item: A video under a protocol.
        abnormal: Whether the abnormal runs are wanted, or the normal ones.

    Returns:
        For each run the scores of its frames, in order.
    """
    change = (np.diff(item.labels.astype(np.int8)) != 0) | (np.diff(item.frames) != 1)
    starts = np.concatenate([[0], np.flatnonzero(change) + 1]) if len(item.frames) else np.zeros(0, int)
    pieces = np.split(item.values, starts[1:]) if len(starts) else []
    return [piece for start, piece in zip(starts, pieces, strict=True) if item.labels[start] == abnormal]


def first_reached(event: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """How the first frame that reaches a threshold moves as the threshold rises.

    Above the last record the delay is the event's whole length (missed).

    Args:
        event: (n,) scores of an event's frames, n >= 1.

    Returns:
        The event's records, ascending (each above all scores before it), and for each the number of frames by which the
        delay grows once the threshold rises above it.
    """
    best = np.maximum.accumulate(event)
    records = np.flatnonzero(np.concatenate([[True], best[1:] > best[:-1]]))
    return best[records], np.diff(np.append(records, len(event)))


def alarm_counts(run: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Counts whose sum over the scores at or above a threshold is the number of alarms.

    An alarm begins at a frame that reaches the threshold after one that does not: +1 at each score, -1 at the smaller
    one of each two neighbours.

    Args:
        run: (n,) scores of consecutive frames, n >= 1.

    Returns:
        (2 n - 1,) scores and their counts, each +1 or -1.
    """
    joined = np.minimum(run[1:], run[:-1])
    signs = np.concatenate([np.ones(len(run), np.int64), -np.ones(len(joined), np.int64)])
    return np.concatenate([run, joined]), signs


def at_or_above(counts: Array) -> Array:
    """Sums over the thresholds at or above each.

    Args:
        counts: (R, B) counts over ascending thresholds.

    Returns:
        (R, B + 1) sums; the last (above all scores) is 0.
    """
    total = np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([total, np.zeros((*counts.shape[:-1], 1))], axis=-1)


def below(counts: Array) -> Array:
    """Sums over the thresholds below each.

    Args:
        counts: (R, B) counts over ascending thresholds.

    Returns:
        (R, B + 1) sums; the last (above all scores) is the sum of all.
    """
    return np.concatenate([np.zeros((*counts.shape[:-1], 1)), np.cumsum(counts, axis=-1)], axis=-1)
