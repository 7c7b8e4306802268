"""The base of metrics that rank abnormal items (frames, pixels) against normal ones: AUC, AP and the like."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics._base import Metric, Weights
from lavida_bench.metrics._score_counts import Column, ScoreCounts, sum_equal_scores
from lavida_bench.protocols.view import EvaluatedVideo

Array = NDArray[np.float64]


class Ranking(Metric):
    """Three variants of the area under one curve.

    micro     over all items of all videos at once
    macro     the mean over the videos in which both classes occur; the others are counted as undefined
    abnormal  micro over the videos with anything abnormal
    """

    variants = ("micro", "macro", "abnormal")

    def __init__(self) -> None:
        super().__init__()
        self.score_counts = ScoreCounts("positives", "negatives")
        self.abnormal: list[bool] = []
        self._numbers: list[tuple[int, int]] = []  # of each video: positives, negatives
        self._endpoints = False

    @abstractmethod
    def _columns(self, item: EvaluatedVideo) -> tuple[Column, Column] | None:
        """(scores, counts) of the abnormal and of the normal items; None for a video without what is needed."""

    @abstractmethod
    def _curve(self, positives: Array, negatives: Array) -> Array:
        """(..., B) counts over ascending thresholds -> (...) area, NaN = undefined."""

    def _add_video(self, item: EvaluatedVideo) -> bool:
        columns = self._columns(item)
        if columns is None:
            return False
        positives, negatives = sum_equal_scores(*columns[0]), sum_equal_scores(*columns[1])
        self._numbers.append((int(positives[1].sum()), int(negatives[1].sum())))
        self.abnormal.append(self._numbers[-1][0] > 0)
        own = ScoreCounts("positives", "negatives")
        for score_counts in (self.score_counts, own):
            score_counts.add(positives=positives, negatives=negatives)
        if item.endpoints and self.needs == "frames":
            self._endpoints = True
            for score_counts in (self.score_counts, own):
                score_counts.always(positives=(np.ones(1, np.float32), None), negatives=(np.zeros(1, np.float32), None))
        self.per_video[item.key] = float(self._curve(**own.totals())[0])
        return True

    def value(self, weights: Weights | None = None) -> dict[str, Array]:
        """Micro, macro and abnormal."""
        everything, abnormal = np.ones(len(self.abnormal), np.bool_), np.array(self.abnormal, np.bool_)
        return {
            "micro": self._micro(weights, everything),
            "macro": self._macro(weights),
            "abnormal": self._micro(weights, abnormal),
        }

    def _micro(self, weights: Weights | None, only: NDArray[np.bool_]) -> Array:
        """(R,) areas over all items of the videos of `only` (V,)."""
        value = self._curve(**self.score_counts.totals(weights, only))
        if weights is None or not self._endpoints:
            return value
        # A resample of one class alone is left out of an interval: the artificial samples must not define it.
        numbers = (weights * only) @ np.array(self._numbers, np.float64)
        return np.where((numbers > 0).all(axis=1), value, np.nan)

    def _macro(self, weights: Weights | None) -> Array:
        """(R,) means of the defined values of the videos."""
        own = np.array([self.per_video[key] for key in self.keys])
        weights = np.ones((1, len(own))) if weights is None else weights
        defined = np.isfinite(own)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights[:, defined] @ own[defined]) / weights[:, defined].sum(axis=1), np.float64)

    def counts(self) -> dict[str, int]:
        """Videos, abnormal ones, undefined ones, positives and negatives (without artificial ones)."""
        positives, negatives = np.array(self._numbers, np.int64).reshape(-1, 2).sum(axis=0)
        counted = {"videos_abnormal": sum(self.abnormal), "positives": int(positives), "negatives": int(negatives)}
        return super().counts() | counted

    def notes(self) -> tuple[str, ...]:
        """What is undefined and why, and whether artificial samples were added."""
        notes, counts = [], self.counts()
        if not counts["positives"] or not counts["negatives"]:
            notes.append("only one class occurs" if self._endpoints else "only one class occurs: micro is undefined")
        undefined = counts["videos_undefined"]
        if undefined:
            notes.append(f"macro leaves out {undefined} of {len(self.keys)} videos, in which only one class occurs")
        if self._endpoints:
            notes.append("an artificial normal frame of score 0 and an abnormal one of score 1 are added (protocol)")
        return tuple(notes)


class FrameRanking(Ranking):
    """Abnormal frames against normal ones."""

    needs = "frames"

    def _columns(self, item: EvaluatedVideo) -> tuple[Column, Column] | None:
        if not len(item.frames):
            return None
        return (item.values[item.labels], None), (item.values[~item.labels], None)


class PixelRanking(Ranking):
    """Anomalous pixels against all others."""

    needs = "pixels"

    def _columns(self, item: EvaluatedVideo) -> tuple[Column, Column] | None:
        pixels = item.pixel_summary
        if pixels is None:
            return None
        return (pixels.values, pixels.positives), (pixels.values, pixels.negatives)
