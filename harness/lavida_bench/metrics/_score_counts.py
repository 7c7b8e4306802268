"""Counts over scores, kept per video: what all threshold metrics are made of, and what makes a bootstrap cheap.

A metric keeps, for each video, a few *channels* (scores of abnormal frames, of false positives, ...) as distinct scores
and how often each occurs. All videos together, or any resample of them, are then a weighted sum of these counts over a
common grid of thresholds. With weights the grid is cut to at most LIMIT groups of neighbouring scores of about equal
mass (scores of one group count as tied), in which each channel weighs alike, however rare what it counts: that moves
a curve's area by less than about channels / LIMIT; without weights nothing is grouped and the value is exact.
Memory: 12 bytes (16 for fractions) a distinct score, video and channel, at most 0.8 MB for pixels, whose scores are
float16; in a bootstrap V * LIMIT * 8 bytes a channel.

Letters: V videos, R resamples, B thresholds of the grid, ascending.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.float64]
Column = tuple[NDArray[np.float32], Numbers | None]

LIMIT = 4096


class ScoreCounts:
    """Per video and channel: distinct scores, ascending, and their counts (negative and fractional ones allowed)."""

    def __init__(self, *channels: str) -> None:
        self.channels = channels
        self.videos = 0
        self._values: dict[str, list[NDArray[np.float32]]] = {name: [] for name in channels}
        self._counts: dict[str, list[Numbers]] = {name: [] for name in channels}
        self._always: dict[str, Column] = {}
        self._places: dict[str, list[NDArray[np.int32]]] | None = None
        self._size = 0
        self._grouped: dict[str, Array] | None = None

    def add(self, **columns: Column) -> None:
        """One video: channel = (scores, how often each counts; None = once)."""
        assert set(columns) == set(self.channels), f"{sorted(columns)} for {self.channels}"
        for name, column in columns.items():
            values, counts = sum_equal_scores(*column)
            self._values[name].append(values)
            self._counts[name].append(counts)
        self.videos += 1
        self._places = self._grouped = None

    def always(self, **columns: Column) -> None:
        """Counts that belong to no video: in every resample once."""
        self._always = columns
        self._places = self._grouped = None

    def totals(self, weights: Array | None = None, only: NDArray[np.bool_] | None = None) -> dict[str, Array]:
        """Channel -> (R, B) counts over a grid of ascending thresholds common to all channels.

        weights  (R, V); None = each video once, R = 1, nothing grouped
        only     (V,) bool: the videos that count
        """
        kept = np.ones(self.videos, np.bool_) if only is None else only
        if weights is None:
            return {name: self._sum(name, kept)[None] for name in self.channels}
        if self._grouped is None:
            self._grouped = self._group()
        weights = np.concatenate([weights * kept, np.ones((len(weights), 1))], axis=1)
        return {name: weights @ dense for name, dense in self._grouped.items()}

    def _rows(self, name: str) -> list[tuple[NDArray[np.float32], Numbers]]:
        """(scores, counts) of each video of a channel, last those that belong to no video."""
        nothing: Column = (np.zeros(0, np.float32), None)
        return [
            *zip(self._values[name], self._counts[name], strict=True),
            sum_equal_scores(*self._always.get(name, nothing)),
        ]

    def _grid(self) -> NDArray[np.float32]:
        """All distinct scores, ascending. Merged in portions, as a benchmark's pixels have many in common."""
        grid, waiting, size = np.zeros(0, np.float32), [np.zeros(0, np.float32)], 0
        for name in self.channels:
            for values, _ in self._rows(name):
                waiting.append(values)
                size += len(values)
                if size > 1 << 22:
                    grid, waiting, size = np.unique(np.concatenate([grid, *waiting])), [], 0
        return np.unique(np.concatenate([grid, *waiting]))

    def _placed(self) -> dict[str, list[NDArray[np.int32]]]:
        """Channel -> of each row the places of its scores in the grid of `_size` thresholds."""
        if self._places is None:
            grid = self._grid()
            self._size = len(grid)
            self._places = {
                name: [np.searchsorted(grid, values).astype(np.int32) for values, _ in self._rows(name)]
                for name in self.channels
            }
        return self._places

    def _sum(self, name: str, kept: NDArray[np.bool_]) -> Array:
        places = self._placed()[name]
        total = np.zeros(self._size)
        for row, (_, counts) in enumerate(self._rows(name)):
            if row == self.videos or kept[row]:
                total[places[row]] += counts  # the places of one row are distinct
        return total

    def _group(self) -> dict[str, Array]:
        """Channel -> (V + 1, G) counts, G <= LIMIT groups of neighbouring scores."""
        placed = self._placed()
        group = np.arange(self._size)
        if self._size > LIMIT:
            everything = np.ones(self.videos, np.bool_)
            sums = [abs(self._sum(name, everything)) for name in self.channels]
            mass = sum((one / one.sum() for one in sums if one.any()), np.zeros(self._size))
            middle = np.cumsum(mass) - mass / 2
            _, group = np.unique(np.floor(middle / mass.sum() * LIMIT), return_inverse=True)
        width = int(group[-1]) + 1 if len(group) else 0
        dense = {name: np.zeros((self.videos + 1, width)) for name in self.channels}
        for name, table in dense.items():
            for row, (_, counts) in enumerate(self._rows(name)):
                table[row] = np.bincount(group[placed[name][row]], weights=counts, minlength=width)
        return dense


def sum_equal_scores(values: NDArray[np.float32], counts: Numbers | None) -> tuple[NDArray[np.float32], Numbers]:
    """Distinct scores whose counts do not sum to 0, ascending (-0 is 0), and these sums, int32 where they fit."""
    values = np.asarray(values, np.float32)
    distinct, places = np.unique(values, return_inverse=True)
    weights = None if counts is None else np.asarray(counts, np.float64)
    sums = np.bincount(places, weights=weights, minlength=len(distinct))
    kept = sums != 0
    distinct, sums = distinct[kept], sums[kept]
    small = sums.astype(np.int32) if (abs(sums) < 1 << 31).all() else sums
    return distinct, small if (small == sums).all() else sums
