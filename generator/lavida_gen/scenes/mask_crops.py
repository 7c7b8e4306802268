"""Masks in a small part of a large picture: encoded and decoded without a plane of the whole picture.

Letters: H W pixels of the picture, h w of the part.
"""

from __future__ import annotations

import numpy as np

from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.run_lengths import borders


def encode_crop(crop: Bits, corner: tuple[int, int], size: tuple[int, int]) -> RLE:
    """Encode a mask that is empty outside a part of its picture.

    Args:
        crop: (h, w) bool, the part.
        corner: (top, left) of the part, which lies in the picture.
        size: (H, W) of the picture.

    Returns:
        The mask of the whole picture; equal to `masks.encode` of it.
    """
    top, left = corner
    assert top >= 0 <= left, f"a part at {corner}"
    assert top + crop.shape[0] <= size[0], f"a part of {crop.shape} at {corner} in {size}"
    assert left + crop.shape[1] <= size[1], f"a part of {crop.shape} at {corner} in {size}"
    columns = np.zeros((crop.shape[1], crop.shape[0] + 2), np.bool_)  # no run goes on in the next column
    columns[:, 1:-1] = crop.T
    flat = columns.ravel()
    column, row = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), columns.shape[1])
    edges = (left + column) * size[0] + top + row  # where runs begin, each followed by where it ends
    apart = edges[2::2] != edges[1:-1:2]  # the others go on at the top of the next column
    kept = np.ones(len(edges), np.bool_)
    kept[2::2] = kept[1:-1:2] = apart
    edges = np.concatenate(([0], edges[kept], [size[0] * size[1]]))
    runs = (edges[1:] - edges[:-1]).tolist()
    return masks.from_runs(runs if runs[-1] or len(runs) == 1 else runs[:-1], size)


def decode_crop(rle: RLE, rows: slice, columns: slice) -> Bits:
    """Decode a mask in a part of its picture.

    Args:
        rle: The mask (H, W).
        rows: Rows of the part, with a start and a stop in 0..H.
        columns: Columns of the part, with a start and a stop in 0..W.

    Returns:
        What ``decode(rle)[rows, columns]`` is: bool, one row after the other in memory.
    """
    import cv2

    start, stop = columns.start * rle.height, columns.stop * rle.height
    lengths = np.minimum(np.maximum(borders(rle.counts), start), stop)
    lengths[1:] -= lengths[:-1].copy()
    lengths[0] -= start
    values = np.zeros(len(lengths), np.bool_)
    values[1::2] = True
    by_columns = values.repeat(lengths).reshape(columns.stop - columns.start, rle.height)[:, rows]
    if not by_columns.size:
        return by_columns.T
    return cv2.transpose(by_columns.view(np.uint8)).view(np.bool_)  # several times as fast at it as numpy
