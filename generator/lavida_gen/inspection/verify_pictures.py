"""The part of `verify` that decodes the pictures and masks of samples and compares them with their records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from lavida_gen.common.errors import DataError
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.scenes import images
from lavida_gen.scenes.mask_measure import MaskMeasure, measure

_MOST_EMPTY = 1000
"""Digests of empty masks that are kept; one for each size of the pictures, unless a stranger wrote them."""

_MOST_DECODED = 200_000
"""Pictures that are remembered; 20 MB."""
_DECODED: set[int] = set()
"""Of all shards that this process checks: a scene comes back in samples of other shards. Keyed 64-bit hashes of bytes
and size."""


class PictureCheck:
    """Decodes pictures and measures masks: each picture once, and of the masks of normal frames, which are equal, one.

    Args:
        decoded: Hashes of pictures that were decoded, added to; default: those of this process.
    """

    def __init__(self, decoded: set[int] | None = None) -> None:
        self._empty: dict[bytes, MaskMeasure] = {}
        self._decoded = _DECODED if decoded is None else decoded

    def problems(self, sample: EncodedSample) -> Iterator[str]:
        """Compare the pictures and masks of a sample with its record.

        Args:
            sample: The sample.

        Yields:
            Problems, without the name of the sample.
        """
        record, size = sample.record, (sample.record["height"], sample.record["width"])
        shown = False
        for time, (frame, png) in enumerate(zip(sample.frames, sample.masks, strict=True)):
            try:
                self._decode(frame, size, f"frame {time}")
                mask = self._measured(png, f"mask {time}")
            except DataError as error:
                yield str(error)
                continue
            if mask.size != size:
                yield f"mask {time} is {mask.size}; expected {size}"
                continue
            shown |= mask.area > 0
            if list(mask.box) != record["boxes"][time]:
                yield f"mask {time} does not fill its box {record['boxes'][time]}"
            share = round(mask.area / (size[0] * size[1]), 6)
            if share != record["areas"][time]:
                yield f"mask {time} covers {share} of its frame; its record states {record['areas'][time]}"
        if shown != record["exposed"]:
            yield (
                "its mask is empty, but it is exposed"
                if record["exposed"]
                else "its mask is not empty, but it is normal"
            )

    def _decode(self, frame: bytes, size: tuple[int, int], where: str) -> None:
        """Check that a picture can be decoded. Raises DataError."""
        known = hash((frame, size))
        if known not in self._decoded:
            images.check(frame, size, where)
            if len(self._decoded) < _MOST_DECODED:
                self._decoded.add(known)

    def _measured(self, png: bytes, where: str) -> MaskMeasure:
        """Measure a mask. Raises DataError."""
        digest = hashlib.sha256(png).digest()
        known = self._empty.get(digest)
        if known is None:
            known = measure(png, where)
            if not known.area and len(self._empty) < _MOST_EMPTY:
                self._empty[digest] = known
        return known
