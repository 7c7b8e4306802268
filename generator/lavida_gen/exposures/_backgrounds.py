"""The holes that things leave, filled with the background behind them.

Pixels come from other frames of the clip, from beside the hole, or are inpainted (Telea, An Image Inpainting Technique
Based on the Fast Marching Method, 2004). Letters: T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lavida_gen.exposures._planes import bounding_box, dilated
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import Bits

CAMERA_TOLERANCE = 14.0
"""Mean difference in grey levels around a hole between two frames of a camera that stands still."""

MAX_INPAINTED = 0.03
"""Largest share of a picture that may be inpainted."""

INPAINT_SURROUNDINGS = 8
"""Pixels around a hole that inpainting looks at: it is slow on whole pictures."""


def fill_holes(frames: Sequence[Pixels], holes: Sequence[Bits], blocked: Sequence[Bits]) -> list[Pixels] | None:
    """Fill the holes of a clip with the background behind them.

    Pixels are taken from other frames where the camera stands still and nothing is blocked, then from beside the hole;
    the rest is inpainted.

    Args:
        frames: T pictures, uint8 RGB (H, W, 3).
        holes: T of bool (H, W).
        blocked: Pixels that show no background (moving things), T of bool (H, W).

    Returns:
        T new pictures, or None if a picture would have to be inpainted by more than MAX_INPAINTED.
    """
    result = []
    for time, hole in enumerate(holes):
        picture, remaining = _from_other_frames(time, frames, holes, blocked)
        inpainted = 0
        for piece in _connected_parts(remaining):
            shift = _matching_shift(picture, piece, blocked[time] | hole)
            if shift:
                picture[piece] = np.roll(picture, shift, 1)[piece]
            else:
                inpainted += int(piece.sum())
                picture[piece] = _inpainted(picture, piece)
        if inpainted > MAX_INPAINTED * hole.size:
            return None
        result.append(picture)
    return result


def _from_other_frames(
    time: int, frames: Sequence[Pixels], holes: Sequence[Bits], blocked: Sequence[Bits]
) -> tuple[Pixels, Bits]:
    """Fill a hole from other frames, the nearest first; the new picture and what remains to be filled."""
    picture, remaining = frames[time].copy(), holes[time].copy()
    for other in sorted(range(len(frames)), key=lambda number: (abs(number - time), number)):
        if (
            other != time
            and remaining.any()
            and _same_background(frames[time], frames[other], holes[time], blocked[time] | blocked[other])
        ):
            visible = remaining & ~blocked[other] & ~holes[other]
            picture[visible] = frames[other][visible]
            remaining &= ~visible
    return picture, remaining


def _connected_parts(bits: Bits) -> list[Bits]:
    import cv2

    count, labels = cv2.connectedComponents(bits.astype(np.uint8))
    return [np.asarray(labels == number) for number in range(1, count)]


def _same_background(one: Pixels, two: Pixels, hole: Bits, blocked: Bits) -> bool:
    """Do two frames show the same background around a hole?"""
    ring = dilated(hole, 8) & ~hole & ~blocked
    return bool(ring.any()) and float(np.abs(one[ring].astype(np.int16) - two[ring]).mean()) < CAMERA_TOLERANCE


def _matching_shift(picture: Pixels, hole: Bits, blocked: Bits) -> int:
    """Columns by which to shift the picture so that it fits around the hole and fills it; 0 if no shift fits.

    Ground, walls and sky continue sideways, so this keeps their texture.
    """
    ring = dilated(hole, 3) & ~blocked
    if not ring.any():
        return 0
    columns = np.flatnonzero(hole.any(0))
    width = int(columns[-1] - columns[0]) + 7
    smallest, best_shift = CAMERA_TOLERANCE * 1.5, 0
    for shift in (width, -width, width * 3 // 2, -width * 3 // 2, width * 2, -width * 2):
        is_inside = columns[0] - shift >= 0 and columns[-1] - shift < picture.shape[1]
        if not is_inside or (np.roll(hole, -shift, 1) & blocked).any():
            continue
        difference = float(np.abs(np.roll(picture, shift, 1)[ring].astype(np.int16) - picture[ring]).mean())
        if difference < smallest:
            smallest, best_shift = difference, shift
    return best_shift


def _inpainted(picture: Pixels, hole: Bits) -> Pixels:
    """Inpainted pixels of a hole, (number of pixels, 3)."""
    import cv2

    box = bounding_box(hole)
    window = (
        slice(max(box.y - INPAINT_SURROUNDINGS, 0), box.y + box.height + INPAINT_SURROUNDINGS),
        slice(max(box.x - INPAINT_SURROUNDINGS, 0), box.x + box.width + INPAINT_SURROUNDINGS),
    )
    mask = hole[window]
    painted = cv2.inpaint(np.ascontiguousarray(picture[window]), mask.astype(np.uint8), 4, cv2.INPAINT_TELEA)
    return np.asarray(painted, np.uint8)[mask]
