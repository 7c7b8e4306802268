"""Optical flow: what moves unlike the rest of the picture is anomalous. It reads no names and has no model.

Between a frame and the next of its clip, dense flow (DIS, Kroeger et al., ECCV 2016, OpenCV's preset "fast") is
computed at `side` pixels; the median flow of the picture, which a moving camera gives, is taken away. A pixel's score
is log(speed / `usual`), where speed is the length of what remains, as a share of the picture's height for each step
from frame to frame, and `usual` is the speed that scores 0. A frame's score is the mean of its highest `share` of the
pixels. Higher = more anomalous; the logit is that of speed / (speed + usual), calibrated by nothing but `usual`. The
last frame of a clip, and frames that repeat it, have the flow of the frame before; a clip of equal frames scores
log(1/1000).

A step is what the protocol samples: scores at every 16th frame are of larger movements than those at every frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lavida_bench.scorers._base import LoadSettings, ScorerInfo, ScorerKind, ScorerOptions
from lavida_bench.scoring.scorer import ClipScores, PendingScores, Scorer
from lavida_bench.videos.types import Floats, Maps, Pixels

FLOOR = 1e-3
"""Smallest speed, in units of the usual one: nothing moves at less than a hundredth of a pixel."""


class FlowOptions(ScorerOptions):
    """Options of `flow`."""

    side: int = Field(default=128, ge=16, le=1024, description="shorter side of the pictures whose flow is computed")
    usual: float = Field(default=0.01, gt=0, lt=1, description="speed that scores 0, in picture heights a step")
    share: float = Field(default=0.01, gt=0, le=1, description="share of the pixels that a frame's score is of")


class FlowKind(ScorerKind[FlowOptions]):
    """Dense optical flow without a model."""

    Options = FlowOptions
    about = ScorerInfo(
        title="optical flow: what moves unlike the rest of the picture",
        outputs=("frames", "maps"),
        reads_names=False,
    )

    def load(self, where: str, how: LoadSettings) -> Scorer:
        """See ScorerKind; there is nothing to load."""
        return FlowScorer(self.options)


class FlowScorer:
    """Scores clips by their flow, in the threads that prepare: a device has nothing to do.

    Args:
        options: The options.
    """

    name = "flow"

    def __init__(self, options: FlowOptions) -> None:
        self.options = options
        self.identity: Mapping[str, object] = {"scorer": "flow", **options.model_dump(mode="json")}

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> Maps:
        """(N, h, w) float32 scores of the pixels; see `Scorer`. The names are not read."""
        return np.concatenate([self._maps(clip) for clip in clips])

    def score(self, prepared: Maps) -> PendingScores:
        """The scores of the frames, of their highest pixels; see `Scorer`."""
        flat = prepared.reshape(len(prepared), -1)
        highest = max(1, round(flat.shape[1] * self.options.share))
        top = np.partition(flat, flat.shape[1] - highest, axis=1)[:, -highest:]
        frames: Floats = top.mean(axis=1, dtype=np.float64).astype(np.float32)
        return lambda: ClipScores(frames, prepared)

    def _maps(self, clip: Pixels) -> NDArray[np.float32]:
        import cv2

        height, width = clip.shape[1:3]
        scale = min(1.0, self.options.side / min(height, width))
        size = (round(width * scale), round(height * scale))
        grey = [
            cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA) for frame in clip
        ]
        last = len(grey)  # the frames after it repeat it: clips at the end of a video are filled up
        while last > 1 and np.array_equal(clip[last - 1], clip[last - 2]):
            last -= 1
        if last == 1:
            return np.full((len(clip), size[1], size[0]), np.log(FLOOR), np.float32)
        estimator: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        maps = [self._speeds(estimator.calc(one, other, None)) for one, other in pairwise(grey[:last])]
        return np.stack(maps + maps[-1:] * (len(clip) - len(maps)))

    def _speeds(self, flow: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w) scores of the pixels of a flow (h, w, 2) in pixels."""
        own = flow - np.median(flow, axis=(0, 1))
        speed = np.hypot(own[..., 0], own[..., 1]) / (len(flow) * self.options.usual)
        return np.log(np.maximum(speed, FLOOR)).astype(np.float32)
