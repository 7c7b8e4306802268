"""Exact areas of any number of scores: sorted in runs on disk, merged range by range. What ``--exact`` uses.

Letters: n scores of one row. Rows: 0 = scores of anomalous items, the others of normal ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_bench.protocols.areas import UNDEFINED, Area, RankingAreas
from lavida_gen.common.errors import DataError, problem

Floats = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]

AT_ONCE = 1 << 22  # scores merged together: bounds the memory
SAMPLED = 1 << 12  # one score in so many shows how a run is spread


class DiskSort:
    """Keeps scores in temporary files, each run of them sorted.

    Args:
        rows: C, at least 2: anomalous items, and one or more kinds of normal ones.
    """

    def __init__(self, rows: int = 2) -> None:
        self._files = [tempfile.TemporaryFile() for _ in range(rows)]  # noqa: SIM115 - open as long as this object lives
        self._lengths: list[list[int]] = [[] for _ in range(rows)]

    def add(self, *rows: Floats) -> None:
        """Add scores.

        Args:
            rows: C arrays of ascending finite scores.

        Raises:
            DataError: The disk is full.
        """
        for file, lengths, scores in zip(self._files, self._lengths, rows, strict=True):
            if len(scores):
                try:
                    file.write(scores.astype(np.float64).tobytes())
                    file.flush()
                except OSError as error:
                    where, todo = tempfile.gettempdir(), "set TMPDIR to a larger disk, or leave out --exact"
                    raise DataError(
                        problem(where, f"cannot be written ({error.strerror})", "8 bytes a pixel", todo)
                    ) from error
                lengths.append(len(scores))

    def areas(self, negatives: tuple[int, ...] = (1,)) -> RankingAreas:
        """The areas of all scores, without error.

        Args:
            negatives: The rows whose scores are those of normal items.

        Returns:
            The areas; NaN where a class is empty.
        """
        positives = sum(self._lengths[0])
        others = sum(sum(self._lengths[row]) for row in negatives)
        if not positives or not others:
            return UNDEFINED
        true = false = ranked = tied = 0
        precision = 0.0
        for own, other in self._counts_from_above(
            [self._runs(0), [run for row in negatives for run in self._runs(row)]]
        ):
            above = true + np.cumsum(own)
            below = false + np.cumsum(other)
            ranked += int((2 * other * (above - own) + own * other).sum())
            tied += int((own * other).sum())
            precision += float((own * (above / (above + below))).sum())
            true, false = int(above[-1]), int(below[-1])
        pairs = positives * others
        return RankingAreas(Area(ranked / 2 / pairs, 0.0), Area(precision / positives, 0.0), tied / pairs)

    def _runs(self, row: int) -> list[Floats]:
        if not self._lengths[row]:
            return []
        everything = np.memmap(self._files[row], np.float64, "r")
        return np.split(everything, np.cumsum(self._lengths[row])[:-1])

    def _counts_from_above(self, classes: list[list[Floats]]) -> Iterator[tuple[Whole, Whole]]:
        """For ranges of scores from the highest down: (positives, negatives) of each distinct score, descending."""
        edges = _edges([run for runs in classes for run in runs])
        starts = [[np.searchsorted(run, edges) for run in runs] for runs in classes]
        for index in range(len(edges) - 1, -1, -1):
            pieces = []
            for runs, places in zip(classes, starts, strict=True):
                stops = [
                    place[index + 1] if index + 1 < len(edges) else len(run)
                    for run, place in zip(runs, places, strict=True)
                ]
                pieces.append([run[place[index] : stop] for run, place, stop in zip(runs, places, stops, strict=True)])
            sorted_classes = [np.sort(np.concatenate([np.zeros(0), *piece])) for piece in pieces]
            values = np.unique(np.concatenate(sorted_classes))[::-1]
            if len(values):
                own, other = (np.searchsorted(s, values, "right") - np.searchsorted(s, values) for s in sorted_classes)
                yield own, other


def _edges(runs: list[Floats]) -> Floats:
    """Ascending scores, the first below all, between which there are about AT_ONCE scores, or one score alone."""
    sample = np.sort(np.concatenate([np.zeros(0), *(run[::SAMPLED] for run in runs)]))
    chosen = sample[:: max(1, AT_ONCE // SAMPLED)]
    repeated = chosen[1:][chosen[1:] == chosen[:-1]]
    return np.unique(np.concatenate([[-np.inf], chosen, np.nextafter(repeated, np.inf)]))
