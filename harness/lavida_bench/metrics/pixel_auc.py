"""Area under the ROC curve over all pixels of all frames (LAVIDA, GridVAD); not Mahadevan's criterion."""

from __future__ import annotations

from lavida_bench.metrics._ranking import PixelRanking


class PixelAUC(PixelRanking):
    """ROC-AUC of pixels."""

    name = "pixel_auc"
    area = "auc"
    about = "ROC-AUC over all pixels of all frames"
