"""Maps and masks brought to one size before their pixels are compared: one rule for each protocol.

official    Maps become as large as the masks by bilinear interpolation (half-pixel centres, OpenCV's INTER_LINEAR).
paper       Maps and masks become as large as the benchmark's rules demand by nearest neighbour, as LAVIDA's authors do.

The rule belongs to the protocol, never to the method or to how its maps were stored.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Maps

Resize = Literal["bilinear", "nearest"]
Value = TypeVar("Value", bound=np.generic)


def resize_nearest(stack: NDArray[Value], size: tuple[int, int]) -> NDArray[Value]:
    """Resize by nearest neighbour: output row i takes input row floor(i * h / H).

    Args:
        stack: (n, h, w) of any dtype.
        size: (H, W), the wanted size.

    Returns:
        (n, H, W) of the same dtype; `stack` itself if it has the size.
    """
    if stack.shape[1:] == size:
        return stack
    rows = np.arange(size[0]) * stack.shape[1] // size[0]
    columns = np.arange(size[1]) * stack.shape[2] // size[1]
    return stack[:, rows[:, None], columns[None, :]]


def resize_bilinear(stack: Maps, size: tuple[int, int]) -> Maps:
    """Resize by bilinear interpolation, pixel centres at halves, border pixels continued.

    Args:
        stack: (n, h, w) floating point.
        size: (H, W), the wanted size.

    Returns:
        (n, H, W) of float32, or of float64 for float64: nothing is rounded to float16. `stack` itself if it has the
        size; maps of one pixel are repeated.
    """
    if stack.shape[1:] == size:
        return stack
    if stack.shape[1:] == (1, 1):
        return np.broadcast_to(stack, (len(stack), *size))
    import cv2

    work = stack if stack.dtype.itemsize > 2 else stack.astype(np.float32)
    resized = np.empty((len(stack), *size), work.dtype)
    for index, values in enumerate(work):
        resized[index] = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return resized


def resize_maps(maps: Maps, size: tuple[int, int], how: Resize) -> Maps:
    """Resize pixel scores by the rule of a protocol.

    Args:
        maps: (n, h, w) floating point.
        size: (H, W), the wanted size.
        how: The rule.

    Returns:
        (n, H, W) floating point.
    """
    return resize_bilinear(maps, size) if how == "bilinear" else resize_nearest(maps, size)
