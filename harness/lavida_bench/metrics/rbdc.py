"""Region-based detection criterion (Ramachandra & Jones, WACV 2020): share of ground-truth regions found."""

from __future__ import annotations

import numpy as np

from lavida_bench.detection import DetectionCriterion
from lavida_bench.video import Floats


class RBDC(DetectionCriterion):
    """Area under region detection rate against false positives a frame."""

    name = "rbdc"

    def _found(self, best: list[Floats]) -> Floats:
        return np.concatenate([np.zeros(0, np.float32), *best])
