"""The annotations of a COCO JSON as columns: they grow while the file is read, and are sorted by image at the end."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lavida_gen.storage.cache import Arrays

_Longs = NDArray[np.int64]

_BLOCK = 1 << 16
"""Masks that are sorted at a time: a list of all of them would take hundreds of megabytes."""


@dataclass(slots=True)
class AnnotationColumns:
    """Columns that grow; `counts` are the run lengths of all masks, `ends` the offsets where each mask ends."""

    image: array[int] = field(default_factory=lambda: array("q"))
    id: array[int] = field(default_factory=lambda: array("q"))
    category: array[int] = field(default_factory=lambda: array("q"))
    flags: array[int] = field(default_factory=lambda: array("b"))
    counts: bytearray = field(default_factory=bytearray)
    ends: array[int] = field(default_factory=lambda: array("q"))

    def add(self, image: int, ident: int, category: int, flags: int, counts: bytes) -> None:
        """Add an annotation.

        Args:
            image: Row of its image.
            ident: Its id.
            category: Id of its category.
            flags: Bits that describe it.
            counts: The run lengths of its mask, b"" if it has none.
        """
        self.image.append(image)
        self.id.append(ident)
        self.category.append(category)
        self.flags.append(flags)
        self.counts += counts
        self.ends.append(len(self.counts))

    def extend(
        self, image: _Longs, ident: _Longs, category: _Longs, flags: _Longs, counts: bytes, ends: _Longs
    ) -> None:
        """Add annotations that have masks; each array is (annotations,) int64.

        Args:
            image: Rows of their images.
            ident: Their ids.
            category: Ids of their categories.
            flags: Bits that describe them.
            counts: The run lengths of their masks, one after the other.
            ends: Where each mask ends in `counts`.
        """
        self.image.frombytes(image.tobytes())
        self.id.frombytes(ident.tobytes())
        self.category.frombytes(category.tobytes())
        self.flags.frombytes(flags.astype(np.int8).tobytes())
        self.ends.frombytes((len(self.counts) + ends).tobytes())
        self.counts += counts

    def are_of(self, categories: list[int]) -> NDArray[np.bool_]:
        """Which annotations are of given categories.

        Args:
            categories: Ids of categories.

        Returns:
            (annotations,) bool.
        """
        used = np.frombuffer(self.category, np.int64)
        others = np.setdiff1d(used, categories)
        return np.isin(used, others, invert=True) if len(others) else np.ones(len(used), np.bool_)

    def by_image(self, images: int, kept: NDArray[np.bool_]) -> Arrays:
        """The columns sorted by image, once; the annotations of one image keep the order of the file.

        Args:
            images: Number of images.
            kept: (annotations,) bool: which of them to keep.

        Returns:
            Arrays of a `CocoIndex`; categories are still ids.
        """
        image = np.frombuffer(self.image, np.int64)
        order = np.argsort(image, kind="stable")
        if not kept.all():
            order = order[kept[order]]
            image = image[kept]
        ends = np.frombuffer(self.ends, np.int64)
        starts = np.concatenate([[0], ends[:-1]])[: len(ends)]
        first = np.zeros(images + 1, np.int64)
        np.cumsum(np.bincount(image, minlength=images), out=first[1:])
        offsets = np.zeros(len(order) + 1, np.int64)
        np.cumsum((ends - starts)[order], out=offsets[1:])
        counts, packed = memoryview(self.counts), bytearray()
        for rows in np.array_split(order, 1 + len(order) // _BLOCK):
            for start, end in zip(starts[rows].tolist(), ends[rows].tolist(), strict=True):
                packed += counts[start:end]
        counts.release()
        self.counts.clear()  # as large as all else together
        return {
            "first": first,
            "ann_id": np.frombuffer(self.id, np.int64)[order],
            "ann_category": np.frombuffer(self.category, np.int64)[order],
            "ann_flags": np.frombuffer(self.flags, np.int8)[order].astype(np.uint8),
            "counts": np.frombuffer(packed, np.uint8),
            "counts_at": offsets,
        }
