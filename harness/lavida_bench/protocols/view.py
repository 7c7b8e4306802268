"""A video and a method's score of it, seen through a protocol: the one thing that metrics are given.

Letters: n frames that count, m frames whose pixels count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lavida_bench.protocols.histogram import PixelSummary, summarise
from lavida_bench.videos.types import Bits, Counts, Floats, TestVideo, VideoScore


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedVideo:
    """What counts of one video.

    frames        (n,) numbers of the frames that count, ascending
    labels        (n,) bool, True = abnormal
    values        (n,) float32, the method's scores of them
    pixel_frames  (m,) numbers of the frames whose pixels count, ascending
    pixel_size    (h, w) at which masks and maps are compared (nearest neighbour); None = the masks' own size
    endpoints     whether the protocol adds an artificial normal frame of score 0 and an abnormal one of score 1
    """

    video: TestVideo
    score: VideoScore
    frames: Counts
    labels: Bits
    values: Floats
    pixel_frames: Counts
    pixel_size: tuple[int, int] | None = None
    endpoints: bool = False
    _pixels: list[PixelSummary] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The video's key."""
        return self.video.key

    def pixels(self) -> PixelSummary | None:
        """Counts of the labelled pixels by score; None where the video has no masks or the method no maps.

        The pixels are read once, in pieces, however many metrics ask.
        """
        if not self.video.has_pixels or self.score.pixels is None or not len(self.pixel_frames):
            return None
        if not self._pixels:
            self._pixels.append(summarise(self.video, self.score, self.pixel_frames, self.pixel_size))
        return self._pixels[0]
