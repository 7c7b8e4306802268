"""Scores drawn at random, uniformly: frame AUC 0.5 in the mean, AP the share of abnormal frames."""

from __future__ import annotations

import numpy as np

from lavida_bench.baselines._base import Baseline, uniform_maps
from lavida_bench.videos.types import TestVideo, VideoScore


class Random(Baseline):
    """Uniform in [0, 1), each frame on its own."""

    name = "random"
    about = "uniform random scores: the floor"

    def score(self, video: TestVideo, rng: np.random.Generator) -> VideoScore:
        """(F,) independent draws, the same for each pixel of a frame."""
        scores = rng.random(video.frame_count, np.float32)
        return VideoScore(video.key, scores, pixels=uniform_maps(scores))
