"""Average precision over all pixels of all frames."""

from __future__ import annotations

from lavida_bench.metrics._ranking import PixelRanking


class PixelAP(PixelRanking):
    """Average precision of pixels."""

    name = "pixel_ap"
    area = "ap"
    about = "average precision over all pixels of all frames"
