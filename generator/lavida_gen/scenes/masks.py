"""Masks as COCO run lengths: making, joining, measuring and drawing them.

The one place (outside sources/) that knows pycocotools. Letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem

Bits = NDArray[np.bool_]


class RLE(NamedTuple):
    """A binary mask of (height, width) pixels in COCO's compressed run-length code.

    `counts` is COCO's ASCII code of the column-major runs (pycocotools `rleToString`).
    """

    height: int
    width: int
    counts: bytes

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.height, self.width


class Box(NamedTuple):
    """An axis-aligned box in pixels: left, top, width, height; (0, 0, 0, 0) for an empty mask."""

    x: int
    y: int
    width: int
    height: int


def _api() -> Any:
    from pycocotools import _mask  # the C functions; the pure Python wrapper costs more than the work

    return _mask


def _coco(rle: RLE) -> dict[str, Any]:
    return {"size": [rle.height, rle.width], "counts": rle.counts}


def _rle(coco: dict[str, Any]) -> RLE:
    return RLE(int(coco["size"][0]), int(coco["size"][1]), coco["counts"])


def encode(bits: NDArray[Any]) -> RLE:
    """Run lengths of a (H, W) mask; every value but 0 counts as set."""
    plane = np.asfortranarray(bits.astype(np.uint8) if bits.dtype == np.bool_ else (bits != 0).astype(np.uint8))
    return _rle(_api().encode(plane[:, :, None])[0])


def decode(rle: RLE) -> Bits:
    """The mask as bool (H, W)."""
    return _plane(rle).view(np.bool_)


def _plane(rle: RLE) -> NDArray[np.uint8]:
    """The mask as 0 and 1 (H, W), row by row; pycocotools' columns are turned by OpenCV, which is quick at it."""
    import cv2

    return np.asarray(cv2.transpose(_api().decode([_coco(rle)])[:, :, 0].T), np.uint8)


def empty(size: tuple[int, int]) -> RLE:
    """A mask of `size` (H, W) with nothing set."""
    return from_runs([size[0] * size[1]], size)


def from_runs(runs: Sequence[int], size: tuple[int, int], where: object = "mask") -> RLE:
    """COCO's uncompressed form: column-major run lengths, the first one counts zeros. Raises DataError."""
    if any(run < 0 for run in runs) or sum(runs) != size[0] * size[1]:
        raise DataError(
            problem(
                where,
                f"run lengths sum up to {sum(runs)}",
                f"{size[0] * size[1]} = {size[0]} x {size[1]} pixels",
            )
        )
    return _rle(_api().frUncompressedRLE([{"size": list(size), "counts": list(runs)}], *size)[0])


def from_values(plane: NDArray[Any]) -> dict[int, RLE]:
    """Run lengths of every value of an integer (H, W) plane, by value, ascending: one pass for all of them."""
    size = (plane.shape[0], plane.shape[1])
    flat = _by_columns(plane)
    cuts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts, stops = np.concatenate(([0], cuts)), np.concatenate((cuts, [flat.size]))
    values = flat[starts]
    order = np.argsort(values, kind="stable")
    found, first = np.unique(values[order], return_index=True)
    rles = {}
    for value, runs in zip(found.tolist(), np.split(order, first[1:]), strict=True):
        begin, end = starts[runs], stops[runs]
        counts = np.empty(2 * len(runs) + 1, np.int64)
        counts[0], counts[-1] = begin[0], flat.size - end[-1]
        counts[1::2], counts[2:-1:2] = end - begin, begin[1:] - end[:-1]
        counts = counts if counts[-1] else counts[:-1]  # as pycocotools' own code ends
        rles[int(value)] = _rle(_api().frUncompressedRLE([{"size": list(size), "counts": counts}], *size)[0])
    return rles


