"""The highest scores of any number of scores, each counted by itself: what precision depends on most.

Letters: n scores of one row, K distinct scores. Rows: 0 = scores of anomalous items, the others of normal ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Sorted = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]


class TopScores:
    """Keeps about the highest `most` scores, and hands on what is below.

    Args:
        rows: C, number of rows.
        most: Distinct scores that are kept at most.

    Attributes:
        values: (K,) float64 distinct scores, ascending.
        numbers: (C, K) how many scores of each row.
    """

    def __init__(self, rows: int, most: int) -> None:
        self.most = max(2, most)
        self.values = np.zeros(0)
        self.numbers: Whole = np.zeros((rows, 0), np.int64)
        self._floor = -np.inf  # scores from here on are kept

    def take(self, rows: tuple[Sorted, ...]) -> list[tuple[Sorted, ...]]:
        """Keep the highest scores, earlier and new ones.

        Args:
            rows: C arrays of ascending finite scores, all of one dtype.

        Returns:
            What is not kept: C arrays of ascending scores each time.
        """
        new = _from(rows, self._floor)
        if sum(map(len, new)) > self.most:
            highest = np.concatenate([row[-(self.most // 2) :] for row in new])
            self._floor = float(np.partition(highest, -(self.most // 2))[-(self.most // 2)])
            new = _from(new, self._floor)
        self._merge(new)
        below = tuple(row[: len(row) - len(kept)] for row, kept in zip(rows, new, strict=True))
        if len(self.values) > self.most:
            self._floor = float(self.values[-(self.most // 2)])
        return [part for part in (self._drop(), below) if any(map(len, part))]

    def _merge(self, rows: tuple[Sorted, ...]) -> None:
        every = np.concatenate([self.values, *rows])
        self.values, places = np.unique(every, return_inverse=True)
        numbers = np.zeros((len(rows), len(self.values)), np.int64)
        numbers[:, places[: self.numbers.shape[1]]] = self.numbers
        start = self.numbers.shape[1]
        for number, row in zip(numbers, rows, strict=True):
            number += np.bincount(places[start : start + len(row)], minlength=len(number))
            start += len(row)
        self.numbers = numbers

    def _drop(self) -> tuple[Sorted, ...]:
        """Leave what is below the floor."""
        count = int(np.searchsorted(self.values, self._floor))
        dropped = tuple(np.repeat(self.values[:count], number[:count]) for number in self.numbers)
        self.values, self.numbers = self.values[count:], self.numbers[:, count:]
        return dropped


def _from(rows: tuple[Sorted, ...], floor: float) -> tuple[Sorted, ...]:
    """The scores that are at least `floor`, which is rounded up to the rows' dtype."""
    at = np.asarray(floor, rows[0].dtype)
    if at < floor:
        at = np.nextafter(at, np.asarray(np.inf, at.dtype))
    return tuple(row[np.searchsorted(row, at) :] for row in rows)
