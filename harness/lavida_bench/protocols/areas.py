"""Areas under the ROC and the precision-recall curve of groups of scores whose order is known in part.

Letters: G groups, C rows: 0 = scores of anomalous items, the others of normal ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Array = NDArray[np.float64]


class Area(NamedTuple):
    """An area, and by how much it may differ from that of the scores themselves (0 = exact)."""

    value: float
    error: float


class RankingAreas(NamedTuple):
    """The areas of one set of scores.

    Attributes:
        auc: Area under the ROC curve.
        ap: Average precision.
        tied: Share of the pairs of an anomalous and a normal item that have the same score.
    """

    auc: Area
    ap: Area
    tied: float


class Groups(NamedTuple):
    """Groups of scores, which may overlap.

    Attributes:
        numbers: (C, G) how many scores of each row.
        low: (G,) the lowest score of each group.
        high: (G,) its highest score; a group of one score alone is exact.
    """

    numbers: Whole
    low: Array
    high: Array


UNDEFINED = RankingAreas(Area(np.nan, 0.0), Area(np.nan, 0.0), 0.0)


def areas_of_groups(groups: Groups, negatives: tuple[int, ...] = (1,)) -> RankingAreas:
    """The areas in the middle of what the groups allow, and half of what they leave open.

    Args:
        groups: The groups.
        negatives: The rows whose scores are those of normal items.

    Returns:
        The areas; NaN where a class is empty.
    """
    rows = np.stack([groups.numbers[0], groups.numbers[list(negatives)].sum(axis=0)])
    kept = rows.any(axis=0)
    rows, low, high = _merge_equal(rows[:, kept], groups.low[kept], groups.high[kept])
    all_positives, all_negatives = (int(total) for total in rows.sum(axis=1))
    if not all_positives or not all_negatives:
        return UNDEFINED
    order = np.argsort(low, kind="stable")
    rows, low, high = rows[:, order], low[order], high[order]
    below, upto = _below_and_upto(rows, low, high)
    positives, own = rows[0], np.where(low == high, rows[1], 0)
    pairs = float(all_positives) * all_negatives
    open_pairs = float((positives * (upto[1] - below[1] - own)).sum(dtype=np.float64))
    certain = float((positives * (below[1] + (upto[1] - below[1]) / 2)).sum())
    above = np.array([[all_positives], [all_negatives]]) - upto
    reach = np.array([[all_positives], [all_negatives]]) - below
    exact = low == high
    lower, upper = ap_bounds(positives, above[0], reach[0], above[1], reach[1])
    together = above + rows  # one score: its items are passed at once
    with np.errstate(invalid="ignore", divide="ignore"):
        lower = np.where(exact, positives * (together[0] / (together[0] + reach[1])), lower)
        upper = np.where(exact, positives * (reach[0] / (reach[0] + together[1])), upper)
    some = positives > 0
    low_sum, high_sum = float(lower[some].sum()), float(upper[some].sum())
    return RankingAreas(
        Area(certain / pairs, open_pairs / 2 / pairs),
        Area((low_sum + high_sum) / 2 / all_positives, max(0.0, high_sum - low_sum) / 2 / all_positives),
        float((positives * own).sum(dtype=np.float64)) / pairs,
    )


def ap_bounds(
    positives: Whole, above: Whole, reach: Whole, false_above: Whole, false_reach: Whole
) -> tuple[Array, Array]:
    """Bounds of the sum of the precisions at the anomalous items of each group.

    Args:
        positives: (G,) anomalous items of the group.
        above: (G,) anomalous items that are certainly above all of the group.
        reach: (G,) anomalous items that may be above one of the group, or are in it.
        false_above: (G,) the same of normal items.
        false_reach: (G,) the same of normal items.

    Returns:
        The bounds. The lower one has every normal item before the anomalous ones, which come one by one: precision is a
        concave function of their number, and so at least the mean of its first and last value.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        first = (above + 1) / (above + 1 + false_reach)
        last = (above + positives) / (above + positives + false_reach)
        lower, upper = positives * ((first + last) / 2), positives * (reach / (reach + false_above))
    return np.asarray(lower, np.float64), np.asarray(upper, np.float64)


def _merge_equal(rows: Whole, low: Array, high: Array) -> tuple[Whole, Array, Array]:
    """Exact groups of the same score become one."""
    exact = np.flatnonzero(low == high)
    scores, place = np.unique(low[exact], return_inverse=True)
    if len(scores) == len(exact):
        return rows, low, high
    merged = np.stack([np.bincount(place, weights=row[exact], minlength=len(scores)).astype(np.int64) for row in rows])
    others = low != high
    return (
        np.concatenate([merged, rows[:, others]], axis=1),
        np.concatenate([scores, low[others]]),
        np.concatenate([scores, high[others]]),
    )


def _below_and_upto(rows: Whole, low: Array, high: Array) -> tuple[Whole, Whole]:
    """For each group the numbers that are certainly below it, and those not certainly above it; groups by `low`."""
    by_low = np.concatenate([np.zeros((2, 1), np.int64), np.cumsum(rows, axis=1)], axis=1)
    if (low[1:] > high[:-1]).all():
        return by_low[:, :-1], by_low[:, 1:]
    order = np.argsort(high, kind="stable")
    by_high = np.concatenate([np.zeros((2, 1), np.int64), np.cumsum(rows[:, order], axis=1)], axis=1)
    return (
        by_high[:, np.searchsorted(high[order], low, "left")],
        by_low[:, np.searchsorted(low, high, "right")],
    )
