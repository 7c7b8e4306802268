"""The holes that things leave, filled with the background behind them.

Pixels come from other frames of the clip, from beside the hole, or are inpainted (Telea, An Image Inpainting Technique
Based on the Fast Marching Method, 2004). Only what is close to a hole is looked at: a thing is small in its picture.
Letters: T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from lavida_gen.exposures._planes import Window, around, bounding_box, dilated, put_in
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import Bits

CAMERA_TOLERANCE = 14.0
"""Mean difference in grey levels around a hole between two frames of a camera that stands still."""

MAX_INPAINTED = 0.03
"""Largest share of a picture that may be inpainted."""

INPAINT_SURROUNDINGS = 8
"""Pixels around a hole that inpainting looks at: it is slow on whole pictures."""

RING, SEAM = 8, 3
"""Pixels around a hole that are compared with other frames, and with what lies beside."""


ValueT = TypeVar("ValueT", bound=np.generic)


class _Piece(NamedTuple):
    """A hole, or a connected part of one: its tight box in the picture, and its mask there (bool)."""

    box: masks.Box
    bits: Bits


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
    for time in range(len(frames)):
        picture = _filled(time, frames, holes, blocked)
        if picture is None:
            return None
        result.append(picture)
    return result


def _filled(time: int, frames: Sequence[Pixels], holes: Sequence[Bits], blocked: Sequence[Bits]) -> Pixels | None:
    """A frame with its hole filled; None as soon as it is known that too much would be inpainted."""
    picture, hole = frames[time].copy(), holes[time]
    if not hole.any():
        return picture
    remaining = _fill_from_other_frames(picture, time, frames, holes, blocked)
    closed, limit = blocked[time] | hole, MAX_INPAINTED * hole.size
    pieces = [(piece, _possible_shifts(piece, closed)) for piece in _connected_parts(remaining)]
    if np.count_nonzero(remaining) > limit and _least_inpainted(picture, remaining, pieces, closed) > limit:
        return None
    inpainted = 0
    for piece, shifts in pieces:
        window, shift = around(piece.box, 0, _size(hole)), _matching_shift(picture, piece, closed, shifts)
        if shift:
            filling = _beside(picture, window, shift)
        else:
            inpainted += int(np.count_nonzero(piece.bits))
            if inpainted > limit:
                return None
            filling = _inpainted(picture, piece)
        picture[window][piece.bits] = filling[piece.bits]
    return picture


def _least_inpainted(picture: Pixels, remaining: Bits, pieces: Sequence[tuple[_Piece, list[int]]], closed: Bits) -> int:
    """Pixels that will be inpainted whatever earlier pieces are filled with: inpainting them to see takes long."""
    pixels = 0
    for piece, shifts in pieces:
        window, ring = _ring(piece, SEAM, closed)
        depends_on_others = any((ring & _beside(remaining, window, shift)).any() for shift in shifts)
        if not depends_on_others and not _matching_shift(picture, piece, closed, shifts):
            pixels += int(np.count_nonzero(piece.bits))
    return pixels


def _fill_from_other_frames(
    picture: Pixels, time: int, frames: Sequence[Pixels], holes: Sequence[Bits], blocked: Sequence[Bits]
) -> Bits:
    """Fill a hole of `picture` from other frames, the nearest first; what remains to be filled, bool (H, W)."""
    if len(frames) == 1:
        return holes[time]
    remaining = holes[time].copy()
    box = bounding_box(remaining)
    near = around(box, 0, remaining.shape)
    window, ring = _ring(_Piece(box, remaining[near]), RING, holes[time] | blocked[time])
    for other in sorted(range(len(frames)), key=lambda number: (abs(number - time), number)):
        seen = ring & ~blocked[other][window]
        if (
            other != time
            and remaining[near].any()
            and seen.any()
            and _difference(frames[time][window], frames[other][window], seen) < CAMERA_TOLERANCE
        ):
            visible = remaining[near] & ~blocked[other][near] & ~holes[other][near]
            picture[near][visible] = frames[other][near][visible]
            remaining[near] &= ~visible
    return remaining


def _connected_parts(bits: Bits) -> Iterator[_Piece]:
    """The connected parts of a mask in OpenCV's order; it goes by squares of 2 x 2 pixels, so the corner is even."""
    import cv2

    if not bits.any():
        return
    box = bounding_box(bits)
    top, left = box.y - box.y % 2, box.x - box.x % 2
    count, labels = cv2.connectedComponents(bits[top : box.y + box.height, left : box.x + box.width].view(np.uint8))
    for number in range(1, count):
        part = np.asarray(labels == number)
        x, y, width, height = bounding_box(part)
        yield _Piece(masks.Box(left + x, top + y, width, height), part[y : y + height, x : x + width])


