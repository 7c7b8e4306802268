"""Area under the ROC curve over frames: what most benchmarks quote (micro)."""

from __future__ import annotations

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._ranking import Array, FrameRanking


class FrameAUC(FrameRanking):
    """ROC-AUC of frames."""

    name = "frame_auc"
    about = "ROC-AUC over frames"

    def _curve(self, positives: Array, negatives: Array) -> Array:
        return curves.auc(positives, negatives)
