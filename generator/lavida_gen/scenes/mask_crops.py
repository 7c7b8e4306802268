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
    columns = np.zeros((crop.shape[1], crop.shape[0] + 2), np.int8)
    columns[:, 1:-1] = crop.T
    steps = np.diff(columns, axis=1)  # 1 where a run begins, -1 one behind its end
    first_column, first = np.nonzero(steps == 1)
    last_column, last = np.nonzero(steps == -1)
    starts = (left + first_column) * size[0] + top + first
    ends = (left + last_column) * size[0] + top + last
    joined = np.flatnonzero(starts[1:] == ends[:-1])  # runs that go on at the top of the next column
    starts, ends = np.delete(starts, joined + 1), np.delete(ends, joined)
    edges = np.empty(2 * len(starts) + 2, np.int64)
    edges[0], edges[-1] = 0, size[0] * size[1]
    edges[1:-1:2], edges[2:-1:2] = starts, ends
    runs = np.diff(edges).tolist()
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
    ends = np.clip(borders(rle.counts), start, stop)
    lengths = ends - np.concatenate(([start], ends[:-1]))
    values = np.zeros(len(lengths), np.bool_)
    values[1::2] = True
    by_columns = np.repeat(values, lengths).reshape(columns.stop - columns.start, rle.height)[:, rows]
    if not by_columns.size:
        return by_columns.T
    return cv2.transpose(by_columns.view(np.uint8)).view(np.bool_)  # several times as fast at it as numpy
