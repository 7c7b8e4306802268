"""Into how many pieces a mask falls."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE


@lru_cache(maxsize=4096)
def is_one_piece(mask: RLE) -> bool:
    """Whether all pixels of a mask are connected, also by corners.

    Args:
        mask: The mask.

    Returns:
        False for an empty mask, too.
    """
    import cv2

    box = masks.box(mask)
    if not box.width:
        return False  # OpenCV crashes without pixels
    crop = masks.decode(mask)[box.y : box.y + box.height, box.x : box.x + box.width]
    count, _ = cv2.connectedComponents(np.ascontiguousarray(crop).view(np.uint8), connectivity=8)
    return bool(count == 2)  # the background and one piece
