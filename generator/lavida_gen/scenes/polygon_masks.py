"""Many polygons drawn at once, to the pixel as pycocotools draws them one by one.

pycocotools (`rleFrPoly`) walks along each edge in steps of a fifth of a pixel and notes where it passes from the middle
of one column of pixels to the next; the mask's run lengths are the distances between these places, column by column.
Here the places of all edges are computed at once. Letters: P polygons, E edges, C places, H W pixels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_SIDE = 1 << 20
"""Pixels of a side; in larger pictures the steps would leave pycocotools' 32 bits."""
_STEPS = 5
"""Steps per pixel."""
_NEAR = 1e-6
"""A step this close to the middle between two columns is decided by the rounding of pycocotools' own formula."""

_Ints = NDArray[np.int32]
_Longs = NDArray[np.int64]
_Floats = NDArray[np.float64]
_Places = NDArray[np.integer[Any]]  # uint32, or int64 where that is too small


class _Edges(NamedTuple):
    """Edges that pass at least one column; `x`, `y`, in steps: the end that is smaller on the longer axis."""

    x: _Ints
    y: _Ints
    slope: _Floats  # steps of the shorter axis per step of the longer one
    column: _Ints  # the first column that is passed
    columns: _Ints  # how many are passed
    height: _Ints  # of the picture
    origin: _Longs  # place of the picture's first pixel


def draw(x: _Floats, y: _Floats, lengths: _Longs, sizes: _Longs) -> tuple[bytes, _Longs]:
    """Draw polygons.

    Args:
        x: (sum(lengths),) of the corners of all polygons in pixels; none is farther from the picture than ten times its
            longer side.
        y: The same.
        lengths: (P,) corners of each polygon, at least 3; P is at least 1.
        sizes: (P, 2) H, W of each polygon's picture, at most `MAX_SIDE`.

    Returns:
        The compressed run lengths of all polygons one after the other, as `RLE.counts`, and (P,) the bytes of each.
    """
    areas = sizes[:, 0] * sizes[:, 1]
    ends = np.cumsum(areas + 1) - 1  # the place after the last pixel of each polygon's picture
    kind = np.uint32 if ends[-1] < 1 << 32 else np.int64
    flat, steep = _edges(x, y, lengths, sizes, ends - areas)
    places = np.concatenate([_flat_places(flat, kind), _steep_places(steep, kind), ends.astype(kind)])
    places.sort()
    places = _without_pairs(places, ends.astype(kind))
    return _compress(places, np.searchsorted(places, ends.astype(kind)) + 1)


