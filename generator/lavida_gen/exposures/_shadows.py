"""The shadow of a thing that moves through a clip: what else changes close to it. Letters: T frames, H W pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lavida_gen.exposures._planes import Window
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import Bits, Box

SHADOW = 8
"""Least difference in grey levels that a shadow makes on the ground."""


def shadow_bits(
    frames: Sequence[Pixels], own: Sequence[Bits], boxes: Sequence[Box], others: Sequence[Bits]
) -> list[Bits]:
    """Find the shadow of a thing in each frame of a clip.

    Args:
        frames: T pictures, uint8 RGB (H, W, 3).
        own: Masks of the thing, T of bool (H, W).
        boxes: Their tight boxes, T.
        others: Masks of all other things, T of bool (H, W).

    Returns:
        T of bool (H, W); empty where so much changes that the camera moves.
    """
    import cv2

    found = []
    zones = [_zone(box, bits.shape) for box, bits in zip(boxes, own, strict=True)]
    rows, columns = (slice(min(z[axis].start for z in zones), max(z[axis].stop for z in zones)) for axis in (0, 1))
    usual = _twice_the_median([frame[rows, columns] for frame in frames])
    for frame, bits, rest, zone in zip(frames, own, others, zones, strict=True):
        median = usual[zone[0].start - rows.start : zone[0].stop - rows.start,
                       zone[1].start - columns.start : zone[1].stop - columns.start]  # fmt: skip
        shadow = np.zeros_like(bits)
        shadow[zone] = np.abs(2 * frame[zone].astype(np.int16) - median).max(2) > 2 * SHADOW
        shadow[zone] &= ~(rest[zone] | bits[zone])
        close = tuple(slice(max(side.start - 2, 0), side.stop + 2) for side in zone)  # all that opening can change
        kernel = np.ones((2, 2), np.uint8)
        shadow[close] = cv2.morphologyEx(shadow[close].view(np.uint8), cv2.MORPH_OPEN, kernel).view(np.bool_)
        if np.count_nonzero(shadow) >= 1.5 * np.count_nonzero(bits):
            shadow[close] = False
        found.append(shadow)
    return found


def _zone(box: Box, size: tuple[int, ...]) -> Window:
    """Rows and columns where the shadow of a thing may lie."""
    reach = max(box.height, box.width)
    bottom = min(box.y + box.height - 1 + box.height // 2, size[0])
    right = min(box.x + box.width - 1 + reach, size[1])
    return slice(box.y, bottom), slice(max(box.x - reach, 0), right)


def _twice_the_median(planes: Sequence[Pixels]) -> NDArray[np.int16]:
    """Twice the median of T parts of pictures, int16 (h, w, 3): whole neighbours are exchanged in T rounds.

    `numpy.median` sorts the T values of every pixel by itself, which takes many times as long.
    """
    ranked = list(planes)
    for start in range(len(ranked)):
        for low in range(start % 2, len(ranked) - 1, 2):
            one, two = ranked[low : low + 2]
            ranked[low : low + 2] = np.minimum(one, two), np.maximum(one, two)
    middle = len(ranked) // 2
    return ranked[middle].astype(np.int16) + ranked[-1 - middle]
