"""Average precision over all pixels of all frames."""

from __future__ import annotations

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._ranking import Array, PixelRanking


class PixelAP(PixelRanking):
    """Average precision of pixels."""

    name = "pixel_ap"
    area = "ap"
    about = "average precision over all pixels of all frames"

    def _curve(self, positives: Array, negatives: Array) -> Array:
        return curves.average_precision(positives, negatives)
