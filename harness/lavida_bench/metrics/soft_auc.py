"""ROC-AUC of frames whose labels are shares (mean over annotators), as `SoftRanking` defines it."""

from __future__ import annotations

from lavida_bench.metrics._ranking import SoftRanking


class SoftAUC(SoftRanking):
    """ROC-AUC of frames with shares as labels."""

    name = "soft_auc"
    area = "auc"
    about = "ROC-AUC over frames whose labels are shares in 0..1 (mean over annotators)"