def _edges(x: _Floats, y: _Floats, lengths: _Longs, sizes: _Longs, origins: _Longs) -> tuple[_Edges, _Edges]:
    """The edges that are at least as wide as high, and the others."""
    ends = np.cumsum(lengths)
    x0, y0 = (_STEPS * x + 0.5).astype(np.int32), (_STEPS * y + 0.5).astype(np.int32)
    x1, y1 = np.append(x0[1:], x0[0]), np.append(y0[1:], y0[0])
    x1[ends - 1], y1[ends - 1] = x0[ends - lengths], y0[ends - lengths]
    low, high = np.minimum(x0, x1), np.maximum(x0, x1)
    column = np.maximum((low + 2) // _STEPS, 0)
    columns = np.minimum((high - 3) // _STEPS + 1, np.repeat(sizes[:, 1].astype(np.int32), lengths)) - column
    polygon = np.repeat(np.arange(len(lengths)), lengths)
    height = sizes[:, 0].astype(np.int32)
    is_flat, passes, found = high - low >= np.abs(y1 - y0), columns > 0, []
    for chosen, (a0, b0, a1, b1) in ((is_flat, (x0, y0, x1, y1)), (~is_flat, (y0, x0, y1, x1))):
        rows = np.flatnonzero(chosen & passes)
        a0, b0, a1, b1, of = a0[rows], b0[rows], a1[rows], b1[rows], polygon[rows]
        slope = (b1 - b0) / (a1 - a0)
        a, b = np.minimum(a0, a1), np.where(a0 > a1, b1, b0)
        start = (a, b) if chosen is is_flat else (b, a)
        found.append(_Edges(start[0], start[1], slope, column[rows], columns[rows], height[of], origins[of]))
    return found[0], found[1]


def _flat_places(edges: _Edges, kind: type) -> _Places:
    """Where edges that are at least as wide as high pass columns: one step in x is one step of the walk."""
    rows, start = _passes(edges)
    step = _STEPS * (edges.column - start) + 2 - edges.x + (edges.slope < 0)  # of both sides the one with the smaller y
    walked = _STEPS * np.arange(len(rows), dtype=np.int32) + step[rows]
    y = edges.y[rows] + edges.slope[rows] * walked + 0.5
    return _places(edges, rows, start, y.astype(np.int32), kind)


def _steep_places(edges: _Edges, kind: type) -> _Places:
    """Where the other edges pass columns: the last step on the near side of the middle between two columns."""
    rows, start = _passes(edges)
    right = _STEPS * np.arange(len(rows), dtype=np.int32) + (_STEPS * (edges.column - start) + 3)[rows]
    x, slope = edges.x[rows], edges.slope[rows]
    exact = (right - 0.5 - x) / slope
    step = np.where(slope > 0, np.ceil(exact) - 1, np.floor(exact))
    nearest = np.rint(exact)
    near = np.flatnonzero(np.abs(exact - nearest) < _NEAR)
    there = (x[near] + slope[near] * nearest[near] + 0.5).astype(np.int32) >= right[near]
    step[near] = nearest[near] - (there == (slope[near] > 0))
    return _places(edges, rows, start, edges.y[rows] + step.astype(np.int32), kind)


def _passes(edges: _Edges) -> tuple[NDArray[np.intp], _Ints]:
    """The edge of each passed column, (C,), and the number of columns that the edges before each edge pass, (E,)."""
    return np.repeat(np.arange(len(edges.columns)), edges.columns), _cumsum(edges.columns) - edges.columns


def _cumsum(values: NDArray[Any]) -> NDArray[Any]:
    """Sums in the type of the values; numpy's own choice of a wider type takes a hundred times as long."""
    return np.cumsum(values, dtype=values.dtype)


def _places(edges: _Edges, rows: NDArray[np.intp], start: _Ints, y: _Ints, kind: type) -> _Places:
    """The places of the pixels whose middles are the first below step `y`."""
    height = edges.height[rows]
    origin = edges.origin + (edges.column - start).astype(np.int64) * edges.height
    place: _Places = origin.astype(kind)[rows] + height.astype(kind) * np.arange(len(rows), dtype=kind)
    place += np.clip((y + 2) // _STEPS, 0, height).astype(kind)
    return place


def _without_pairs(places: _Places, ends: _Places) -> _Places:
    """Sorted places without those that come twice, which change nothing; an end stays once."""
    twins = np.flatnonzero(places[1:] == places[:-1])
    if not len(twins):
        return places
    begins = np.flatnonzero(np.diff(twins, prepend=-2) != 1)  # of rows of three and more equal places
    rank = np.arange(len(twins)) - np.repeat(begins, np.diff(begins, append=len(twins)))
    at_end = ends[np.searchsorted(ends, places[twins])] == places[twins]
    pairs = twins[~at_end & (rank % 2 == 0)]
    keep = np.ones(len(places), np.bool_)
    keep[pairs] = keep[pairs + 1] = keep[twins[at_end]] = False
    return places[keep]


def _compress(places: _Places, stops: NDArray[np.intp]) -> tuple[bytes, _Longs]:
    """COCO's code of the distances between places up to each stop: differences to the last but one, 5 bits a time."""
    starts = np.concatenate([[0], stops[:-1]])
    runs = np.diff(places, prepend=places.dtype.type(0)).astype(np.int32)
    runs[starts[1:]] -= 1  # an end is one place before the next origin
    codes = runs.copy()
    codes[2:] -= runs[:-2]
    for number in range(3):
        early = starts + number
        early = early[early < stops]
        codes[early] = runs[early]
    size = codes ^ (codes >> 31)
    packed = (codes & 31).astype("<u4" if size.max() < 1 << 19 else "<u8") + 48  # the characters of a code, and zeros
    width = np.ones(len(codes), np.uint8)
    wide, bits = np.flatnonzero(size >= 16), 0
    while len(wide):
        bits += 5
        character = (codes[wide] >> bits & 31).astype(packed.dtype) + 48
        packed[wide] += (character << (bits // 5 * 8)) + (32 << (bits // 5 * 8 - 8))
        width[wide] += 1
        wide = wide[size[wide] >= 16 << bits]
    return packed.tobytes().translate(None, b"\0"), np.add.reduceat(width, starts, dtype=np.int64)