def _by_columns(plane: NDArray[Any]) -> NDArray[Any]:
    """The (H, W) plane as (H * W,), column after column; OpenCV turns planes several times as fast as numpy."""
    import cv2

    alike = {1: np.uint8, 2: np.uint16, 4: np.int32}.get(plane.dtype.itemsize)
    if alike is None or not plane.size:
        return plane.T.ravel()
    turned: NDArray[Any] = cv2.transpose(plane.view(alike))
    return turned.ravel().view(plane.dtype)


def from_counts(counts: bytes | str, size: tuple[int, int], where: object = "mask") -> RLE:
    """COCO's compressed form, checked: the runs must fill `size` (H, W) exactly. Raises DataError."""
    data = counts.encode("ascii", "replace") if isinstance(counts, str) else counts
    total = sum(_runs(data, where))
    if total != size[0] * size[1]:
        raise DataError(
            problem(where, f"run lengths sum up to {total}", f"{size[0] * size[1]} = {size[0]} x {size[1]} pixels")
        )
    return RLE(size[0], size[1], data)


def _runs(data: bytes, where: object) -> list[int]:
    """Run lengths behind COCO's compressed code (6 bits a character, differences to the run before last)."""
    runs: list[int] = []
    at, end = 0, len(data)
    while at < end:
        value = shift = 0
        more = True
        while more:
            if at >= end:
                raise DataError(problem(where, "compressed run lengths end in the middle of a number"))
            char = data[at] - 48
            if not 0 <= char < 64:
                raise DataError(problem(where, f"byte {data[at]} in compressed run lengths", "characters 48..111"))
            value |= (char & 0x1F) << shift
            more = bool(char & 0x20)
            at += 1
            shift += 5
            if not more and char & 0x10:
                value |= -1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            raise DataError(problem(where, f"run {len(runs)} is negative ({value})"))
        runs.append(value)
    return runs


def from_polygons(polygons: Sequence[Sequence[float]], size: tuple[int, int], where: object = "mask") -> RLE:
    """Union of polygons [x0, y0, x1, y1, ...] in pixels, drawn as pycocotools does. Raises DataError."""
    for number, polygon in enumerate(polygons):
        if len(polygon) < 6 or len(polygon) % 2:
            raise DataError(
                problem(
                    f"{where} polygon {number}",
                    f"{len(polygon)} numbers",
                    "an even count of at least 6 (x, y, ...)",
                )
            )
    if not polygons:
        raise DataError(problem(where, "no polygon", "at least one"))
    # pycocotools asks whether these are boxes by their length (4): every polygon here has at least 6 numbers.
    parts = _api().frPoly([list(map(float, polygon)) for polygon in polygons], size[0], size[1])
    return _rle(_api().merge(parts, 0))


def union(rles: Sequence[RLE]) -> RLE:
    """Pixels set in any of `rles` (at least one, all of one size)."""
    return rles[0] if len(rles) == 1 else _rle(_api().merge([_coco(r) for r in rles], 0))


def intersection(rles: Sequence[RLE]) -> RLE:
    """Pixels set in all of `rles` (at least one, all of one size)."""
    return rles[0] if len(rles) == 1 else _rle(_api().merge([_coco(r) for r in rles], 1))


def area(rle: RLE) -> int:
    """Number of set pixels."""
    return int(_api().area([_coco(rle)])[0])


def box(rle: RLE) -> Box:
    """Tight box of the set pixels."""
    x, y, w, h = _api().toBbox([_coco(rle)])[0]
    return Box(int(x), int(y), int(w), int(h))


def to_png(rle: RLE) -> bytes:
    """The mask as a one-bit PNG whose readers see 0 and 255."""
    import cv2

    done, data = cv2.imencode(".png", _plane(rle), [cv2.IMWRITE_PNG_BILEVEL, 1])
    assert done, "cv2 could not encode a mask"
    return bytes(data)


def from_png(data: bytes, where: object = "mask") -> Bits:
    """A mask PNG as bool (H, W). Raises DataError if it is no image."""
    import cv2

    plane = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if plane is None:
        raise DataError(problem(where, "is no readable PNG"))
    return np.asarray(plane != 0)
