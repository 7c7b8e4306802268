"""Knows whether a video has an anomaly, but not when: a method below it has not shown that it localises in time."""

from __future__ import annotations

import numpy as np

from lavida_bench.baselines._base import Baseline
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, problem


class VideoOracle(Baseline):
    """1 for every frame of an abnormal video, 0 for every frame of a normal one."""

    name = "video_oracle"
    about = "knows each video's label, not when: a method below it has not shown that it localises in time"

    def score(self, video: TestVideo, rng: np.random.Generator) -> VideoScore:
        """(F,) of one value; `rng` is not used."""
        if video.abnormal is None:
            raise DataError(problem(video.key, "no frame labels", "labels, which this baseline reads"))
        return VideoScore(video.key, np.full(video.frame_count, float(video.abnormal), np.float32))
