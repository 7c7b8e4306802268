"""Parts of a corpus and their shards: ranges of sample numbers.

A corpus is a row of parts (image train, image val, clip train, clip val). Each part is a range of sample numbers and is
cut into ranges that become shards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lavida_gen.scenes.scene import Kind

Split = Literal["train", "val"]
KINDS: tuple[Kind, ...] = ("image", "clip")
SPLITS: tuple[Split, ...] = ("train", "val")

MAX_FLAT_SHARDS = 4500
"""Most shards of one kind that share a folder; more are sorted into subfolders (the Hub allows 10,000 files in one)."""
SHARDS_PER_FOLDER = 1000


@dataclass(frozen=True, slots=True)
class CorpusPart:
    """Samples of one kind and split: numbers `start` to `start + count - 1`."""

    kind: Kind
    split: Split
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class ShardRange:
    """Samples `start` to `stop - 1`, which one task makes.

    Attributes:
        part: The part that the samples belong to.
        number: Position of the range in its part, from 0.
        start: Number of the first sample.
        stop: Number after the last sample.
        deep: Whether the shard lies in a subfolder of its kind's folder.
    """

    part: CorpusPart
    number: int
    start: int
    stop: int
    deep: bool = False

    @property
    def name(self) -> str:
        """Path of the shard without suffix: ``image/train-00003``, deep ``image/train-0000/train-00000003``."""
        folder, split = self.part.kind, self.part.split
        if self.deep:
            return f"{folder}/{split}-{self.number // SHARDS_PER_FOLDER:04d}/{split}-{self.number:08d}"
        return f"{folder}/{split}-{self.number:05d}"


def cut_into_shards(parts: Sequence[CorpusPart], shard_samples: int) -> Iterator[ShardRange]:
    """Cut parts into ranges of sample numbers, one per shard.

    Args:
        parts: All parts of the corpus.
        shard_samples: Most samples of a range.

    Returns:
        The ranges of all parts, in order of their sample numbers.
    """
    for part in parts:
        shards_of_kind = sum(-(-other.count // shard_samples) for other in parts if other.kind == part.kind)
        end = part.start + part.count
        for number, start in enumerate(range(part.start, end, shard_samples)):
            yield ShardRange(part, number, start, min(start + shard_samples, end), shards_of_kind > MAX_FLAT_SHARDS)
