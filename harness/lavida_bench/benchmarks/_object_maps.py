"""Object maps (each pixel holds its object's number) -> boxes and masks of tracked objects, made once and cached.

Letters: n regions, H W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.mask_files import read_grey
from lavida_bench.videos.types import Bits, Track
from lavida_gen.scenes.masks import RLE, encode
from lavida_gen.storage import cache

VERSION = 1
WIDER = np.array([0, 0, 1, 1], np.float64)
"""The authors' script writes the exclusive ends of a box, and their scorer takes them as inclusive: the regions of the
published numbers are one pixel wider and higher than the object."""


@dataclass(frozen=True, slots=True)
class Span:
    """Object `number` is anomalous in frames start..stop-1."""

    number: int
    start: int
    stop: int


class _Region(NamedTuple):
    """A visible object: index of its span, frame, box (left, top, right, bottom), run-length code of its mask."""

    span: int
    frame: int
    box: tuple[int, int, int, int]
    code: bytes


def tracks(maps: dict[int, Path], spans: Sequence[Span], size: tuple[int, int]) -> tuple[Track, ...]:
    """Make a track with boxes and masks for each span in which its object is visible; boxes are WIDER than it.

    Args:
        maps: Frame number -> object map.
        spans: When which object is anomalous.
        size: (H, W) of the maps in pixels.

    Returns:
        The tracks in the order of the object numbers.

    Raises:
        DataError: A map cannot be decoded.
    """
    ordered = sorted(spans, key=lambda span: (span.number, span.start))
    newest = max((path.stat().st_mtime_ns for path in maps.values()), default=0)
    folder = [str(path.parent) for path in list(maps.values())[:1]]
    parts = [*map(str, ordered), str(size), str(len(maps)), str(newest), *folder]
    arrays = cache.cached_arrays("object-maps", VERSION, parts, lambda: _region_arrays(maps, ordered))
    codes = cache.PackedBytes(np.asarray(arrays["codes"]), np.asarray(arrays["offsets"]))
    owner, frames, boxes = (np.asarray(arrays[name]) for name in ("owner", "frames", "boxes"))
    found = []
    for index, span in enumerate(ordered):
        rows = np.flatnonzero(owner == index)
        if len(rows):
            masks = tuple(RLE(*size, codes[int(row)]) for row in rows)
            found.append(Track(f"{span.number}", frames[rows], boxes[rows] + WIDER, masks))
    return tuple(found)


def _visible_regions(maps: dict[int, Path], spans: Sequence[Span]) -> Iterator[_Region]:
    """The regions of the spans, frame by frame."""
    for frame, path in sorted(maps.items()):
        active = [index for index, span in enumerate(spans) if span.start <= frame < span.stop]
        if not active:
            continue
        values = read_grey(path, None)
        for index in active:
            bits = np.asarray(values == spans[index].number)
            if bits.any():
                yield _Region(index, frame, largest_box(bits), encode(bits).counts)


def _region_arrays(maps: dict[int, Path], spans: Sequence[Span]) -> dict[str, NDArray[Any]]:
    """The visible regions as the cache stores them; `owner` is the index of a region's span."""
    regions = list(_visible_regions(maps, spans))
    data, offsets = cache.PackedBytes.pack(region.code for region in regions)
    return {
        "owner": np.array([region.span for region in regions], np.int64),
        "frames": np.array([region.frame for region in regions], np.int64),
        "boxes": np.array([region.box for region in regions], np.float32).reshape(-1, 4),
        "codes": data,
        "offsets": offsets,
    }


def largest_box(bits: Bits) -> tuple[int, int, int, int]:
    """The box of an object as UBnormal's authors draw it: that of the connected part with the largest box.

    Args:
        bits: (H, W) bool, at least one pixel.

    Returns:
        Left, top, right, bottom in pixels, right and bottom exclusive.
    """
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(bits.view(np.uint8), connectivity=8)
    x, y, width, height = (int(n) for n in max(stats[1:], key=lambda row: int(row[2]) * int(row[3]))[:4])
    return x, y, x + width, y + height
