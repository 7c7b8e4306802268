"""A video and a method's scores of it under a protocol: the only input of metrics.

Letters: n frames that count, m frames whose pixels count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lavida_bench.protocols.histogram import PixelSummary, summarise_pixels
from lavida_bench.protocols.resize import Resize
from lavida_bench.videos.types import Bits, Counts, Floats, TestVideo, VideoScore


@dataclass(frozen=True, eq=False)
class EvaluatedVideo:
    """The frames of one video that count under a protocol, with their labels and scores.

    Attributes:
        video: The test video.
        score: The method's scores of it.
        frames: (n,) int64, numbers of the frames that count, ascending.
        labels: (n,) bool, True = abnormal.
        values: (n,) float64, the method's scores of these frames.
        pixel_frames: (m,) int64, numbers of the frames whose pixels count, ascending.
        pixel_size: (h, w) at which masks and maps are compared; None = size of the masks.
        pixel_resize: How maps of another size are resized.
        detection_frames: Frames over which RBDC and TBDC count false positives in the whole benchmark; None = those
            of the videos that are scored.
        endpoints: Whether the protocol adds an artificial normal frame of score 0 and an abnormal one of score 1.
    """

    video: TestVideo
    score: VideoScore
    frames: Counts
    labels: Bits
    values: Floats
    pixel_frames: Counts
    pixel_size: tuple[int, int] | None = None
    pixel_resize: Resize = "bilinear"
    endpoints: bool = False
    detection_frames: int | None = None

    @property
    def key(self) -> str:
        """The video's key."""
        return self.video.key

    @cached_property
    def pixel_summary(self) -> PixelSummary | None:
        """Counts of the labelled pixels by score; None if the video has no masks or the method no maps.

        The pixels are read once, in pieces, by the first metric that asks.
        """
        if not self.video.has_pixels or self.score.pixels is None or not len(self.pixel_frames):
            return None
        return summarise_pixels(self.video, self.score, self.pixel_frames, self.pixel_size, self.pixel_resize)
