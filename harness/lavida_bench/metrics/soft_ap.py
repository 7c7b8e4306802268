"""Average precision of frames whose labels are shares (mean over annotators), as `SoftRanking` defines it."""

from __future__ import annotations

from lavida_bench.metrics._ranking import SoftRanking


class SoftAP(SoftRanking):
    """Average precision of frames with shares as labels."""

    name = "soft_ap"
    area = "ap"
    about = "average precision over frames whose labels are shares in 0..1 (mean over annotators)"
