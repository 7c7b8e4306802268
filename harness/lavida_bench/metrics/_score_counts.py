"""Counts over scores, kept per video: the base of all threshold metrics, and what makes a bootstrap cheap.

A metric keeps, for each video, a few *channels* (scores of abnormal frames, of false positives, ...) as distinct scores
and how often each occurs. All videos together, or any resample of them, are then a weighted sum of these counts over a
common grid of thresholds. With weights the grid is cut to at most LIMIT groups of neighbouring scores of about equal
mass (scores of one group count as tied), in which each channel weighs alike, however rare what it counts: that moves
a curve's area by less than about channels / LIMIT. Without weights nothing is grouped and the value is exact.
Memory: 16 bytes a distinct score, video and channel, at most 0.8 MB for pixels, whose scores are
float16; in a bootstrap V * LIMIT * 8 bytes a channel.

Letters: V videos, R resamples, B thresholds of the grid, ascending, G groups of thresholds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Floats

Array = NDArray[np.float64]
Numbers = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.float64]
Column = tuple[Floats, Numbers | None]
"""Scores of one channel, and how often each counts; None = once."""

LIMIT = 4096
MERGED_AT_ONCE = 1 << 22  # scores: bounds the memory


class _Grid(NamedTuple):
    """`size` thresholds; channel -> of each row the positions of its scores in the grid."""

    size: int
    positions: dict[str, list[NDArray[np.int32]]]


class ScoreCounts:
    """Per video and channel: distinct scores, ascending, and their counts (negative and fractional ones allowed).

    Args:
        channels: Names of the channels.
    """

    def __init__(self, *channels: str) -> None:
        self.channels = channels
        self.videos = 0
        self._values: dict[str, list[Floats]] = {name: [] for name in channels}
        self._counts: dict[str, list[Numbers]] = {name: [] for name in channels}
        self._always: dict[str, Column] = {}
        self._grid: _Grid | None = None
        self._grouped: dict[str, Array] | None = None

    def add(self, **columns: Column) -> None:
        """Add a video.

        Args:
            columns: For every channel the scores and how often each counts.
        """
        assert set(columns) == set(self.channels), f"{sorted(columns)} for {self.channels}"
        for name, column in columns.items():
            values, counts = sum_equal_scores(*column)
            self._values[name].append(values)
            self._counts[name].append(counts)
        self.videos += 1
        self._grid = self._grouped = None

    def always(self, **columns: Column) -> None:
        """Set counts that belong to no video: they count once in every resample.

        Args:
            columns: For some channels the scores and how often each counts.
        """
        self._always = columns
        self._grid = self._grouped = None

    def totals(self, weights: Array | None = None, only: NDArray[np.bool_] | None = None) -> dict[str, Array]:
        """Sum the counts of the videos.

        Args:
            weights: (R, V), how often each video counts; None = once, R = 1, and nothing is grouped.
            only: (V,) bool, the videos that count; None = all.

        Returns:
            Channel -> (R, B) counts over a grid of ascending thresholds common to all channels.
        """
        kept = np.ones(self.videos, np.bool_) if only is None else only
        if weights is None:
            return {name: self._sum(name, kept)[None] for name in self.channels}
        if self._grouped is None:
            self._grouped = self._group()
        weights = np.concatenate([weights * kept, np.ones((len(weights), 1))], axis=1)
        return {name: weights @ dense for name, dense in self._grouped.items()}

    def _rows(self, name: str) -> list[tuple[Floats, Numbers]]:
        """(scores, counts) of each video of a channel, last those that belong to no video."""
        always: Column = self._always.get(name, (np.zeros(0), None))
        return [*zip(self._values[name], self._counts[name], strict=True), sum_equal_scores(*always)]

    def _thresholds(self) -> Floats:
        """All distinct scores, ascending. Merged in portions, as a benchmark's pixels have many in common."""
        merged: Floats = np.zeros(0)
        waiting: list[Floats] = []
        size = 0
        for name in self.channels:
            for values, _ in self._rows(name):
                waiting.append(values)
                size += len(values)
                if size > MERGED_AT_ONCE:
                    merged = np.unique(np.concatenate([merged, *waiting]))
                    waiting, size = [], 0
        return np.unique(np.concatenate([merged, *waiting]))

    def _made_grid(self) -> _Grid:
        """The grid of the videos so far, made once."""
        if self._grid is None:
            thresholds = self._thresholds()
            positions = {
                name: [np.searchsorted(thresholds, values).astype(np.int32) for values, _ in self._rows(name)]
                for name in self.channels
            }
            self._grid = _Grid(len(thresholds), positions)
        return self._grid

    def _sum(self, name: str, kept: NDArray[np.bool_]) -> Array:
        """(B,) counts of a channel over the videos of `kept` (V,), and those that belong to no video."""
        grid = self._made_grid()
        total = np.zeros(grid.size)
        for row, (_, counts) in enumerate(self._rows(name)):
            if row == self.videos or kept[row]:
                total[grid.positions[name][row]] += counts  # the positions of one row are distinct
        return total

    def _group(self) -> dict[str, Array]:
        """Channel -> (V + 1, G) counts, G <= LIMIT groups of neighbouring scores."""
        grid = self._made_grid()
        group = self._groups_of_equal_mass() if grid.size > LIMIT else np.arange(grid.size)
        width = int(group[-1]) + 1 if len(group) else 0
        grouped = {name: np.zeros((self.videos + 1, width)) for name in self.channels}
        for name, table in grouped.items():
            for row, (_, counts) in enumerate(self._rows(name)):
                table[row] = np.bincount(group[grid.positions[name][row]], weights=counts, minlength=width)
        return grouped

    def _groups_of_equal_mass(self) -> NDArray[np.int64]:
        """(B,) number of the group of each threshold, ascending from 0."""
        everything = np.ones(self.videos, np.bool_)
        sums = [abs(self._sum(name, everything)) for name in self.channels]
        mass = sum((channel / channel.sum() for channel in sums if channel.any()), np.zeros(self._made_grid().size))
        middle = np.cumsum(mass) - mass / 2
        _, group = np.unique(np.floor(middle / mass.sum() * LIMIT), return_inverse=True)
        return group


def sum_equal_scores(values: Floats, counts: Numbers | None) -> tuple[Floats, Numbers]:
    """Merge equal scores (-0 equals 0).

    Args:
        values: (n,) scores in any order.
        counts: (n,) how often each counts; None = once.

    Returns:
        The distinct scores whose counts do not sum to 0, float64, ascending; and these sums, int32 where they fit.
    """
    values = np.asarray(values, np.float64)
    distinct, positions = np.unique(values, return_inverse=True)
    weights = None if counts is None else np.asarray(counts, np.float64)
    sums = np.bincount(positions, weights=weights, minlength=len(distinct))
    kept = sums != 0
    distinct, sums = distinct[kept], sums[kept]
    small = sums.astype(np.int32) if (abs(sums) < 1 << 31).all() else sums
    return distinct, small if (small == sums).all() else sums
