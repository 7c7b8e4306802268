"""Area under the precision-recall curve by trapezoids: some publish it as AP; it is another, larger number."""

from __future__ import annotations

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._ranking import Array, FrameRanking


class FramePRAUC(FrameRanking):
    """Trapezoid PR-AUC of frames."""

    name = "frame_pr_auc"
    about = "trapezoid area under the frames' precision-recall curve, which some publish as AP"

    def _curve(self, positives: Array, negatives: Array) -> Array:
        return curves.pr_trapezoid(positives, negatives)
