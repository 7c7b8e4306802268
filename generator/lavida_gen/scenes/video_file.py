"""Single frames of a video file, decoded by PyAV when somebody reads their pixels."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, check_pixels, open_input, parsing
from lavida_gen.common.video_titles import any_titles
from lavida_gen.scenes.images import Frame, Pixels

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

WHOLE, AGAIN = "a complete video", "fetch the file again"
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,flv,asf,ogg,gif,mjpeg,h264,hevc"
"""FFmpeg's formats of videos. It knows others that only list further files, which it would open: playlists."""


class VideoStills:
    """Some frames of a video, decoded together when the first of them is read, then kept.

    Attributes:
        path: The video file.
        numbers: Numbers of the frames, from 0.
        size: (H, W) in pixels, which the video must have.
    """

    def __init__(self, path: Path, numbers: Sequence[int], size: tuple[int, int]) -> None:
        self.path, self.numbers, self.size = path, tuple(numbers), size
        self._decoded: dict[int, Pixels] | None = None

    def frames(self) -> tuple[Frame, ...]:
        """One Frame per number, in the order of `numbers`; nothing is decoded yet."""
        return tuple(
            Frame.drawn(functools.partial(self._pixels, number), self.size, f"{self.path} frame {number}")
            for number in self.numbers
        )

    def _pixels(self, number: int) -> Pixels:
        if self._decoded is None:
            self._decoded = decode_frames(self.path, self.numbers, self.size)
        return self._decoded[number]


def decode_frames(path: Path, numbers: Sequence[int], size: tuple[int, int]) -> dict[int, Pixels]:
    """Decode some frames of a video: seeks to the key frame before the first of them, then decodes in order.

    Args:
        path: The video file.
        numbers: Numbers of the frames, from 0.
        size: (H, W) in pixels, which the video must have.

    Returns:
        Number -> (H, W, 3) uint8 RGB.

    Raises:
        DataError: The video is broken, too short or of another size.
    """
    import av

    wanted = set(numbers)
    frames: dict[int, Pixels] = {}
    open_input(path, MAX_STREAM, WHOLE, AGAIN).close()
    with parsing(path, WHOLE, AGAIN, got="cannot be decoded"):
        container = av.open(str(path), options={"format_whitelist": FORMATS}, **any_titles())
    with container:
        with parsing(path, WHOLE, AGAIN, got="cannot be decoded"):
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            _seek(container, stream, min(wanted))
            decoded = container.decode(stream)
        check_pixels(stream.width, stream.height, path)
        if (stream.height, stream.width) != size:
            raise DataError(problem(path, f"is {stream.width} x {stream.height}", f"{size[1]} x {size[0]}"))
        number = -1
        while number < max(wanted):
            with parsing(path, WHOLE, AGAIN, got="cannot be decoded"):
                frame = next(decoded, None)
                if frame is None:
                    break
                number = _number(frame.pts, stream)
                if number in wanted:
                    frames[number] = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    missing = sorted(wanted - set(frames))
    if missing:
        raise DataError(problem(path, f"ends before frame {missing[0]}", "all frames that are annotated"))
    for pixels in frames.values():
        if pixels.shape[:2] != size:
            raise DataError(problem(path, f"is {pixels.shape[1]} x {pixels.shape[0]}", f"{size[1]} x {size[0]}"))
    return frames


def _rate(stream: VideoStream) -> Fraction:
    return Fraction(stream.average_rate or stream.guessed_rate or 24)


def _time_base(stream: VideoStream) -> Fraction:
    assert stream.time_base is not None, "PyAV knows the time base of an opened stream"
    return stream.time_base


def _number(pts: int | None, stream: VideoStream) -> int:
    """Number of a frame, from its time stamp."""
    assert pts is not None, "a decoded frame has a time stamp"
    seconds = (pts - (stream.start_time or 0)) * _time_base(stream)
    return round(seconds * _rate(stream))


def _seek(container: InputContainer, stream: VideoStream, number: int) -> None:
    if number:
        time = (stream.start_time or 0) + int(number / _rate(stream) / _time_base(stream))
        container.seek(time, stream=stream, backward=True)
