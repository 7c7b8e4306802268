"""Pixels as H.264 stores them (YUV 4:2:0): the brightness of every pixel, two colours of every square of four.

Letters: H W of a picture, both even.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lavida_bench.videos.types import Pixels

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

FORMAT = "yuv420p"
"""FFmpeg's name of the format."""


class Planes(NamedTuple):
    """The planes of a picture.

    Attributes:
        y: (H, W) uint8 brightness.
        u: (H/2, W/2) uint8, how blue.
        v: (H/2, W/2) uint8, how red.
    """

    y: Pixels
    u: Pixels
    v: Pixels

    @classmethod
    def of(cls, frame: VideoFrame) -> Planes:
        """The planes of a frame in `FORMAT`: what is written to them is in the frame."""
        return cls(
            *(
                np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
                for plane in frame.planes
            )
        )

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.y.shape[0], self.y.shape[1]

    def part(self, rows: slice, columns: slice) -> Planes:
        """A part of the picture.

        Args:
            rows: Its rows, from an even one to an even one.
            columns: Its columns, likewise.

        Returns:
            Views of the planes.
        """
        halves = slice(rows.start // 2, rows.stop // 2), slice(columns.start // 2, columns.stop // 2)
        return Planes(self.y[rows, columns], self.u[halves], self.v[halves])

    def turned(self, turn: int) -> Planes:
        """The planes after a number of quarter turns counterclockwise, as views."""
        return Planes(*(np.rot90(plane, turn) for plane in self)) if turn else self


def stack(parts: Sequence[Planes]) -> tuple[VideoFrame, Planes]:
    """Copy pictures of the same width into a new frame, one below another.

    Args:
        parts: The pictures, from above.

    Returns:
        The frame, and its planes to draw into.
    """
    from av.video.frame import VideoFrame

    frame = VideoFrame(parts[0].size[1], sum(part.size[0] for part in parts), FORMAT)
    whole, top = Planes.of(frame), 0
    for part in parts:
        height, width = part.size
        for target, plane in zip(whole.part(slice(top, top + height), slice(0, width)), part, strict=True):
            target[:] = plane
        top += height
    return frame, whole


def from_rgb(pixels: Pixels, space: int, scaler: VideoReformatter) -> Planes:
    """Convert RGB.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        space: FFmpeg's number of the matrix between RGB and YUV (`VideoFrame.colorspace`).
        scaler: Of this thread and this size.

    Returns:
        The planes, of limited range.
    """
    from av.video.frame import VideoFrame

    frame = VideoFrame.from_ndarray(pixels, format="rgb24")
    return Planes.of(scaler.reformat(frame, format=FORMAT, dst_colorspace=space))


@lru_cache(maxsize=64)
def colour_from_rgb(colour: tuple[int, int, int], space: int) -> tuple[int, int, int]:
    """Convert one colour.

    Args:
        colour: RGB, 0 to 255.
        space: As for `from_rgb`.

    Returns:
        YUV, 16 to 240.
    """
    from av.video.reformatter import VideoReformatter

    square = np.full((2, 2, 3), colour, np.uint8)
    y, u, v = (int(plane[0, 0]) for plane in from_rgb(square, space, VideoReformatter()))
    return y, u, v
