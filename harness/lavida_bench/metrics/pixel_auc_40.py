"""The pixel-level criterion of Mahadevan et al. (CVPR 2010), which UCSD papers quote: ROC-AUC over frames.

At a threshold a frame with anomalous pixels is a true positive if at least 40 % of them are at or above it; a frame
without any is a false positive if one pixel is.
"""

from __future__ import annotations

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._ranking import Array, Ranking
from lavida_bench.metrics._score_counts import Column
from lavida_bench.protocols.view import EvaluatedVideo


class PixelAUC40(Ranking):
    """ROC-AUC of frames by the 40 % criterion."""

    name = "pixel_auc_40"
    about = "ROC-AUC over frames, an abnormal one found where 40 % of its anomalous pixels are (Mahadevan et al. 2010)"
    needs = "pixels"

    def _columns(self, item: EvaluatedVideo) -> tuple[Column, Column] | None:
        pixels = item.pixel_summary
        if pixels is None:
            return None
        return (pixels.regions[pixels.abnormal], None), (pixels.regions[~pixels.abnormal], None)

    def _curve(self, positives: Array, negatives: Array) -> Array:
        return curves.auc(positives, negatives)
