"""The compact index of MeViS' mask_dict.json: made once, memory-mapped by every worker.

The file maps an annotation's id to one COCO run-length code (or null: not visible) per frame of its video, 400 MB in
all. https://github.com/henghuiding/MeViS
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lavida_gen.annotations import json_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.large_json import json_stream
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedBytes, PackedTexts

VERSION = 2
MOST_PIXELS = 100_000
"""Longest side of a frame."""


class MaskIndex:
    """Masks by annotation id and frame.

    Attributes:
        path: The mask_dict.json.
        digest: SHA-256 of that file.
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        self._rows = {ident: row for row, ident in enumerate(PackedTexts(arrays["ids"], arrays["ids_at"])[:])}
        self._first, self._size = arrays["first"], arrays["size"]
        self._counts = PackedBytes(arrays["counts"], arrays["counts_at"])
        self._problems = PackedTexts(arrays["problems"], arrays["problems_at"])

    def __contains__(self, ident: str) -> bool:
        return ident in self._rows

    def problem(self, ident: str) -> str:
        """Why an annotation cannot be used, "" if it can."""
        text = self._problems[self._rows[ident]]
        return text and f"{self.path}: {text}"

    def frames(self, ident: str) -> int:
        """Number of frames that the annotation covers."""
        row = self._rows[ident]
        return int(self._first[row + 1] - self._first[row])

    def size(self, ident: str) -> tuple[int, int] | None:
        """(H, W) of an annotation's masks, None if it is visible in no frame."""
        height, width = self._size[self._rows[ident]].tolist()
        return (height, width) if height else None

    def mask(self, ident: str, frame: int) -> RLE | None:
        """The mask of an annotation in a frame.

        Args:
            ident: Id of the annotation.
            frame: Number of the frame, from 0.

        Returns:
            The mask, None where the object is not visible.
        """
        row = self._rows[ident]
        counts = self._counts[int(self._first[row]) + frame]
        height, width = self._size[row].tolist()
        return RLE(height, width, counts) if counts else None


def open_index(path: Path) -> MaskIndex:
    """Open the index of a mask_dict.json; the first call makes it.

    Args:
        path: The mask_dict.json.

    Returns:
        The index.

    Raises:
        DataError: The file is malformed.
    """
    digest = cache.file_digest(path)
    return MaskIndex(path, cache.cached_arrays("mevis", VERSION, [digest], lambda: _make(path)), digest)


def _make(path: Path) -> Arrays:
    idents: dict[str, int] = {}
    lengths: list[int] = []
    sizes: list[tuple[int, int]] = []
    counts: list[bytes] = []
    problems: list[str] = []
    for ident, number, value in json_stream.members(path):
        if ident not in idents:
            idents[ident] = len(idents)
            lengths.append(0)
            sizes.append((0, 0))
            problems.append("")
        if number == json_stream.EMPTY:
            continue
        lengths[-1] += 1
        mask = None
        try:
            mask = _mask(value, number, sizes[-1], f"annotation {ident!r}")
        except DataError as error:
            problems[-1] = problems[-1] or str(error)
        counts.append(mask.counts if mask is not None else b"")
        if mask is not None:
            sizes[-1] = mask.size
    made: Arrays = {
        "first": np.cumsum([0, *lengths]).astype(np.int64),
        "size": np.array(sizes, np.int32).reshape(-1, 2),
    }
    made["ids"], made["ids_at"] = PackedTexts.pack(idents)
    made["problems"], made["problems_at"] = PackedTexts.pack(problems)
    made["counts"], made["counts_at"] = PackedBytes.pack(counts)
    return made


def _mask(value: object, number: int, known: tuple[int, int], annotation: str) -> RLE | None:
    """A mask; None for null and for an empty mask, since nothing is visible in either case. Raises DataError."""
    if number == json_stream.SINGLE:
        expected = "a list with a mask or null for each frame"
        raise DataError(problem(annotation, f"is a {type(value).__name__}", expected))
    if value is None:
        return None
    where = f"{annotation} frame {number}"
    size = json_file.member(value, "size", list, where)
    if len(size) != 2 or not all(isinstance(side, int) and 0 < side <= MOST_PIXELS for side in size):
        raise DataError(problem(where, f"size {str(size)[:40]}", "[height, width] in pixels"))
    mask = masks.from_counts(json_file.member(value, "counts", str, where), (size[0], size[1]), where)
    if known not in ((0, 0), mask.size):
        raise DataError(problem(where, f"size {mask.size}", f"{known}, as in earlier frames"))
    return mask if masks.area(mask) else None
