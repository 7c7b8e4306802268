"""Single frames of a video file, decoded by PyAV when somebody asks for their pixels."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.images import Frame, Pixels


class Stills:
    """Some frames of a video, decoded together when the first of them is asked for, then kept."""

    def __init__(self, path: Path, numbers: Sequence[int], size: tuple[int, int]) -> None:
        """`numbers` count the video's frames from 0; `size` (H, W) is what they must have."""
        self.path, self.numbers, self.size = path, tuple(numbers), size
        self._kept: dict[int, Pixels] | None = None

    def frames(self) -> tuple[Frame, ...]:
        """One Frame for each number, in the order given; nothing is decoded yet."""
        return tuple(
            Frame.drawn(functools.partial(self._pixels, number), self.size, f"{self.path} frame {number}")
            for number in self.numbers
        )

    def _pixels(self, number: int) -> Pixels:
        if self._kept is None:
            self._kept = read(self.path, self.numbers, self.size)
        return self._kept[number]


def read(path: Path, numbers: Sequence[int], size: tuple[int, int]) -> dict[int, Pixels]:
    """Pixels (H, W, 3) uint8 RGB of the frames `numbers` (from 0). Raises DataError.

    Seeks to the key frame before the first of them, then decodes in order.
    """
    import av

    wanted = set(numbers)
    found: dict[int, Pixels] = {}
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            _seek(container, stream, min(wanted))
            for frame in container.decode(stream):
                number = _number(frame.pts, stream)
                if number in wanted:
                    found[number] = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                if number >= max(wanted):
                    break
    except (av.FFmpegError, OSError, IndexError) as error:
        raise DataError(
            problem(path, f"cannot be decoded ({error})", "a whole video", "fetch the file again")
        ) from error
    missing = sorted(wanted - set(found))
    if missing:
        raise DataError(problem(path, f"ends before frame {missing[0]}", "all frames that are annotated"))
    for pixels in found.values():
        if pixels.shape[:2] != size:
            raise DataError(problem(path, f"is {pixels.shape[1]} x {pixels.shape[0]}", f"{size[1]} x {size[0]}"))
    return found


def _rate(stream: Any) -> Fraction:
    return Fraction(stream.average_rate or stream.guessed_rate or 24)


def _number(pts: int | None, stream: Any) -> int:
    """Number of a frame by its time stamp."""
    assert pts is not None, "a decoded frame has a time stamp"
    seconds = (pts - (stream.start_time or 0)) * Fraction(stream.time_base)
    return round(seconds * _rate(stream))


def _seek(container: Any, stream: Any, number: int) -> None:
    if number:
        at = (stream.start_time or 0) + int(number / _rate(stream) / stream.time_base)
        container.seek(at, stream=stream, backward=True)
