"""A sample as arrays: what a shard's JPEGs, PNGs and JSON hold.

Letters: T frames (1 for an image), K names in the prompt, H W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PIXELS
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.scenes.images import decode
from lavida_gen.scenes.masks import from_png
from lavida_gen.scenes.sample import SampleRecord

MAX_SAMPLE_PIXELS = 4 * MAX_PIXELS
"""Pixels of all frames of a sample, which are decoded together: 2 GB with their masks."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedSample:
    """A sample of a corpus, decoded.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB, 0 to 255.
        masks: (T, H, W) bool, True where the anomaly is; all False for a normal sample.
        record: Everything else, as the `json` field of the shard has it.
    """

    frames: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    record: SampleRecord

    def __repr__(self) -> str:
        """Shapes and texts; the arrays are too long to print."""
        frames, names = self.frames.shape, dict(zip(self.names, self.labels, strict=True))
        return f"DecodedSample(key={self.key!r}, frames={frames}, names={names}, question={self.question!r})"

    @property
    def key(self) -> str:
        """Name of the sample in its shard: its number, in nine digits."""
        return self.record["key"]

    @property
    def names(self) -> tuple[str, ...]:
        """The K names that the prompt lists."""
        return tuple(self.record["names"])

    @property
    def labels(self) -> tuple[bool, ...]:
        """For each of the K names: whether it is in the scene, as the anomaly."""
        return tuple(self.record["labels"])

    @property
    def evidence(self) -> tuple[str, ...]:
        """For each of the K names: how its label is known (scenes/evidence.py)."""
        return tuple(self.record["evidence"])

    @property
    def question(self) -> str:
        """The prompt."""
        return self.record["question"]

    @property
    def answer(self) -> str:
        """The answer that is to be learnt, with one ``<SEG>``."""
        return self.record["answer"]

    @property
    def exposed(self) -> bool:
        """Whether something in it is an anomaly."""
        return self.record["exposed"]

    @property
    def origin(self) -> dict[str, str | int]:
        """How it came about: source, scene, exposure, index, seed, digest of the recipe, rights, generator."""
        record = self.record
        return {
            "source": record["source"], "scene": record["scene"], "group": record["group"],
            "exposure": record["exposure"], "index": record["index"], "seed": record["seed"],
            "recipe": record["recipe"], "licence": record["licence"], "attribution": record["attribution"],
            "generator": record["generator"],
        }  # fmt: skip


def decode_sample(encoded: EncodedSample, where: str = "") -> DecodedSample:
    """Decode a sample of a shard.

    Args:
        encoded: Its record and encoded frames and masks.
        where: Names it in errors; its key by default.

    Returns:
        The sample as arrays.

    Raises:
        DataError: A frame or mask is broken or has another size than the record states, or all of them together have
            more than `MAX_SAMPLE_PIXELS`.
    """
    record, where = encoded.record, where or f"sample {encoded.key}"
    size = (record["height"], record["width"])
    if (pixels := size[0] * size[1] * len(encoded.frames)) > MAX_SAMPLE_PIXELS:
        raise DataError(problem(where, f"has {pixels:,} pixels", f"at most {MAX_SAMPLE_PIXELS:,} in all frames"))
    return DecodedSample(
        frames=np.stack([decode(frame, size, where) for frame in encoded.frames]),
        masks=np.stack([from_png(mask, where, size) for mask in encoded.masks]),
        record=record,
    )