def _ring(piece: _Piece, distance: int, closed: Bits) -> tuple[Window, Bits]:
    """Pixels around a hole that are not closed: a part of the picture, and a mask of it."""
    window, plane = put_in(piece.box, piece.bits, distance, _size(closed))
    return window, dilated(plane, distance) & ~closed[window]


def _difference(one: Pixels, two: Pixels, where: Bits) -> float:
    """Mean difference in grey levels of the pixels of a mask that has some."""
    import cv2

    return cv2.norm(one, two, cv2.NORM_L1, where.view(np.uint8)) / (3 * np.count_nonzero(where))


def _possible_shifts(piece: _Piece, closed: Bits) -> list[int]:
    """Columns by which the picture can be shifted so that something open fills a hole."""
    (x, y, width, height), step = piece.box, piece.box.width + 2 * SEAM
    shifts = (step, -step, step * 3 // 2, -step * 3 // 2, step * 2, -step * 2)
    return [
        shift
        for shift in shifts
        if 0 <= x - shift <= closed.shape[1] - width
        and not (piece.bits & closed[y : y + height, x - shift : x - shift + width]).any()
    ]


def _matching_shift(picture: Pixels, piece: _Piece, closed: Bits, shifts: Sequence[int]) -> int:
    """The shift of the picture that fits best on the ring around a hole; 0 if none fits.

    Ground, walls and sky continue sideways, so this keeps their texture.
    """
    if not shifts:
        return 0
    window, ring = _ring(piece, SEAM, closed)
    if not ring.any():
        return 0
    smallest, best_shift = CAMERA_TOLERANCE * 1.5, 0
    for shift in shifts:
        difference = _difference(_beside(picture, window, shift), picture[window], ring)
        if difference < smallest:
            smallest, best_shift = difference, shift
    return best_shift


def _beside(plane: NDArray[ValueT], window: Window, shift: int) -> NDArray[ValueT]:
    """A part of a picture or mask after a shift to the right, which goes round."""
    rows, columns = window[0], slice(window[1].start - shift, window[1].stop - shift)
    if columns.start >= 0 and columns.stop <= plane.shape[1]:
        return plane[rows, columns]
    return np.take(plane[rows], range(columns.start, columns.stop), axis=1, mode="wrap")


def _inpainted(picture: Pixels, piece: _Piece) -> Pixels:
    """The tight box of a hole with the hole inpainted, uint8 RGB (h, w, 3)."""
    import cv2

    window, mask = put_in(piece.box, piece.bits, INPAINT_SURROUNDINGS, _size(picture))
    painted = cv2.inpaint(np.ascontiguousarray(picture[window]), mask.view(np.uint8), 4, cv2.INPAINT_TELEA)
    top, left = piece.box.y - window[0].start, piece.box.x - window[1].start
    return np.asarray(painted, np.uint8)[top : top + piece.box.height, left : left + piece.box.width]


def _size(plane: NDArray[np.generic]) -> tuple[int, int]:
    return plane.shape[0], plane.shape[1]
