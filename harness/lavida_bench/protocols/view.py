"""A video and a method's scores of it under a protocol: the only input of metrics.

Letters: n frames that count, m frames whose pixels count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lavida_bench.protocols.histogram import PixelSummary, summarise_pixels
from lavida_bench.protocols.pixel_pool import PixelPool
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
        exact_pixels: Whether pixels of more than float16 are sorted on disk, instead of counted with a bound of the
            error.
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
    exact_pixels: bool = False

    @property
    def key(self) -> str:
        """The video's key."""
        return self.video.key

    @property
    def pixel_summary(self) -> PixelSummary | None:
        """Counts of the labelled pixels by score; None if the video has no masks or the method no maps.

        The pixels are read once, in pieces, by the first metric that asks.
        """
        if self._reading.summary is not None:
            return self._reading.summary
        read = self.read_pixels(None)
        return None if read is None else read[0]

    def read_pixels(self, pool: PixelPool | None) -> tuple[PixelSummary, PixelPool] | None:
        """Count the labelled pixels, and add them to a pool of all videos.

        Metrics over the same videos share one pool, so that pixels are read and sorted once for all of them.

        Args:
            pool: What the video before gave; None for the first one.

        Returns:
            The counts and the pool; None if the video has no masks or the method no maps.

        Raises:
            DataError: A score is not finite, or a mask or map cannot be read.
        """
        if not self.video.has_pixels or self.score.pixels is None or not len(self.pixel_frames):
            return None
        done = self._reading
        if done.summary is not None and done.pool is not None:  # by another metric
            same = done.pool is pool or (pool is None and done.pool.videos == 1)
            if same:
                return done.summary, done.pool
        done.pool = PixelPool(self.exact_pixels) if pool is None else pool
        done.summary = summarise_pixels(
            self.video, self.score, self.pixel_frames, self.pixel_size, self.pixel_resize, done.pool
        )
        return done.summary, done.pool

    @cached_property
    def _reading(self) -> _Reading:
        return _Reading()


@dataclass(slots=True)
class _Reading:
    """What was read of a video's pixels, and the pool that they went to."""

    summary: PixelSummary | None = None
    pool: PixelPool | None = None
