"""Runs of consecutive abnormal frames (events) and of normal ones, and what a threshold makes of them.

Letters: n frames that count, B thresholds of an ascending grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.videos.types import Floats

Array = NDArray[np.float64]


def label_runs(item: EvaluatedVideo, abnormal: bool) -> list[Floats]:
    """Scores of each maximal run of consecutive frames that are all abnormal, or all normal."""
    change = (np.diff(item.labels.astype(np.int8)) != 0) | (np.diff(item.frames) != 1)
    starts = np.concatenate([[0], np.flatnonzero(change) + 1]) if len(item.frames) else np.zeros(0, int)
    pieces = np.split(item.values, starts[1:]) if len(starts) else []
    return [piece for start, piece in zip(starts, pieces, strict=True) if item.labels[start] == abnormal]


def first_reached(event: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """How the frame at which a threshold is first reached moves with the threshold.

    Gives the event's records (ascending scores, each above all before it) and by how many frames the delay grows once
    the threshold rises above each; above the last record the delay is the event's whole length (missed).
    """
    best = np.maximum.accumulate(event)
    at = np.flatnonzero(np.concatenate([[True], best[1:] > best[:-1]]))
    return best[at], np.diff(np.append(at, len(event)))


def alarm_counts(stretch: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Counts that sum, over the scores at or above a threshold, to the number of runs of frames at or above it.

    A run begins at a frame that reaches the threshold after one that does not: +1 at each score, -1 at the smaller one
    of each two neighbours.
    """
    joined = np.minimum(stretch[1:], stretch[:-1])
    signs = np.concatenate([np.ones(len(stretch), np.int64), -np.ones(len(joined), np.int64)])
    return np.concatenate([stretch, joined]), signs


def at_or_above(counts: Array) -> Array:
    """(R, B) -> (R, B + 1): sums over thresholds >= each, the last (above all scores) 0."""
    total = np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([total, np.zeros((*counts.shape[:-1], 1))], axis=-1)


def below(counts: Array) -> Array:
    """(R, B) -> (R, B + 1): sums over thresholds < each, the last (above all scores) everything."""
    return np.concatenate([np.zeros((*counts.shape[:-1], 1)), np.cumsum(counts, axis=-1)], axis=-1)
