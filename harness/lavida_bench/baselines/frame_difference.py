"""How much the picture changes from one frame to the next: the cheapest method that looks at pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lavida_bench.baselines._base import Baseline
from lavida_bench.videos.types import Maps, TestVideo, VideoScore

PORTION = 64  # frames held at once


def _changes(video: TestVideo, start: int, stop: int) -> NDArray[np.float32]:
    """(n, H, W) absolute change of grey, 0..255, of frames start..stop-1 to the frame before; of frame 0 to frame 1."""
    before = max(start - 1, 0)
    after = min(max(stop, 2), video.frame_count)
    red, green, blue = np.moveaxis(video.read(before, after), 3, 0)
    grey = (red.astype(np.float32) + green + blue) / 3  # eight times as fast as a mean over the last axis
    change: NDArray[np.float32] = np.abs(np.diff(grey, axis=0))
    if start == 0:
        first = change[:1] if len(change) else np.zeros_like(grey[:1])
        change = np.concatenate([first, change])
    return change[: stop - start]


class FrameDifference(Baseline):
    """Mean absolute change of grey to the frame before; its map is the change of each pixel."""

    name = "frame_difference"
    about = "mean absolute change of grey to the frame before"
    reads_frames = True

    def score(self, video: TestVideo, rng: np.random.Generator) -> VideoScore:
        """(F,) in 0..255, and maps (n, H, W); frame 0 gets the score of frame 1; `rng` is not used."""
        means = [
            _changes(video, start, min(start + PORTION, video.frame_count)).mean(axis=(1, 2))
            for start in range(0, video.frame_count, PORTION)
        ]

        def maps(start: int, stop: int) -> Maps:
            return _changes(video, start, stop).astype(np.float16)

        return VideoScore(video.key, np.concatenate(means), pixels=maps)
