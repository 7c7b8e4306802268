"""Binary masks: one thing and the rest, stored as 0 and 1, as 0 and 255, or with the noise of a JPEG around both.

Letters: H W pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.index_masks import Indices, count_values
from lavida_gen.common.errors import DataError, problem

MOST_BETWEEN, MOST_OF_A_LEVEL = 0.3, 0.04
"""Largest share of pixels between black and white, and of one grey level: soft edges are thin and of many levels."""

LOSSY = (".jpg", ".jpeg", ".webp")
"""Formats that change values a little: they can hold binary masks of black and white, but no indices."""


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
    if most <= white // 2 or len(np.unique(plane)) <= 2:
        if most and most <= white // 2 and lossy:
            got = f"is a JPEG or WebP with values up to {most}, which these formats change"
            raise DataError(problem(where, got, "0 and 255", "export the masks as PNG"))
        return np.not_equal(plane, 0).astype(np.uint8)
    levels = {value: count for value, count in count_values(plane).items() if white // 4 < value < white - white // 4}
    share, most_of_one = sum(levels.values()) / plane.size, max(levels.values(), default=0) / plane.size
    if share > MOST_BETWEEN or most_of_one > MOST_OF_A_LEVEL:
        often = sorted(levels, key=levels.__getitem__, reverse=True)
        some = ", ".join(map(str, often[:3])) + (", ..." if len(often) > 3 else "")
        got = f"holds grey levels ({some}) in {100 * share:.0f} % of its pixels"
        todo = "export a binary mask, or give `names` instead of `binary` if these are indices"
        raise DataError(problem(where, got, f"two values such as 0 and {white}", todo))
    return np.greater(plane, white // 2).astype(np.uint8)
