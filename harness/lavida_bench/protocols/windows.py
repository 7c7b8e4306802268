"""A test video in clips for a model: the windows of a protocol with their frames, each frame decoded once.

Letters: T frames of a clip, H W pixels.
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


def groups(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """`items` in lists of `most`, the last one maybe shorter."""
    rest = iter(items)
    while group := list(islice(rest, most)):
        yield group


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Frames that a model sees together.

    numbers  (T,) int64 frame numbers, ascending but for the repeats that fill a last clip
    frames   (T, H, W, 3) uint8 RGB
    """

    numbers: Counts
    frames: Pixels

    @property
    def fresh(self) -> Bits:
        """(T,) bool: False for a repeat, whose score is dropped."""
        return np.concatenate([[True], np.diff(self.numbers) != 0])


def clips(video: TestVideo, protocol: EvaluationProtocol, batch: int) -> Iterator[list[Clip]]:
    """All clips of a video in lists of at most `batch`. Raises DataError where nothing can be decoded.

    Windows that interleave are read together, so no frame is decoded twice; at most as many windows as that takes, or
    one batch, are held.
    """
    together = max(batch, protocol.interleaved)
    for group in groups(protocol.windows(video), together):
        wanted = np.unique(np.concatenate(group))
        frames = read(video, wanted)
        for some in groups(group, batch):
            yield [Clip(numbers, frames[np.searchsorted(wanted, numbers)]) for numbers in some]


def read(video: TestVideo, wanted: Counts) -> Pixels:
    """Frames of ascending distinct numbers, uint8 (n, H, W, 3): by one reading, with the largest step that fits."""
    start, stop = int(wanted[0]), int(wanted[-1]) + 1
    step = int(np.gcd.reduce(np.diff(wanted))) if len(wanted) > 1 else 1
    frames = video.read(start, stop, step)
    places = (wanted - start) // step
    return frames if len(frames) == len(wanted) else frames[places]


def count(videos: Sequence[TestVideo], protocol: EvaluationProtocol) -> int:
    """Frames that will be scored."""
    return sum(len(protocol.needed(video)) for video in videos)
