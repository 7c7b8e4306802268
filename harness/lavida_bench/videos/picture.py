"""A decoded picture that becomes RGB when somebody needs it: most frames of a video never do.

Letters: H W of the picture as stored, before it is turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lavida_bench.videos.planes import FORMAT, Planes
from lavida_bench.videos.types import Pixels

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

RGB = 0
"""FFmpeg's number of the matrix of pictures that are stored as RGB (AVCOL_SPC_RGB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of a video.

    Attributes:
        frame: As FFmpeg decoded it.
        size: (H, W) that it gets, in pixels: those of a video may change on the way.
        turn: Quarter turns counterclockwise by which it is shown.
    """

    frame: VideoFrame
    size: tuple[int, int]
    turn: int

    def pixels(self, scaler: VideoReformatter) -> Pixels:
        """Convert it to RGB.

        Args:
            scaler: Of this thread, and for nothing else: it keeps what it prepared for the last picture.

        Returns:
            (H, W, 3) uint8 RGB as shown, (W, H, 3) after an odd number of turns.
        """
        scaled = scaler.reformat(self.frame, format="rgb24", width=self.size[1], height=self.size[0])
        pixels = np.asarray(scaled.to_ndarray(), np.uint8)
        return np.ascontiguousarray(np.rot90(pixels, self.turn)) if self.turn else pixels

    def shrink(self, scaler: VideoReformatter, longest: int) -> Picture:
        """Shrink it to sides of even length, and make it a picture with planes, as H.264 needs them.

        Args:
            scaler: Of this thread, and for nothing else.
            longest: Length of the longest side, in pixels. A smaller picture is not enlarged.

        Returns:
            A picture of `small_bytes`, in limited range; the same one if that is what it is.
        """
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        height, width = even_size(self.size, longest)
        frame = self.frame
        full = frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
        small = scaler.reformat(
            frame,
            format=FORMAT,
            width=width,
            height=height,
            interpolation=Interpolation.AREA,
            dst_colorspace=Colorspace.ITU601 if frame.colorspace == RGB else None,
            dst_color_range=ColorRange.MPEG if full else None,
        )
        return Picture(small, (height, width), self.turn)

    def planes(self) -> Planes:
        """The planes of a picture that `shrink` made, as shown: views, not to be written to.

        The decoder itself may still refer to them.
        """
        return Planes.of(self.frame).turned(self.turn)

    def small_bytes(self, longest: int) -> int:
        """Bytes of the picture that `shrink` makes.

        Args:
            longest: Length of its longest side, in pixels.
        """
        height, width = even_size(self.size, longest)
        return height * width * 3 // 2


def even_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Compute even sides of at most a length.

    Args:
        size: (H, W) in pixels.
        longest: Length of the longest side.

    Returns:
        (H', W'), at least 2.
    """
    scale = min(1.0, longest / max(size))
    return max(2, round(size[0] * scale) // 2 * 2), max(2, round(size[1] * scale) // 2 * 2)
