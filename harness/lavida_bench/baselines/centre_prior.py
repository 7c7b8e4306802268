"""A Gaussian over each video's length, no pixel read: events tend to be in the middle (UCF-Crime: AUC 61.9).

The position is relative to the video's length, so all videos share one curve and its width changes no ranking: every
sigma gives the same AUC. 0.25 of the length makes readable curves.
"""

from __future__ import annotations

import numpy as np

from lavida_bench.baselines._base import Baseline, uniform_maps
from lavida_bench.videos.types import TestVideo, VideoScore

SIGMA = 0.25  # of the video's length


class CentrePrior(Baseline):
    """exp(-((i + 1/2) / F - 1/2)^2 / (2 sigma^2)) for frame i."""

    name = "centre_prior"
    about = "a Gaussian over each video's length, no pixel read"

    def score(self, video: TestVideo, rng: np.random.Generator) -> VideoScore:
        """(F,) in (0, 1], highest in the middle, the same for each pixel; `rng` is not used."""
        position = (np.arange(video.frame_count) + 0.5) / video.frame_count
        scores = np.exp(-(((position - 0.5) / SIGMA) ** 2) / 2).astype(np.float32)
        return VideoScore(video.key, scores, pixels=uniform_maps(scores))
