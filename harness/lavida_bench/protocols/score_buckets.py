"""Areas under the ROC and the precision-recall curve of any number of scores in constant memory, with an error bound.

Scores of any scale are counted in buckets that refine themselves: a bucket whose unknown order could move an area by
more than COST is split at the scores that are at hand, so that the bound over all buckets stays below 1e-6 (half a
million buckets for scores without gaps, few where classes are apart or scores tied). What a bucket held before it was
split stays as a group that overlaps the new ones. A bucket that holds one score alone is exact. The highest scores,
where precision changes fastest and any overlap costs most, are in no bucket (see top_scores.py).

    lower <= area <= upper    where all pairs of an anomalous and a normal item whose order is unknown count 0, or 1

Letters: n scores of one row, K buckets, G groups. Rows: 0 = scores of anomalous items, the others of normal ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.protocols.areas import Area, Groups, RankingAreas, ap_bounds, areas_of_groups
from lavida_bench.protocols.top_scores import TopScores

Sorted = NDArray[np.floating[Any]]
"""(n,) scores, ascending."""
Whole = NDArray[np.int64]
Array = NDArray[np.float64]

TARGET = 4e-7
"""Buckets are split while all of them could move an area by more."""
COST = 6e-12
"""A bucket is split then where it alone could move an area by more."""
GROWTH = 1.5
"""All buckets are looked at when they hold so many times more than before, or when new scores gather in a few."""
EARLY = 1 << 22
"""Up to so many scores buckets are 4 times finer, 16 times at the top: so what overlaps later ones stays small."""
PARTS = 2
"""A bucket is split into buckets that could move it by PARTS times less."""
FINE = 1 << 14
"""A bucket is also split where it holds more than this part of what is at or above it: precision changes fast there."""
ROUNDS, LATER_ROUNDS = 6, 1
FEW = 1 << 16  # buckets up to which the first number of rounds holds
AT_ONCE = 64
"""Buckets are split in so many rounds, each into so many at most: where a bucket is heavy shows as it is split."""
MOST = 1 << 21
"""Buckets above which neighbours are joined."""
TOP = 1 << 20
"""Scores that are in no bucket: after fewer of them an overlap of buckets costs more than the bound allows."""


class _Count(NamedTuple):
    """What buckets hold: (C, K) numbers of scores of each row, (K,) lowest and highest score (inf, -inf if empty)."""

    numbers: Whole
    low: Array
    high: Array


class ScoreBuckets:
    """Counts scores of two classes or more.

    Args:
        rows: C, at least 2: anomalous items, and one or more kinds of normal ones.
        most: Buckets above which neighbours are joined.
        top: The most distinct scores that are in no bucket [default: TOP].
    """

    def __init__(self, rows: int = 2, most: int = MOST, top: int | None = None) -> None:
        self.most = most
        self._top = TopScores(rows, TOP if top is None else top)
        self._edges: Array = np.array([-np.inf, np.inf])  # bucket i: from edge i up to but not including edge i + 1
        self._held = _Count(np.zeros((rows, 1), np.int64), np.array([np.inf]), np.array([-np.inf]))
        self._loose: list[_Count] = []
        self._looked_at = 0  # scores held when the buckets were last looked at

    def add(self, *rows: Sorted) -> None:
        """Count scores.

        Args:
            rows: C arrays of ascending finite scores, all of one dtype.
        """
        for lower in self._top.take(rows):
            self._add(lower)

    def _add(self, rows: tuple[Sorted, ...]) -> None:
        """Count scores in buckets."""
        new = _count(self._edges[:-1], self._edges[1:], rows)
        grown = int(self._held.numbers.sum() + new.numbers.sum()) > GROWTH * self._looked_at
        gathered = len(self._edges) < FEW or not self._is_spread(new)
        rounds = ROUNDS if gathered else LATER_ROUNDS if grown else 0
        for _ in range(rounds):
            parts = _parts(_joined(self._held, new), self._top.numbers.sum(axis=1))
            if parts is None:
                break
            new = self._split(np.flatnonzero(parts), parts[parts > 0], new, rows)
        self._held = _joined(self._held, new)
        self._looked_at = int(self._held.numbers.sum()) if rounds else self._looked_at
        if len(self._edges) - 1 > self.most:
            self._join_neighbours()
        if sum(len(count.low) for count in self._loose) > self.most:
            self._join_loose()

    def _is_spread(self, new: _Count) -> bool:
        """Whether `new` is spread over many buckets, so that few rounds will do."""
        positives, negatives = new.numbers[0], new.numbers[1:].sum(axis=0)
        pairs = float(positives.sum()) * float(negatives.sum())
        return float((positives * negatives * (new.low < new.high)).sum()) <= 16 * TARGET * pairs

    def groups(self) -> Groups:
        """All buckets that hold something, and what buckets held before they were split."""
        counts = [self._held, *self._loose]
        values = self._top.values
        numbers = np.concatenate([*(count.numbers for count in counts), self._top.numbers], axis=1)
        low, high = (np.concatenate([*(count[side] for count in counts), values]) for side in (1, 2))
        kept = numbers.any(axis=0)
        return Groups(numbers[:, kept], low[kept], high[kept])

    def areas(self, negatives: tuple[int, ...] = (1,)) -> RankingAreas:
        """The areas, with the bound of their error.

        Args:
            negatives: The rows whose scores are those of normal items.
        """
        return areas_of_groups(self.groups(), negatives)

    def _split(self, heavy: Whole, parts: Whole, new: _Count, rows: tuple[Sorted, ...]) -> _Count:
        """Split the buckets `heavy` into about `parts` (same length) at scores of `rows`; `new` with the split ones."""
        old = _Count(self._held.numbers[:, heavy], self._held.low[heavy], self._held.high[heavy])
        occupied = old.numbers.any(axis=0)
        if occupied.any():
            self._loose.append(_Count(old.numbers[:, occupied], old.low[occupied], old.high[occupied]))
        first = self._edges[heavy]
        inner = np.union1d(first, _cuts(first, self._edges[heavy + 1], parts, rows))
        kept = np.ones(len(self._edges) - 1, np.bool_)
        kept[heavy] = False
        edges = np.concatenate([self._edges[:-1][kept], inner])
        order = np.argsort(edges, kind="stable")
        edges = np.append(edges[order], np.inf)
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        of_kept, of_inner = places[: kept.sum()], places[kept.sum() :]
        self._held = _placed(len(order), of_kept, self._held, kept)
        counted = _placed(len(order), of_kept, new, kept)
        counted.numbers[:, of_inner], counted.low[of_inner], counted.high[of_inner] = _count(
            inner, edges[of_inner + 1], rows
        )
        self._edges = edges
        return counted

    def _join_neighbours(self) -> None:
        """Halve the number of buckets: neighbours of little weight become one."""
        group = equal_weight_groups(self._held.numbers, self.most // 2)
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        self._edges = np.append(self._edges[starts], np.inf)
        numbers = np.add.reduceat(self._held.numbers, starts, axis=1)
        low, high = np.minimum.reduceat(self._held.low, starts), np.maximum.reduceat(self._held.high, starts)
        self._held = _Count(numbers, low, high)

    def _join_loose(self) -> None:
        """Halve what buckets held before they were split: neighbours by lowest score become one."""
        numbers = np.concatenate([count.numbers for count in self._loose], axis=1)
        low, high = (np.concatenate([count[side] for count in self._loose]) for side in (1, 2))
        order = np.argsort(low, kind="stable")
        starts = np.arange(0, len(order), 2)
        numbers = np.add.reduceat(numbers[:, order], starts, axis=1)
        self._loose = [_Count(numbers, low[order][starts], np.maximum.reduceat(high[order], starts))]


def _below(scores: Sorted, edges: Array) -> Whole:
    """Number of scores below each edge."""
    at = edges.astype(scores.dtype)
    smaller = np.flatnonzero(at < edges)  # rounded down: the next number is the first that is not below
    at[smaller] = np.nextafter(at[smaller], np.asarray(np.inf, scores.dtype))
    return np.searchsorted(scores, at)


def _count(first: Array, last: Array, rows: tuple[Sorted, ...]) -> _Count:
    """Count ascending scores from each edge of `first` up to but not including that of `last`."""
    numbers = np.empty((len(rows), len(first)), np.int64)
    low, high = np.full(len(first), np.inf), np.full(len(first), -np.inf)
    follows = len(first) > 1 and bool((first[1:] == last[:-1]).all())
    for row, scores in enumerate(rows):
        start = _below(scores, first)
        stop = np.append(start[1:], _below(scores, last[-1:])) if follows else _below(scores, last)
        numbers[row] = stop - start
        some = np.flatnonzero(numbers[row])
        low[some] = np.minimum(low[some], scores[start[some]])
        high[some] = np.maximum(high[some], scores[stop[some] - 1])
    return _Count(numbers, low, high)


def _placed(size: int, places: Whole, count: _Count, kept: NDArray[np.bool_]) -> _Count:
    """The kept buckets of `count` at their places among `size` buckets, the others empty."""
    numbers = np.zeros((len(count.numbers), size), np.int64)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    numbers[:, places], low[places], high[places] = count.numbers[:, kept], count.low[kept], count.high[kept]
    return _Count(numbers, low, high)


def _joined(one: _Count, other: _Count) -> _Count:
    numbers, low = one.numbers + other.numbers, np.minimum(one.low, other.low)
    return _Count(numbers, low, np.maximum(one.high, other.high))


def _parts(count: _Count, top: Whole) -> Whole | None:
    """(K,) number of buckets into which each should be split, 0 = none; None where the bound is small enough.

    `top`: (C,) numbers of scores above all buckets.
    """
    positives, negatives = count.numbers[0], count.numbers[1:].sum(axis=0)
    all_positives, all_negatives = int(positives.sum() + top[0]), int(negatives.sum() + top[1:].sum())
    if not all_positives or not all_negatives:
        return None
    finer = 4 if all_positives + all_negatives <= EARLY else 1
    inexact = np.flatnonzero(count.low < count.high)
    above = [total - np.cumsum(row) for total, row in ((all_positives, positives), (all_negatives, negatives))]
    above_positives, above_negatives = above[0][inexact], above[1][inexact]
    positives, negatives = positives[inexact], negatives[inexact]
    both = positives + negatives
    reach = both + above_positives + above_negatives
    finest = FINE * finer**2
    fine = both * finest > reach
    auc = positives * (negatives / 2 / all_positives / all_negatives)
    lower, upper = ap_bounds(
        positives, above_positives, above_positives + positives, above_negatives, above_negatives + negatives
    )
    ap = np.where(positives > 0, (upper - lower) / 2 / all_positives, 0.0)
    wanted = np.where(fine, np.ceil(2 * finest * both / reach), 0)
    if max(auc.sum(), ap.sum()) * finer > TARGET:
        cost = np.maximum(auc, ap) * finer**2
        wanted = np.maximum(wanted, np.where(cost > COST, np.ceil(np.sqrt(cost * (PARTS / COST))), 0))
    if not wanted.any():
        return None
    parts = np.zeros(len(count.low), np.int64)
    parts[inexact] = np.where(wanted > 0, np.clip(wanted, 2, np.minimum(both, AT_ONCE)), 0)
    return parts


def _cuts(first: Array, last: Array, parts: Whole, rows: tuple[Sorted, ...]) -> Array:
    """Scores at which to split buckets [first, last): evenly in each row; a score that fills a part gets its own."""
    cuts: list[Array] = []
    for scores in rows:
        start, stop = _below(scores, first), _below(scores, last)
        picks = np.minimum(parts, stop - start)
        within = np.arange(picks.sum()) - np.repeat(np.cumsum(picks) - picks, picks)
        step = np.repeat((stop - start) / np.maximum(picks, 1), picks)
        chosen = scores[np.repeat(start, picks) + (within * step).astype(np.int64)]
        again = np.flatnonzero(chosen[1:] == chosen[:-1]) + 1
        above = np.nextafter(chosen[again], np.asarray(np.inf, scores.dtype)).astype(np.float64)
        cuts += [chosen.astype(np.float64), above[above < np.repeat(last, picks)[again]]]
    return np.concatenate(cuts)


def equal_weight_groups(numbers: Whole, most: int) -> Whole:
    """Group neighbouring buckets so that each group weighs about alike in both classes, and less towards the top.

    Args:
        numbers: (C, K) numbers of scores, by ascending score.
        most: About the number of groups.

    Returns:
        (K,) number of the group of each bucket, ascending from 0.
    """
    positives, negatives = numbers[0].astype(np.float64), numbers[1:].sum(axis=0).astype(np.float64)
    weight = positives / max(1, positives.sum()) + negatives / max(1, negatives.sum())
    both = positives + negatives
    from_above = np.cumsum(both[::-1])[::-1]
    weight += np.log1p(both / np.maximum(from_above - both, 1)) / 20  # precision changes most where little is above
    middle = np.cumsum(weight) - weight / 2
    group = np.floor(middle / max(weight.sum(), 1e-300) * most)
    return np.cumsum(np.diff(group, prepend=group[:1]) != 0)


__all__ = ["Area", "RankingAreas", "ScoreBuckets", "Sorted", "equal_weight_groups"]
