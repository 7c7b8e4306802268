"""Average precision over frames, as scikit-learn defines it: XD-Violence's own metric (micro)."""

from __future__ import annotations

from lavida_bench.metrics._ranking import FrameRanking


class FrameAP(FrameRanking):
    """Average precision of frames."""

    name = "frame_ap"
    area = "ap"
    about = "average precision over frames, as scikit-learn defines it"
