"""The compact index of MeViS' mask_dict.json: made once, memory-mapped by every worker.

The file maps an annotation's id to one COCO run-length code (or null: not visible) for each frame of its video, 400 MB
in all. https://github.com/henghuiding/MeViS
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lavida_gen.annotations import json_file, json_stream
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, Blobs, Texts

VERSION = 1


class MaskIndex:
    """Masks by annotation id and frame."""

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        self._place = {ident: at for at, ident in enumerate(Texts(arrays["ids"], arrays["ids_at"])[:])}
        self._first, self._size = arrays["first"], arrays["size"]
        self._counts = Blobs(arrays["counts"], arrays["counts_at"])

    def __contains__(self, ident: str) -> bool:
        return ident in self._place

    def frames(self, ident: str) -> int:
        """Number of frames that the annotation covers."""
        at = self._place[ident]
        return int(self._first[at + 1] - self._first[at])

    def size(self, ident: str) -> tuple[int, int] | None:
        """(H, W) of an annotation's masks, None if it is visible in no frame."""
        height, width = self._size[self._place[ident]].tolist()
        return (height, width) if height else None

    def mask(self, ident: str, frame: int) -> RLE | None:
        """The mask in a frame, None where it is not visible."""
        at = self._place[ident]
        counts = self._counts[int(self._first[at]) + frame]
        height, width = self._size[at].tolist()
        return RLE(height, width, counts) if counts else None


def open_index(path: Path) -> MaskIndex:
    """The index of a mask_dict.json, made now if it was not yet. Raises DataError."""
    digest = cache.file_digest(path)
    return MaskIndex(path, cache.arrays("mevis", VERSION, [digest], lambda: _make(path)), digest)


def _make(path: Path) -> Arrays:
    idents: dict[str, int] = {}
    lengths: list[int] = []
    sizes: list[tuple[int, int]] = []
    counts: list[bytes] = []
    for ident, number, value in json_stream.members(path):
        where = f"{path}: annotation {ident!r}"
        if number == -1:
            raise DataError(problem(where, f"is a {type(value).__name__}", "a list with a mask or null for each frame"))
        if ident not in idents:
            idents[ident] = len(idents)
            lengths.append(0)
            sizes.append((0, 0))
        if number < 0:
            continue
        lengths[-1] += 1
        mask = _mask(value, f"{where} frame {number}")
        counts.append(mask.counts if mask is not None else b"")
        if mask is not None:
            if sizes[-1] not in ((0, 0), mask.size):
                raise DataError(problem(f"{where} frame {number}", f"size {mask.size}", f"{sizes[-1]}, as before"))
            sizes[-1] = mask.size
    made: Arrays = {
        "first": np.cumsum([0, *lengths]).astype(np.int64),
        "size": np.array(sizes, np.int32).reshape(-1, 2),
    }
    made["ids"], made["ids_at"] = Blobs.pack(ident.encode() for ident in idents)
    made["counts"], made["counts_at"] = Blobs.pack(counts)
    return made


def _mask(value: Any, where: str) -> RLE | None:
    """A mask, None for null and for one that nothing is set in: either way nothing is to be seen."""
    if value is None:
        return None
    height, width = (int(side) for side in json_file.member(value, "size", list, where))
    mask = masks.from_counts(json_file.member(value, "counts", str, where), (height, width), where)
    return mask if masks.area(mask) else None
