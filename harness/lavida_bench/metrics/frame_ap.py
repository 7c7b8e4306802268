"""Average precision over frames, as scikit-learn defines it: XD-Violence's own metric (micro)."""

from __future__ import annotations

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._ranking import Array, FrameRanking


class FrameAP(FrameRanking):
    """Average precision of frames."""

    name = "frame_ap"
    about = "average precision over frames, as scikit-learn defines it"

    def _curve(self, positives: Array, negatives: Array) -> Array:
        return curves.average_precision(positives, negatives)
