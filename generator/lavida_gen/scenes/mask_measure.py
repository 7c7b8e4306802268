"""The size, area and box of a mask PNG. `verify` needs no more of a mask, and computes it without its pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.scenes import mask_png, masks
from lavida_gen.scenes.masks import Box


class MaskMeasure(NamedTuple):
    """What a mask measures.

    Attributes:
        size: (H, W) in pixels.
        area: Number of set pixels.
        box: Their tight box in pixels, zeros for an empty mask.
    """

    size: tuple[int, ...]
    area: int
    box: Box


def measure(png: bytes, where: object) -> MaskMeasure:
    """Measure a mask: in a fifth of the time of decoding it, if the file is as `mask_png.encode` writes it.

    Args:
        png: The PNG.
        where: Names the mask in errors.

    Raises:
        DataError: It is not an image, or too large.
    """
    stored = mask_png.stored_rows(png)
    found = None if stored is None else _measure_rows(*stored)
    if found is None:
        bits = masks.from_png(png, where)
        found = MaskMeasure(bits.shape, int(np.count_nonzero(bits)), _box_of_bits(bits))
    return found


def _box_of_bits(bits: NDArray[np.bool_]) -> Box:
    import cv2

    return Box(*cv2.boundingRect(bits.view(np.uint8)))


def _measure_rows(differences: NDArray[np.uint8], size: tuple[int, int]) -> MaskMeasure | None:
    """Measure a mask by its rows of 2 bits a pixel, each as the difference to the one above; None if one is not 0 or 3.

    Only rows between the first and the last difference are added up.
    """
    height, width = size
    changed = np.flatnonzero(differences.any(axis=1))
    if not len(changed):
        return MaskMeasure(size, 0, Box(0, 0, 0, 0))
    top, last = int(changed[0]), int(changed[-1])
    rows = np.add.accumulate(differences[top : last + 1], axis=0, dtype=np.uint8)
    pixels_beyond = 0xFF >> 2 * ((width - 1) % 4 + 1)  # bits of the last byte that are no pixels
    if ((rows ^ rows >> 1) & 0x55).any() or (rows[:, -1] & pixels_beyond).any():
        return None
    below = (height - 1 - last) * int(np.bitwise_count(rows[-1]).sum())  # rows that equal the last one
    area = (int(np.bitwise_count(rows).sum()) + below) // 2
    bottom = height if below or rows[-1].any() else top + int(np.flatnonzero(rows.any(axis=1))[-1]) + 1
    columns = np.flatnonzero(np.unpackbits(np.bitwise_or.reduce(rows, axis=0))[::2])
    left, right = int(columns[0]), int(columns[-1]) + 1
    return MaskMeasure(size, area, Box(left, top, right - left, bottom - top))
