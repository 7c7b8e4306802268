"""Object maps (a number for each object in each pixel) -> boxes and masks of tracked objects, made once and kept.

Letters: n regions, H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.mask_files import read_grey
from lavida_bench.videos.types import Bits, Track
from lavida_gen.scenes.masks import RLE, encode
from lavida_gen.storage import cache

VERSION = 1


@dataclass(frozen=True, slots=True)
class Span:
    """Object `number` is anomalous in frames start..stop-1."""

    number: int
    start: int
    stop: int


def tracks(maps: dict[int, Path], spans: Sequence[Span], size: tuple[int, int]) -> tuple[Track, ...]:
    """A track for each span in which its object is seen, in order of object numbers, with boxes and masks.

    maps  frame number -> object map, of `size` (H, W). Raises DataError for a broken map.
    """
    ordered = sorted(spans, key=lambda span: (span.number, span.start))
    newest = max((path.stat().st_mtime_ns for path in maps.values()), default=0)
    parts = [*map(str, ordered), str(size), str(len(maps)), str(newest), *(str(p.parent) for p in [*maps.values()][:1])]
    found = cache.cached_arrays("object-maps", VERSION, parts, lambda: _regions(maps, ordered))
    codes = cache.PackedBytes(np.asarray(found["codes"]), np.asarray(found["offsets"]))
    owner, frames, boxes = (np.asarray(found[name]) for name in ("owner", "frames", "boxes"))
    made = []
    for at, span in enumerate(ordered):
        rows = np.flatnonzero(owner == at)
        if len(rows):
            masks = tuple(RLE(*size, codes[int(row)]) for row in rows)
            made.append(Track(f"{span.number}", frames[rows], boxes[rows], masks))
    return tuple(made)


def _regions(maps: dict[int, Path], spans: Sequence[Span]) -> dict[str, NDArray[Any]]:
    rows: list[tuple[int, int, tuple[int, int, int, int], bytes]] = []
    for frame, path in sorted(maps.items()):
        active = [at for at, span in enumerate(spans) if span.start <= frame < span.stop]
        values = read_grey(path, None) if active else None
        for at in active:
            assert values is not None, "read where a span is active"
            bits = np.asarray(values == spans[at].number)
            if bits.any():
                rows.append((at, frame, largest_box(bits), encode(bits).counts))
    data, offsets = cache.PackedBytes.pack(row[3] for row in rows)
    return {
        "owner": np.array([row[0] for row in rows], np.int64),
        "frames": np.array([row[1] for row in rows], np.int64),
        "boxes": np.array([row[2] for row in rows], np.float32).reshape(-1, 4),
        "codes": data,
        "offsets": offsets,
    }


def largest_box(bits: Bits) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of the connected part with the largest box, as UBnormal's authors."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(bits.view(np.uint8), connectivity=8)
    x, y, width, height = (int(n) for n in max(stats[1:], key=lambda row: int(row[2]) * int(row[3]))[:4])
    return x, y, x + width, y + height
