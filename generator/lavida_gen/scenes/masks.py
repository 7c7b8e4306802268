"""Masks as COCO run lengths: encoding, merging, measuring and decoding them.

The only module that uses pycocotools. Letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import check_pixels
from lavida_gen.scenes import mask_png, run_lengths
from lavida_gen.scenes.image_decoders import greys_by_opencv
from lavida_gen.scenes.image_header import check_whole, probe

Bits = NDArray[np.bool_]
"""(H, W) bool."""


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


class _CocoMask(TypedDict):
    """A mask as pycocotools takes and returns it."""

    size: list[int]
    counts: bytes


@cache
def _api() -> ModuleType:
    from pycocotools import _mask  # the C functions; the Python wrapper takes longer than the work

    module: ModuleType = _mask
    return module


def _coco(rle: RLE) -> _CocoMask:
    return {"size": [rle.height, rle.width], "counts": rle.counts}


def _rle(coco: _CocoMask) -> RLE:
    return RLE(int(coco["size"][0]), int(coco["size"][1]), coco["counts"])


def encode(bits: NDArray[np.generic]) -> RLE:
    """Encode a mask.

    Args:
        bits: (H, W) bool or numbers; every value except 0 counts as set.

    Returns:
        Its run lengths.
    """
    plane = np.asfortranarray(bits.astype(np.uint8) if bits.dtype == np.bool_ else (bits != 0).astype(np.uint8))
    return _rle(_api().encode(plane[:, :, None])[0])


def decode(rle: RLE) -> Bits:
    """Decode a mask.

    Args:
        rle: Its run lengths.

    Returns:
        (H, W) bool.
    """
    return _plane(rle).view(np.bool_)


def _plane(rle: RLE) -> NDArray[np.uint8]:
    """The mask as (H, W) 0 and 1 in C order; OpenCV transposes the columns of pycocotools, since it is fast at it."""
    import cv2

    return np.asarray(cv2.transpose(_api().decode([_coco(rle)])[:, :, 0].T), np.uint8)


def empty(size: tuple[int, int]) -> RLE:
    """An empty mask.

    Args:
        size: (H, W) in pixels.

    Returns:
        A mask in which nothing is set.
    """
    return from_runs([size[0] * size[1]], size)


def from_runs(runs: Sequence[int], size: tuple[int, int], where: object = "mask") -> RLE:
    """Encode COCO's uncompressed form.

    Args:
        runs: Column-major run lengths; the first one counts zeros.
        size: (H, W) in pixels.
        where: Names the mask in errors.

    Returns:
        The mask.

    Raises:
        DataError: The runs do not fill `size` exactly.
    """
    check_pixels(size[1], size[0], where)
    if min(runs, default=0) < 0 or sum(runs) != size[0] * size[1]:
        expected = f"{size[0] * size[1]} = {size[0]} x {size[1]} pixels"
        raise DataError(problem(where, f"run lengths sum up to {sum(runs)}", expected))
    return _rle(_api().frUncompressedRLE([{"size": list(size), "counts": list(runs)}], *size)[0])


MAX_RUNS = 10_000_000
"""Stretches of equal values in an index mask, which take 70 bytes each while it is encoded; a mask of COCO has some
thousands, but a PNG of a megabyte can hold a hundred million."""


def from_values(plane: NDArray[np.generic], where: object = "mask") -> dict[int, RLE]:
    """Encode the mask of every value of an index mask, in one pass.

    Args:
        plane: (H, W) integers.
        where: Names the mask in errors.

    Returns:
        Value -> its mask, sorted by value.

    Raises:
        DataError: Its values change more often than `MAX_RUNS` times, column by column.
    """
    size = (plane.shape[0], plane.shape[1])
    flat = _by_columns(plane)
    changes = flat[1:] != flat[:-1]
    if (count := int(np.count_nonzero(changes))) > MAX_RUNS:
        expected = f"at most {MAX_RUNS:,} stretches of equal values"
        raise DataError(problem(where, f"its values change {count:,} times", expected, "shrink or remove the mask"))
    cuts = np.flatnonzero(changes) + 1
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
        counts = counts if counts[-1] else counts[:-1]  # pycocotools leaves out a last run of length 0, too
        rles[int(value)] = _rle(_api().frUncompressedRLE([{"size": list(size), "counts": counts}], *size)[0])
    return rles


def _by_columns(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """The (H, W) plane as (H * W,), column by column; OpenCV transposes several times as fast as numpy."""
    import cv2

    dtype = {1: np.uint8, 2: np.uint16, 4: np.int32}.get(plane.dtype.itemsize)
    if dtype is None or not plane.size:
        return plane.T.ravel()
    transposed: NDArray[np.generic] = cv2.transpose(plane.view(dtype))
    return transposed.ravel().view(plane.dtype)


def from_counts(counts: bytes | str, size: tuple[int, int], where: object = "mask") -> RLE:
    """Check COCO's compressed form.

    Args:
        counts: Compressed run lengths.
        size: (H, W) in pixels.
        where: Names the mask in errors.

    Returns:
        The mask.

    Raises:
        DataError: The code is malformed, or the runs do not fill `size` exactly.
    """
    check_pixels(size[1], size[0], where)
    data = counts.encode("ascii", "replace") if isinstance(counts, str) else counts
    total = sum(run_lengths.checked_runs(data, where))
    if total != size[0] * size[1]:
        expected = f"{size[0] * size[1]} = {size[0]} x {size[1]} pixels"
        raise DataError(problem(where, f"run lengths sum up to {total}", expected))
    return RLE(size[0], size[1], data)


def from_polygons(polygons: Sequence[Sequence[float]], size: tuple[int, int], where: object = "mask") -> RLE:
    """Draw polygons as pycocotools does.

    Args:
        polygons: At least one [x0, y0, x1, y1, ...] in pixels.
        size: (H, W) in pixels.
        where: Names the mask in errors.

    Returns:
        The union of the polygons.

    Raises:
        DataError: There is no polygon, or one has less than 3 corners.
    """
    for number, polygon in enumerate(polygons):
        if len(polygon) < 6 or len(polygon) % 2:
            expected = "an even count of at least 6 (x, y, ...)"
            raise DataError(problem(f"{where} polygon {number}", f"{len(polygon)} numbers", expected))
    if not polygons:
        raise DataError(problem(where, "no polygon", "at least one"))
    # pycocotools takes lists of 4 numbers for boxes; every polygon here has at least 6.
    parts = _api().frPoly([list(map(float, polygon)) for polygon in polygons], size[0], size[1])
    return _rle(_api().merge(parts, 0))


def union(rles: Sequence[RLE]) -> RLE:
    """Pixels that are set in any of several masks.

    Args:
        rles: At least one mask, all of the same size.

    Returns:
        Their union.
    """
    return rles[0] if len(rles) == 1 else _rle(_api().merge([_coco(r) for r in rles], 0))


def intersection(rles: Sequence[RLE]) -> RLE:
    """Pixels that are set in all of several masks.

    Args:
        rles: At least one mask, all of the same size.

    Returns:
        Their intersection.
    """
    return rles[0] if len(rles) == 1 else _rle(_api().merge([_coco(r) for r in rles], 1))


def area(rle: RLE) -> int:
    """Measure a mask.

    Args:
        rle: The mask.

    Returns:
        Number of set pixels.
    """
    return int(_api().area([_coco(rle)])[0])


def box(rle: RLE) -> Box:
    """The tight box of the set pixels.

    Args:
        rle: The mask.

    Returns:
        The box in pixels, zeros for an empty mask.
    """
    x, y, w, h = _api().toBbox([_coco(rle)])[0]
    return Box(int(x), int(y), int(w), int(h))


DENSE = 30
"""Pixels per character of run lengths, below which decoding a mask is faster than going from run to run."""


def to_png(rle: RLE) -> bytes:
    """Encode a mask as a grey PNG of 2 bits per pixel, which decodes to 0 and 255 (scenes/mask_png.py).

    Args:
        rle: The mask.

    Returns:
        The PNG.
    """
    if len(rle.counts) * DENSE > rle.height * rle.width:
        return mask_png.encode(decode(rle))
    return mask_png.encode_runs(run_lengths.borders(rle.counts), rle.size)


def from_png(data: bytes, where: object = "mask", size: tuple[int, int] | None = None) -> Bits:
    """Decode a mask PNG.

    Args:
        data: The PNG.
        where: Names the mask in errors.
        size: (H, W) that it must have, None for any.

    Returns:
        (H, W) bool.

    Raises:
        DataError: It is not an image, too large, or of another size.
    """
    if data[:4] != mask_png.SIGNATURE[:4]:
        raise DataError(problem(where, "is not a readable PNG"))
    header = probe(data, where)
    check_whole(data, "png", where)
    if size is not None and header.size != size:
        got = f"has a mask of {header.size[1]} x {header.size[0]} pixels"
        raise DataError(
            problem(where, got, f"{size[1]} x {size[0]}, the size of its picture", "build or fetch it again")
        )
    bits = mask_png.decode(data)
    if bits is not None:
        return bits
    plane = greys_by_opencv(data, where)
    if plane is None:
        raise DataError(problem(where, "is not a readable PNG"))
    return np.asarray(plane != 0)
