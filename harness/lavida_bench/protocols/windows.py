"""A test video as clips for a model: the windows of a protocol with their frames, each frame decoded once.

Letters: T frames of a clip, n frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.videos.types import Bits, Counts, Pixels, TestVideo

Item = TypeVar("Item")


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Split items into lists.

    Args:
        items: Any iterable; read only as far as the lists are asked for.
        size: Length of the lists, at least 1.

    Yields:
        Lists of `size` items; the last one may be shorter.
    """
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Frames that a model sees together.

    Attributes:
        numbers: (T,) int64 frame numbers, ascending except for the repeats that fill a last clip.
        frames: (T, H, W, 3) uint8 RGB.
        seconds: T: the time of each frame, since any moment; None if unknown.
    """

    numbers: Counts
    frames: Pixels
    seconds: list[float] | None = None

    @property
    def is_new(self) -> Bits:
        """(T,) bool: False for a repeated frame, whose score is dropped."""
        return np.concatenate([[True], np.diff(self.numbers) != 0])


def read_clips(video: TestVideo, protocol: EvaluationProtocol, batch: int) -> Iterator[list[Clip]]:
    """Read the clips of a video in batches.

    Interleaved windows are read together, so that no frame is decoded twice. The frames of `protocol.interleaved`
    windows or of one batch are in memory at a time, whichever is more.

    Args:
        video: The video.
        protocol: Gives the windows.
        batch: Clips of a batch.

    Yields:
        Lists of `batch` clips; the last one may be shorter.

    Raises:
        DataError: No frame can be decoded.
    """
    for windows in chunked(protocol.windows(video), max(batch, protocol.interleaved)):
        numbers = np.unique(np.concatenate(windows))
        frames = read_frames(video, numbers)
        for of_batch in chunked(windows, batch):
            yield [Clip(window, frames[np.searchsorted(numbers, window)], video.seconds(window)) for window in of_batch]


def read_frames(video: TestVideo, numbers: Counts) -> Pixels:
    """Read frames of a video with one call of its reader, with the largest step that hits all of them.

    Args:
        video: The video.
        numbers: (n,) int64 frame numbers, ascending and distinct.

    Returns:
        (n, H, W, 3) uint8 RGB.

    Raises:
        DataError: No frame can be decoded.
    """
    start, stop = int(numbers[0]), int(numbers[-1]) + 1
    step = int(np.gcd.reduce(np.diff(numbers))) if len(numbers) > 1 else 1
    frames = video.read(start, stop, step)
    if len(frames) == len(numbers):
        return frames
    return frames[(numbers - start) // step]


def count_frames(videos: Sequence[TestVideo], protocol: EvaluationProtocol) -> int:
    """Number of frames that a protocol scores.

    Args:
        videos: Videos of a benchmark.
        protocol: Selects frames of each.

    Returns:
        The sum over the videos.
    """
    return sum(len(protocol.frames_to_score(video)) for video in videos)
