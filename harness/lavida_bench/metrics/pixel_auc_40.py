"""The pixel-level criterion of Mahadevan et al. (CVPR 2010), which UCSD papers quote: ROC-AUC over frames.

At a threshold a frame with anomalous pixels is a true positive if at least 40 % of them are at or above it; a frame
without any is a false positive if one pixel is.
"""

from __future__ import annotations

from lavida_bench.metrics._ranking import Ranking
from lavida_bench.metrics._score_counts import Column
from lavida_bench.protocols.pixel_pool import PixelPool
from lavida_bench.protocols.view import EvaluatedVideo


class PixelAUC40(Ranking):
    """ROC-AUC of frames by the 40 % criterion."""

    name = "pixel_auc_40"
    area = "auc"
    about = "ROC-AUC over frames, an abnormal one found where 40 % of its anomalous pixels are (Mahadevan et al. 2010)"
    needs = "pixels"

    def __init__(self) -> None:
        super().__init__()
        self._pool: PixelPool | None = None  # shared with the other metrics of pixels
        self._uniform = 0

    def _columns(self, item: EvaluatedVideo) -> tuple[Column, Column] | None:
        read = item.read_pixels(self._pool)
        if read is None:
            return None
        pixels, self._pool = read
        self._uniform += pixels.uniform
        return (pixels.regions[pixels.abnormal], None), (pixels.regions[~pixels.abnormal], None)

    def counts(self) -> dict[str, int]:
        """Those of all rankings, the items being frames, and the frames whose map has one score for all pixels."""
        return super().counts() | {"frames_of_one_score": self._uniform}
