"""Frames of anything that FFmpeg opens, one after another and never all at once: a file, a URL, a camera, a pipe.

for shown in Stream("rtsp://camera/1"): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lavida_bench.videos.types import Pixels
from lavida_bench.videos.video_index import decoded_pictures, open_error
from lavida_gen.common.errors import DataError, problem

WAIT = (10.0, 10.0)
"""Seconds to wait for a stream to open, and for its next packet."""
USUAL_FPS = 25.0


@dataclass(frozen=True, slots=True, eq=False)
class StreamFrame:
    """A frame: its number from 0, its time in seconds from the first, (H, W, 3) uint8 RGB."""

    number: int
    seconds: float
    pixels: Pixels


class Stream:
    """One pass over a source; all frames have the size of the first.

    name   for messages;  live  not a file: its length is unknown, and what is read is gone
    fps    frames a second, as the source says, else 25;  broken  frames that were damaged so far
    lost   why it broke off (a camera that fell silent, say); "" if it did not
    """

    def __init__(self, source: str | Path | BinaryIO) -> None:
        self.name = str(getattr(source, "name", source))
        word = str(source) if isinstance(source, str | Path) else ""
        self.live = not word or "://" in word or word.startswith("/dev/")
        self.broken, self.lost = 0, ""
        self._container: Any = _opened(source, word, self.name)
        self._video: Any = self._container.streams.video[0]
        self._video.thread_type = "AUTO"
        self.fps = float(self._video.average_rate or self._video.guessed_rate or USUAL_FPS)

    def __iter__(self) -> Iterator[StreamFrame]:
        """The frames; damaged ones as the decoder mends them, those that cannot be decoded left out."""
        from av.video.reformatter import VideoReformatter

        scaler, size, first, seconds = VideoReformatter(), None, None, 0.0
        for number, picture in enumerate(decoded_pictures(self._container, self._video, self._broke_off)):
            size = size or (picture.height, picture.width)
            self.broken += bool(picture.is_corrupt)
            changed = scaler.reformat(picture, format="rgb24", width=size[1], height=size[0])
            turn = round(picture.rotation / 90) % 4
            pixels: Pixels = np.asarray(changed.to_ndarray(), np.uint8)
            if picture.pts is None:  # the first ones of a camera, until it tells its clock
                seconds = seconds + 1 / self.fps if number else 0.0
            else:
                time = float(picture.pts * self._video.time_base)
                first = time - number / self.fps if first is None else first
                seconds = max(0.0, time - first)
            yield StreamFrame(number, seconds, np.ascontiguousarray(np.rot90(pixels, turn)) if turn else pixels)
        if size is None:
            raise DataError(problem(self.name, "no picture can be decoded", "a video"))

    def _broke_off(self, why: str) -> None:
        self.lost = why

    def close(self) -> None:
        """Lets go of the source."""
        self._container.close()


def _opened(source: str | Path | BinaryIO, word: str, name: str) -> Any:
    import av

    options = {"rtsp_transport": "tcp"} if word.startswith("rtsp") else {}
    kind = "v4l2" if word.startswith("/dev/video") else None
    place = word or source
    try:
        container = av.open(
            place, format=kind, options=options, timeout=WAIT if "://" in word else None,
            metadata_errors="replace",  # titles in Latin-1, say
        )  # fmt: skip
    except (OSError, av.error.FFmpegError) as error:
        todo = "is the address right, and does the camera send?" if "://" in word else "is it a video file?"
        raise DataError(problem(name, open_error(error, Path(word) if word else None), "a video", todo)) from error
    if not container.streams.video:
        container.close()
        raise DataError(problem(name, "has no video stream", "a video"))
    return container
