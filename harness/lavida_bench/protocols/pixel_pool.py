"""Pixels of float32 or float64 maps, counted at their own precision: of one video, and of all videos together.

Scores of float16 have 65,536 values and need no buckets (see histogram.py); they join a pool as exact groups.

Letters: n pixels of one piece, B distinct scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_bench.protocols.areas import Groups, RankingAreas, areas_of_groups
from lavida_bench.protocols.disk_sort import DiskSort
from lavida_bench.protocols.score_buckets import ScoreBuckets, equal_weight_groups
from lavida_bench.videos.types import Counts, Floats

AT_ONCE = 1 << 23  # pixels sorted together: bounds the memory
SUMMARY = 1 << 15  # groups of scores of one video that are kept for intervals
REMEMBERED = 1 << 20  # distinct scores
ROWS = 3
"""Anomalous pixels; other pixels of videos with anomalous ones; pixels of videos without."""

Pixels = NDArray[np.floating[Any]]


class PixelPool:
    """The pixels of all videos that were read into it.

    Args:
        exact: Whether pixels are sorted on disk, instead of counted in buckets with a bound of the error.

    Attributes:
        videos: Number of videos.
        wide: Whether any of them has maps of more than float16.
        distinct: At least so many distinct scores were seen: exactly so many up to REMEMBERED.
    """

    def __init__(self, exact: bool = False) -> None:
        self.exact, self.videos, self.wide, self.distinct = exact, 0, False, 0
        self._counter: ScoreBuckets | DiskSort = DiskSort(ROWS) if exact else ScoreBuckets(ROWS)
        self._halves: list[tuple[Floats, Counts]] = []
        self._areas: dict[bool, RankingAreas] = {}
        self._seen: Floats | None = np.zeros(0)
        self._normal = False  # whether any video is without anomalous pixels

    def add(self, abnormal: bool, positives: Pixels, negatives: Pixels) -> None:
        """Add sorted pixels of a video.

        Args:
            abnormal: Whether the video has any anomalous pixel.
            positives: Scores of its anomalous pixels, ascending.
            negatives: Scores of the others, ascending, of the same dtype.
        """
        self.wide = True
        self._normal |= not abnormal
        rows = [positives, negatives[:0], negatives[:0]]
        rows[1 if abnormal else 2] = negatives
        self._see(positives, negatives)
        self._counter.add(*rows)
        self._areas = {}

    def _see(self, *rows: Pixels) -> None:
        """Count distinct scores: all of them as long as they are few."""
        if self._seen is None:
            return
        new = [scores[np.flatnonzero(np.diff(scores, prepend=np.nan) != 0)] for scores in rows]
        if len(self._seen) + sum(map(len, new)) <= REMEMBERED:
            self._seen = np.unique(np.concatenate([self._seen, *new]))
            self.distinct = len(self._seen)
        else:
            self._seen = None
            self.distinct = max(self.distinct, max(map(len, new)))

    def add_counts(self, values: Floats, positives: Counts, negatives: Counts) -> None:
        """Add the counts of a video whose maps are float16.

        Args:
            values: (B,) distinct scores, ascending.
            positives: (B,) anomalous pixels of each.
            negatives: (B,) other pixels of each.
        """
        self._areas = {}
        rows = np.zeros((ROWS, len(values)), np.int64)
        self._normal |= not positives.any()
        rows[0], rows[1 if positives.any() else 2] = positives, negatives
        if not self._halves:
            self._halves.append((values, rows))
            return
        old_values, old_rows = self._halves.pop()
        merged, place = np.unique(np.concatenate([old_values, values]), return_inverse=True)
        both = np.concatenate([old_rows, rows], axis=1)
        summed = np.stack([np.bincount(place, weights=row, minlength=len(merged)) for row in both])
        self._halves.append((merged, summed.astype(np.int64)))

    def areas(self, abnormal_only: bool = False) -> RankingAreas:
        """The areas over all pixels.

        Args:
            abnormal_only: Whether videos without anomalous pixels are left out.

        Returns:
            The areas with the bound of their error.
        """
        abnormal_only = abnormal_only and self._normal  # without normal videos both are the same
        if abnormal_only not in self._areas:
            self._areas[abnormal_only] = self._compute((1,) if abnormal_only else (1, 2))
        return self._areas[abnormal_only]

    def bucket_groups(self) -> Groups:
        """What the buckets hold, in two rows: anomalous pixels and all others."""
        assert isinstance(self._counter, ScoreBuckets), "pixels sorted on disk are in no bucket"
        groups = self._counter.groups()
        return groups._replace(numbers=np.stack([groups.numbers[0], groups.numbers[1:].sum(axis=0)]))

    def _compute(self, negatives: tuple[int, ...]) -> RankingAreas:
        if isinstance(self._counter, DiskSort):
            for values, rows in self._halves:
                self._counter.add(*(np.repeat(values, row) for row in rows))
            self._halves = []
            return self._counter.areas(negatives)
        groups = self._counter.groups()
        for values, rows in self._halves:
            exact = values.astype(np.float64)
            numbers = np.concatenate([groups.numbers, rows], axis=1)
            groups = Groups(numbers, np.concatenate([groups.low, exact]), np.concatenate([groups.high, exact]))
        return areas_of_groups(groups, negatives)


class VideoPixels:
    """Collects the pixels of one video and passes them on to a pool, sorted."""

    def __init__(self, pool: PixelPool, abnormal: bool) -> None:
        """Start a video.

        Args:
            pool: Where its pixels go, too.
            abnormal: Whether it has any anomalous pixel.
        """
        self._pool, self._abnormal = pool, abnormal
        self._first = pool.videos == 0 and not pool.exact  # then the pool's buckets are the video's
        self._buckets = None if self._first else ScoreBuckets()
        self._sorted = DiskSort() if pool.exact else None
        self._waiting: tuple[list[Pixels], list[Pixels]] = ([], [])
        self._size = 0

    def add(self, maps: Pixels, masks: NDArray[np.bool_]) -> None:
        """Add pixels.

        Args:
            maps: (n, h, w) finite scores.
            masks: (n, h, w) True = anomalous.
        """
        flat, inside = maps.reshape(-1), masks.reshape(-1)
        self._waiting[0].append(flat[inside])
        self._waiting[1].append(flat[~inside])
        self._size += len(flat)
        if self._size >= AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if not self._size:
            return
        positives, negatives = (np.concatenate(scores) for scores in self._waiting)
        self._waiting, self._size = ([], []), 0
        positives.sort()
        negatives.sort()
        for counter in (self._buckets, self._sorted):
            if counter is not None:
                counter.add(positives, negatives)
        self._pool.add(self._abnormal, positives, negatives)

    def finish(self) -> tuple[RankingAreas, Floats, Counts, Counts]:
        """The video's own areas; and for resamples (B,) scores, anomalous and other pixels of each, B <= SUMMARY."""
        self._flush()
        groups = self._pool.bucket_groups() if self._buckets is None else self._buckets.groups()
        order = np.argsort(groups.low, kind="stable")
        numbers, low = groups.numbers[:, order], groups.low[order]
        if self._buckets is None:
            areas = self._pool.areas()  # the pool holds nothing else so far
        else:
            areas = areas_of_groups(groups) if self._sorted is None else self._sorted.areas()
        starts = np.flatnonzero(np.diff(equal_weight_groups(numbers, SUMMARY), prepend=-1))
        summed = np.add.reduceat(numbers, starts, axis=1)
        return areas, low[starts], summed[0], summed[1]
