"""Track-based detection criterion (Ramachandra & Jones, WACV 2020): share of tracks found."""

from __future__ import annotations

import math

import numpy as np

from lavida_bench.detection import DetectionCriterion
from lavida_bench.video import Floats


class TBDC(DetectionCriterion):
    """Area under track detection rate against false positives a frame; a track is found if >= alpha of its regions are."""

    name = "tbdc"

    def _found(self, best: list[Floats]) -> Floats:
        """A track is found from its k-th best region's score downwards, k the fewest that make a share of alpha."""
        scores = np.empty(len(best), np.float32)
        for track, regions in enumerate(best):
            fewest = max(1, math.ceil(self.alpha * len(regions) - 1e-9))  # 0.1 * 30 is a little above 3 in binary
            scores[track] = np.sort(regions)[len(regions) - fewest]
        return scores
