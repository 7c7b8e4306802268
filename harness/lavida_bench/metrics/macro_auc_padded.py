"""Macro frame AUC with padded videos: each gets a normal frame of the lowest score and an abnormal one of the highest.

So UBnormal's script (compute_auc_score.py) and AI-VAD compute it. It is defined also for videos of one class, lifts
nearly every AUC, and is another number than frame AUC macro, which leaves such videos out: never compare the two.
UBnormal's authors advise micro AUC. The pads are 0 and 1 where all scores lie in there (UBnormal), else scores below
and above all others (AI-VAD), since 0 and 1 would mean nothing among logits.

With A abnormal and B normal frames, P0 the share of abnormal scores above the lower pad and P1 the share of normal ones
below the upper pad (ties half): (A B AUC + A P0 + B P1 + 1) / ((A + 1) (B + 1)).
"""

from __future__ import annotations

import numpy as np

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._base import Metric, Weights
from lavida_bench.metrics._ranking import Array
from lavida_bench.metrics._score_counts import ScoreCounts
from lavida_bench.protocols.view import EvaluatedVideo


class MacroAUCPadded(Metric):
    """Mean over all videos, with equal weight, of the ROC-AUC of each with its two pads."""

    name = "macro_auc_padded"
    about = "mean over videos of the frame AUC with an artificial normal and abnormal frame (UBnormal's macro AUC)"
    needs = "frames"
    variants = ("macro",)

    def __init__(self) -> None:
        super().__init__()
        self._values: list[tuple[float, float]] = []  # of each video: padded with 0 and 1, and with extremes
        self._shares = True  # whether all scores are in 0..1

    def _add_video(self, item: EvaluatedVideo) -> bool:
        if not len(item.frames):
            return False
        low, high = float(item.values.min()), float(item.values.max())
        below, above = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
        self._values.append((_padded(item, 0.0, 1.0), _padded(item, float(below), float(above))))
        self.per_video[item.key] = self._values[-1][0 if self._shares else 1]
        if self._shares and (low < 0 or high > 1):
            self._shares = False
            keys = [*self.keys, item.key]
            self.per_video = {key: pair[1] for key, pair in zip(keys, self._values, strict=True)}
        return True

    def value(self, weights: Weights | None = None) -> dict[str, Array]:
        """The mean over the videos."""
        own = np.array([pair[0 if self._shares else 1] for pair in self._values])
        weights = np.ones((1, len(own))) if weights is None else weights
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"macro": np.asarray(weights @ own / weights.sum(axis=1), np.float64)}

    def notes(self) -> tuple[str, ...]:
        """What the videos are padded with."""
        pads = "0 and 1" if self._shares else "a score below and one above all others, since scores are not all in 0..1"
        return (f"each video is padded with {pads}; videos of one class count",)


def _padded(item: EvaluatedVideo, first: float, last: float) -> float:
    counts = ScoreCounts("positives", "negatives")
    positives, negatives = item.values[item.labels], item.values[~item.labels]
    counts.add(positives=(np.append(positives, last), None), negatives=(np.append(negatives, first), None))
    return float(curves.auc(**counts.totals())[0])
