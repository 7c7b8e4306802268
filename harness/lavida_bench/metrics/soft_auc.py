"""ROC-AUC of frames whose labels are shares: several people annotated them, a frame has their mean.

Frame i with share p counts as p of an abnormal frame and 1 - p of a normal one. Where all shares are 0 or 1 it is the
usual frame AUC. The definition is ours. Prob-AUC and LaAP of Liu et al. (arXiv 2505.19022) are other metrics: their
formulas were not to be found, so nothing here has these names.
"""

from __future__ import annotations

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._ranking import Array, SoftRanking


class SoftAUC(SoftRanking):
    """ROC-AUC of frames with shares as labels."""

    name = "soft_auc"
    about = "ROC-AUC over frames whose labels are shares in 0..1 (mean over annotators)"

    def _curve(self, positives: Array, negatives: Array) -> Array:
        return curves.auc(positives, negatives)
