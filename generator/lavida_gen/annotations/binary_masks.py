"""Binary masks: one thing and the rest, stored as 0 and 1, as 0 and 255, or with the noise of a JPEG around both.

Letters: H W pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.index_masks import Indices, count_values
from lavida_gen.common.errors import DataError, problem

LOSSY = (".jpg", ".jpeg", ".webp")
"""Formats that change values a little: they can hold binary masks of black and white, but no indices."""

NOISE = 16
"""From black and from white, of 255."""
MOST_BETWEEN = 0.3
"""Largest share of pixels between black and white; more is a gradient, such as a depth map."""
MOST_FLAT_NOISE = 0.25
"""Largest flat area of nearly black values, as a share of the white; more are numbers of things."""


def to_bits(plane: Indices, where: object, lossy: bool = False) -> NDArray[np.uint8]:
    """The thing in a binary mask.

    Black is 0 and white 255 (65,535 of 16 bits). Up to a half of white (0/1, or numbers of instances), each value other
    than 0 is the thing. With white in it, a mask of more than two values has noise or soft edges: from 128 on is the
    thing.

    Args:
        plane: (H, W) values as stored.
        where: Names the mask in errors.
        lossy: Whether its format changes values a little.

    Returns:
        (H, W) of 0 and 1.

    Raises:
        DataError: It has grey levels that are neither black nor white, or is a JPEG without white.
    """
    most = int(plane.max(initial=0))
    white = 255 if most <= 255 else 65535
    if most <= white // 2:
        if most and lossy:
            got = f"is a JPEG or WebP with values up to {most}, which these formats change"
            raise DataError(problem(where, got, "0 and 255", "export the masks as PNG"))
        return np.not_equal(plane, 0).astype(np.uint8)
    few = len(count_values(plane)) <= 2
    if levels := [] if few else _levels(plane if white == 255 else np.right_shift(plane, 8)):
        some = ", ".join(map(str, levels[:3])) + (", ..." if len(levels) > 3 else "")
        todo = "export a binary mask, or give `names` instead of `binary` if these are indices"
        raise DataError(problem(where, f"holds grey levels ({some} of 255)", f"two values such as 0 and {white}", todo))
    return np.greater(plane, white // 2).astype(np.uint8)


def _levels(plane: Indices) -> list[int]:
    """Values that mean something beside black and white, the most frequent first.

    Soft edges and noise are thin or uneven: no pixel of theirs has eight neighbours of the same value.
    """
    import cv2

    grey = np.ascontiguousarray(plane, np.uint8)
    often = np.bincount(grey.ravel(), minlength=256)
    black, white = int(np.argmax(often[:64])), 192 + int(np.argmax(often[192:]))  # of videos often 16 and 235
    box = np.ones((3, 3), np.uint8)
    flat = grey[cv2.erode(grey, box) == cv2.dilate(grey, box)]
    flat = flat[(flat != black) & (flat != white)]
    between = flat[(flat >= NOISE) & (flat < 256 - NOISE)]
    nearly_black = flat[flat < NOISE]
    uneven = grey[(grey >= 64) & (grey < 192)]
    if len(nearly_black) > MOST_FLAT_NOISE * often[white]:
        found = nearly_black
    elif len(between):
        found = between
    else:
        found = uneven if len(uneven) > MOST_BETWEEN * grey.size else flat[:0]
    counts = np.bincount(found, minlength=256)
    return [int(value) for value in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]]
