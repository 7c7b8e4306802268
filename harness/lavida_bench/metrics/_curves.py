"""Areas under curves from counts per threshold. Tied scores are one threshold.

All functions take counts (..., B) over B ASCENDING thresholds (a score counts where it is at or above one) and return
(...): NaN where a class is empty, since the area is then undefined, not 0.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Bits

Array = NDArray[np.float64]


def _from_above(counts: Array) -> Array:
    """(..., B) number at or above each threshold, from the highest threshold down."""
    return np.cumsum(counts[..., ::-1], axis=-1)


def _nan_if_empty(value: Array, *classes: Array) -> Array:
    """`value` (...), NaN where any of `classes` (...) is empty."""
    return np.where(np.all([members > 0 for members in classes], axis=0), value, np.nan)


def auc(positives: Array, negatives: Array) -> Array:
    """Area under the ROC curve: how often a positive scores above a negative; ties count one half.

    Args:
        positives: (..., B) number of positives of each score, ascending.
        negatives: (..., B) number of negatives of each score, ascending.

    Returns:
        (...) areas in 0..1, NaN where a class is empty.
    """
    all_positives, all_negatives = positives.sum(axis=-1), negatives.sum(axis=-1)
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        area = (positives * below).sum(axis=-1) / (all_positives * all_negatives)
    return _nan_if_empty(area, all_positives, all_negatives)


def _precision_recall(positives: Array, negatives: Array) -> tuple[Array, Array]:
    """(..., B) precision and recall, from the highest threshold down; precision 1 where nothing is above."""
    true, false = _from_above(positives), _from_above(negatives)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(true + false > 0, true / (true + false), 1.0)
        return precision, true / true[..., -1:]


def average_precision(positives: Array, negatives: Array) -> Array:
    """Average precision as scikit-learn defines it: sum over thresholds of precision times the recall gained.

    Args:
        positives: (..., B) number of positives of each score, ascending.
        negatives: (..., B) number of negatives of each score, ascending.

    Returns:
        (...) values in 0..1, NaN where a class is empty.
    """
    if not positives.shape[-1]:
        return np.full(positives.shape[:-1], np.nan)
    precision, recall = _precision_recall(positives, negatives)
    gained = np.diff(recall, axis=-1, prepend=0.0)
    return _nan_if_empty((gained * precision).sum(axis=-1), positives.sum(axis=-1), negatives.sum(axis=-1))


def pr_trapezoid(positives: Array, negatives: Array) -> Array:
    """Area under the precision-recall curve by trapezoids, from (recall 0, precision 1).

    Optimistic, and not the same number as average precision.

    Args:
        positives: (..., B) number of positives of each score, ascending.
        negatives: (..., B) number of negatives of each score, ascending.

    Returns:
        (...) areas in 0..1, NaN where a class is empty.
    """
    if not positives.shape[-1]:
        return np.full(positives.shape[:-1], np.nan)
    precision, recall = _precision_recall(positives, negatives)
    gained = np.diff(recall, axis=-1, prepend=0.0)
    before = np.concatenate([np.ones_like(precision[..., :1]), precision[..., :-1]], axis=-1)
    area = (gained * ((precision + before) / 2)).sum(axis=-1)
    return _nan_if_empty(area, positives.sum(axis=-1), negatives.sum(axis=-1))


Ties = Literal["line", "worst", "best"]
"""What a curve does at a threshold that several detections share: a straight line, false positives first or last."""


def detection_area(found: Array, false: Array, regions: Array, frames: Array, ties: Ties = "line") -> Array:
    """Area under detection rate against false positives a frame, for 0..1 of them.

    The curve starts at (0, 0), is straight between two thresholds and flat after the last (Ramachandra & Jones,
    "Street Scene", WACV 2020). Any order of detections with equal scores gives an area between "worst" and "best".

    Args:
        found: (..., B) number of regions (or tracks) first found at each threshold, ascending.
        false: (..., B) number of false positives at each threshold, ascending.
        regions: (...) number of all regions (or tracks).
        frames: (...) number of frames.
        ties: How detections with equal scores count.

    Returns:
        (...) areas in 0..1, NaN where there is no region or no frame.
    """
    origin = np.zeros((*found.shape[:-1], 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.concatenate([origin, _from_above(found)], axis=-1) / regions[..., None]
        alarms = np.concatenate([origin, _from_above(false)], axis=-1) / frames[..., None]
        left, right = alarms[..., :-1], alarms[..., 1:]
        low, high = rate[..., :-1], rate[..., 1:]
        start, stop = np.minimum(left, 1.0), np.minimum(right, 1.0)
        if ties == "line":
            width = np.where(right > left, right - left, 1.0)
            slope = np.where(right > left, (high - low) / width, 0.0)
            height = low + slope * ((start + stop) / 2 - left)
        else:
            height = low if ties == "worst" else high
        area = ((stop - start) * height).sum(axis=-1)
        area += np.maximum(0.0, 1.0 - alarms[..., -1]) * rate[..., -1]
    return _nan_if_empty(area, regions, frames)


def stepwise_detection_area(is_false: Bits, regions: int, frames: int) -> float:
    """Area under detection rate against false positives a frame where each detection is a step of its own.

    Args:
        is_false: (E,) bool, in the order in which detections are taken: True = a false positive, False = a region (or
            track) is found.
        regions: Number of all regions (or tracks).
        frames: N, the number of frames.

    Returns:
        (sum of the rate just before each of the first N false positives, and N minus their number times the last
        rate) / N; NaN where there is no region or no frame.
    """
    if not regions or not frames:
        return math.nan
    found_before = np.cumsum(~is_false)[is_false][:frames]
    rest = max(0, frames - len(found_before)) * int((~is_false).sum())
    return (float(found_before.sum()) + rest) / regions / frames
