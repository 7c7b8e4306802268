"""The run lengths of the index masks of a clip: decoded once, kept in the cache for every later sample of the clip.

The first sample of a clip decodes its masks and leaves a record with the SHA-256 of each file; the others read the
files, which is soon done, and decode only what has other bytes than in the record. `python
benchmarks/clips.py` measures it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lavida_gen.annotations import index_masks
from lavida_gen.common.digests import sha256
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.storage import records

KIND, VERSION = "clip_masks", 1
BACKGROUND = 0

_Row = list[Any]
"""A mask in a record: SHA-256 of its file, height, width, {value: counts of the run lengths}."""


class ClipMask(NamedTuple):
    """The index mask of a frame.

    Attributes:
        size: (H, W) in pixels.
        values: The mask of each value but `BACKGROUND`, sorted by value.
    """

    size: tuple[int, int]
    values: dict[int, RLE]


def read(paths: Sequence[Path]) -> list[ClipMask]:
    """Read the masks of a clip.

    Args:
        paths: The index masks of its frames.

    Returns:
        What `index_masks.read` and `masks.from_values` make of each.

    Raises:
        DataError: A file is missing or broken, or holds colours; or the cache cannot be written.
    """
    key = sha256("\n".join([str(VERSION), *map(os.path.abspath, paths)]))[:32]
    found = records.load(KIND, key)
    known: list[_Row | None] = found if isinstance(found, list) else [None] * len(paths)
    rows = [_row(path, row) for path, row in zip(paths, known, strict=True)]
    if rows != known:
        records.store(KIND, key, rows)
    return [_mask(*row) for row in rows]


def _row(path: Path, known: _Row | None) -> _Row:
    """The row of a mask: the known one if the file still has the bytes that it was made of. Raises DataError."""
    data = index_masks.read_file(path)
    digest = sha256(data)
    if known is not None and known[0] == digest:
        return known
    plane = index_masks.read_bytes(data, path)
    values = masks.from_values(plane, path)
    counts = {str(value): rle.counts.decode() for value, rle in values.items() if value != BACKGROUND}
    return [digest, *map(int, plane.shape), counts]


def _mask(digest: str, height: int, width: int, values: dict[str, str]) -> ClipMask:
    rles = {int(value): RLE(height, width, counts.encode()) for value, counts in values.items()}
    return ClipMask((height, width), rles)
