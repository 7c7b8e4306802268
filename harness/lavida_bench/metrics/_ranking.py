"""The base of metrics that rank abnormal items (frames, pixels) against normal ones: AUC, AP and the like."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._base import Metric, Ties, Weights
from lavida_bench.metrics._score_counts import Column, ScoreCounts, sum_equal_scores
from lavida_bench.protocols.areas import Area
from lavida_bench.protocols.histogram import PixelSummary
from lavida_bench.protocols.pixel_pool import PixelPool
from lavida_bench.protocols.view import EvaluatedVideo

Array = NDArray[np.float64]


class Ranking(Metric):
    """Three variants of the area under one curve.

    micro     over all items of all videos at once
    macro     the mean over the videos in which both classes occur; the others are counted as undefined
    abnormal  micro over the videos with anything abnormal
    """

    variants = ("micro", "macro", "abnormal")
    area: ClassVar[Literal["auc", "ap"]]
    """Area under the ROC curve, or average precision."""

    def __init__(self) -> None:
        super().__init__()
        self.score_counts = ScoreCounts("positives", "negatives")
        self.abnormal: list[bool] = []
        self._numbers: list[tuple[float, float]] = []  # of each video: positives, negatives
        self._endpoints = False

    @abstractmethod
    def _columns(self, item: EvaluatedVideo) -> tuple[Column, Column] | None:
        """(scores, counts) of the abnormal and of the normal items; None for a video without what is needed."""

    def _curve(self, positives: Array, negatives: Array) -> Array:
        """(..., B) counts over ascending thresholds -> (...) area, NaN = undefined."""
        return (
            curves.auc(positives, negatives) if self.area == "auc" else curves.average_precision(positives, negatives)
        )

    def _add_video(self, item: EvaluatedVideo) -> bool:
        columns = self._columns(item)
        if columns is None:
            return False
        positives, negatives = sum_equal_scores(*columns[0]), sum_equal_scores(*columns[1])
        self._numbers.append((float(positives[1].sum()), float(negatives[1].sum())))
        self.abnormal.append(self._numbers[-1][0] > 0)
        own = ScoreCounts("positives", "negatives")
        for score_counts in (self.score_counts, own):
            score_counts.add(positives=positives, negatives=negatives)
        if item.endpoints and self.needs == "frames":
            self._endpoints = True
            for score_counts in (self.score_counts, own):
                score_counts.always(positives=(np.ones(1), None), negatives=(np.zeros(1), None))
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

    def ties(self) -> Ties | None:
        """Of all items at once (micro)."""
        totals = self.score_counts.totals()
        positives, negatives = totals["positives"][0], totals["negatives"][0]
        pairs = positives.sum() * negatives.sum()
        if not pairs:
            return None
        distinct = int(((positives != 0) | (negatives != 0)).sum())
        return Ties(round(positives.sum() + negatives.sum()), distinct, float((positives * negatives).sum() / pairs))

    def counts(self) -> dict[str, int]:
        """Videos, abnormal ones, undefined ones, positives and negatives (without artificial ones)."""
        positives, negatives = np.array(self._numbers, np.float64).reshape(-1, 2).sum(axis=0)
        counted = {"videos_abnormal": sum(self.abnormal), "positives": round(positives), "negatives": round(negatives)}
        return super().counts() | counted

    def notes(self) -> tuple[str, ...]:
        """What is undefined and why, and whether artificial samples were added."""
        notes, counts = [], self.counts()
        if not counts["positives"] or not counts["negatives"]:
            notes.append("only one class occurs" if self._endpoints else "only one class occurs: micro is undefined")
        undefined = counts["videos_undefined"]
        if undefined:
            notes.append(f"macro leaves out {undefined} of {len(self.keys)} videos, in which only one class occurs")
        ties = self.ties()
        if ties is not None and ties.pairs:
            share = f"{100 * ties.pairs:.2g} % of the pairs of an abnormal and a normal one"
            notes.append(f"{ties.distinct:,} distinct scores of {ties.items:,}; {share} are tied and count one half")
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


class SoftRanking(Ranking):
    """Frames whose labels are shares: several people annotated them, a frame has their mean.

    Videos without are left out. Frame i with share p counts as p of an abnormal frame and 1 - p of a normal one. Where
    all shares are 0 or 1 it is the usual frame AUC or AP. The definition is ours. Prob-AUC, Prob-AP and LaAP of Liu et
    al. (arXiv 2505.19022) are other metrics: their formulas were not to be found, so nothing here has these names.
    """

    needs = "frames"

    def _columns(self, item: EvaluatedVideo) -> tuple[Column, Column] | None:
        shares = item.video.label_shares
        if shares is None or not len(item.frames):
            return None
        own = shares[item.frames]
        return (item.values, own), (item.values, 1 - own)


class PixelRanking(Ranking):
    """Anomalous pixels against all others.

    Maps of float16 are counted exactly. Those of float32 and float64 are counted in buckets that refine themselves,
    with a computed bound of the error (below 1e-6 for all but the strangest inputs), or sorted on disk (``--exact``).
    """

    needs = "pixels"

    def __init__(self) -> None:
        super().__init__()
        self._pool: PixelPool | None = None
        self._areas: dict[str, Area] = {}  # of each video whose maps are not float16
        self._bounds: dict[str, float] = {}

    def _columns(self, item: EvaluatedVideo) -> tuple[Column, Column] | None:
        read = item.read_pixels(self._pool)
        if read is None:
            return None
        pixels, self._pool = read
        self._bounds = {}
        if pixels.areas is not None:
            self._areas[item.key] = getattr(pixels.areas, self.area)
        return _pixel_columns(pixels)

    def _add_video(self, item: EvaluatedVideo) -> bool:
        added = super()._add_video(item)
        if item.key in self._areas:
            self.per_video[item.key] = self._areas[item.key].value
        return added

    def value(self, weights: Weights | None = None) -> dict[str, Array]:
        """Micro, macro and abnormal."""
        if weights is not None or self._pool is None or not self._pool.wide:
            return super().value(weights)
        micro, abnormal = (getattr(self._pool.areas(only), self.area) for only in (False, True))
        own = [area.error for area in self._areas.values() if np.isfinite(area.value)]
        self._bounds = {"micro": micro.error, "macro": max(own, default=0.0), "abnormal": abnormal.error}
        return {"micro": np.array([micro.value]), "macro": self._macro(None), "abnormal": np.array([abnormal.value])}

    def error_bounds(self) -> dict[str, float]:
        """Of all variants; {} where all maps are float16."""
        if not self._bounds:
            self.value()
        return self._bounds

    def ties(self) -> Ties | None:
        """Of all pixels at once (micro)."""
        if self._pool is None or not self._pool.wide:
            return super().ties()
        positives, negatives = np.array(self._numbers).sum(axis=0)
        if not positives or not negatives:
            return None
        return Ties(int(positives + negatives), self._pool.distinct, self._pool.areas().tied)


def _pixel_columns(pixels: PixelSummary) -> tuple[Column, Column]:
    return (pixels.values, pixels.positives), (pixels.values, pixels.negatives)
