"""Two corpora of one recipe, record by record: what is equal, and how far pixels differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.scenes.masks import from_png


@dataclass
class Comparison:
    """What was counted.

    Attributes:
        samples: Samples.
        records: Records that differ, by the keys that do.
        masks: Masks; `masks_differ` of them have other pixels.
        frames: Frames; `frames_differ` of them have other bytes.
        passed: Frames that have the bytes of the data set's own file.
        largest: Largest difference of a pixel's channel, in grey levels.
        means: Mean difference of each frame that differs, in grey levels.
    """

    samples: int = 0
    records: Counter[str] = field(default_factory=Counter)
    masks: int = 0
    masks_differ: int = 0
    frames: int = 0
    frames_differ: int = 0
    passed: int = 0
    largest: int = 0
    means: list[float] = field(default_factory=list)

    @property
    def same_annotation(self) -> bool:
        """Whether all names, prompts, boxes and masks are equal."""
        return not self.records and not self.masks_differ

    @property
    def largest_mean(self) -> float:
        """Mean difference of the frame that differs most, in grey levels."""
        return max(self.means, default=0.0)


def compare(one: Path, other: Path, originals: set[bytes]) -> Comparison:
    """Compare two corpora.

    Args:
        one: A folder.
        other: Another one, of the same recipe.
        originals: The files of the data sets.

    Returns:
        What was counted.
    """
    found = Comparison()
    left, right = open_corpus(one), open_corpus(other)
    for shard, same in zip(left.manifest.shards, right.manifest.shards, strict=True):
        for first, second in zip(left.samples(shard), right.samples(same), strict=True):
            _count(found, first, second, originals)
    return found


def _count(found: Comparison, one: EncodedSample, other: EncodedSample, originals: set[bytes]) -> None:
    found.samples += 1
    plain, same = dict(one.record), dict(other.record)
    found.records.update(key for key in {*plain, *same} if plain.get(key) != same.get(key))
    for mask, other_mask in zip(one.masks, other.masks, strict=True):
        found.masks += 1
        found.masks_differ += not np.array_equal(from_png(mask), from_png(other_mask))
    for frame, other_frame in zip(one.frames, other.frames, strict=True):
        found.frames += 1
        found.passed += frame in originals and frame == other_frame
        if frame != other_frame:
            difference = np.abs(_pixels(frame) - _pixels(other_frame))
            found.frames_differ += 1
            found.largest = max(found.largest, int(difference.max()))
            found.means.append(float(difference.mean()))


def _pixels(jpeg: bytes) -> NDArray[np.int16]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.int16)
