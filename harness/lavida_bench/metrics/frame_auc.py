"""Area under the ROC curve over frames: what most benchmarks quote (micro)."""

from __future__ import annotations

from lavida_bench.metrics._ranking import FrameRanking


class FrameAUC(FrameRanking):
    """ROC-AUC of frames."""

    name = "frame_auc"
    area = "auc"
    about = "ROC-AUC over frames"
