"""Index masks: PNGs whose pixel values are numbers of classes or objects, not colours.

Pillow reads the indices that a palette PNG stores (mode P); OpenCV would expand the palette to colours. A picture whose
channels are equal (R = G = B, a constant alpha) holds one number per pixel too. Letters: H W pixels.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PICTURE, beside, read_regular, unreadable
from lavida_gen.scenes.image_decoders import values_by_pillow

Indices = NDArray[np.generic]
"""(H, W) integers as stored: uint8, uint16 or int32."""

INDEX_MODES = ("P", "L", "1", "I", "I;16", "I;16B", "I;16L")
COLOUR_MODES = ("RGB", "RGBA", "LA", "PA")


def read(path: Path, tolerance: int = 0, shown: bool = False) -> Indices:
    """Read an index mask.

    Args:
        path: The image file.
        tolerance: Largest difference of the channels of a pixel that still counts as grey.
        shown: Whether two indices of a palette of greys mean these greys, as in binary masks.

    Returns:
        (H, W) indices as stored.

    Raises:
        DataError: The file is missing or broken, or holds colours other than greys.
    """
    return _indices(*values_by_pillow(read_file(path), path, shown), path, tolerance)


def read_bytes(data: bytes, where: object, shown: bool = False) -> Indices:
    """Decode an index mask.

    Args:
        data: An encoded image.
        where: Names the image in errors.
        shown: As for `read`.

    Returns:
        (H, W) indices as stored.

    Raises:
        DataError: The image is broken or holds colours.
    """
    return _indices(*values_by_pillow(data, where, shown), where)


def _indices(mode: str, plane: NDArray[np.generic], where: object, tolerance: int = 0) -> Indices:
    if mode in COLOUR_MODES:
        plane = _one_channel(mode, plane, where, tolerance)
    elif mode == "F" and np.isfinite(plane).all() and np.array_equal(plane, np.rint(plane)):
        plane = plane.astype(np.int32)  # a float TIFF of whole numbers
    elif mode not in INDEX_MODES:
        expected = "one index per pixel (palette, or grey of 8 or 16 bits)"
        raise DataError(problem(where, f"holds values of mode {mode}", expected, "export index masks"))
    return plane.astype(np.uint8) if plane.dtype == np.bool_ else plane


def _one_channel(mode: str, plane: NDArray[np.generic], where: object, tolerance: int) -> Indices:
    """The value of each pixel of a picture whose colours are all grey. Raises DataError if some are not."""
    grey, alpha = (plane[..., :-1], plane[..., -1]) if mode.endswith("A") else (plane, None)
    expected, todo = "one index per pixel (palette, or grey of 8 or 16 bits)", "export index masks"
    channels = [np.asarray(grey[..., number], np.uint8) for number in range(grey.shape[-1])]
    low, high = functools.reduce(np.minimum, channels), functools.reduce(np.maximum, channels)  # quicker than np.ptp
    if (high - low > tolerance).any():
        raise DataError(problem(where, f"holds colours ({mode})", expected, todo))
    if alpha is not None and alpha.size and alpha.min() != alpha.max():
        raise DataError(problem(where, f"is partly transparent ({mode})", expected, todo))
    return np.ascontiguousarray(grey[..., 0])


def count_values(plane: Indices) -> dict[int, int]:
    """How often each value occurs.

    Args:
        plane: (H, W) integers.

    Returns:
        Value -> number of pixels, sorted by value.
    """
    if plane.dtype.kind == "u" and plane.dtype.itemsize <= 2:  # several times as fast as np.unique
        counts = np.bincount(plane.ravel())
        return {value: int(counts[value]) for value in np.flatnonzero(counts).tolist()}
    values, counts = np.unique(plane, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def read_colours(path: Path) -> NDArray[np.int32]:
    """Read the segment ids of a COCO panoptic PNG: R + 256 G + 65536 B.

    Args:
        path: An RGB image file.

    Returns:
        (H, W) int32 ids.

    Raises:
        DataError: The file is missing or broken, or not RGB.
    """
    mode, plane = values_by_pillow(read_file(path), path)
    if mode not in ("RGB", "RGBA"):
        raise DataError(problem(path, f"is of mode {mode}", "RGB, whose three bytes form one id"))
    colours = np.asarray(plane, np.uint8)
    ids = colours[:, :, 2].astype(np.int32)
    for channel in (1, 0):  # in place: a mask may have many pixels
        ids <<= 8
        ids += colours[:, :, channel]
    return ids


def read_file(path: Path) -> bytes:
    """The bytes of a mask file.

    Args:
        path: The image file.

    Raises:
        DataError: The file is missing or cannot be read.
    """
    try:
        return read_regular(path, MAX_PICTURE)
    except FileNotFoundError as error:
        other = beside(path)
        got, todo = "the mask file does not exist", f"there is {other}" if other else "fetch the annotations again"
        raise DataError(problem(path, got, "an index PNG", todo)) from error
    except OSError as error:
        raise unreadable(path, error, "a complete PNG", "fetch the file again") from error
