"""The edits of exposures on planes of whole frames: what the tests compare the edits in tight boxes with.

These were the implementations before 2026-11-30. Letters: T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lavida_gen.exposures._backgrounds import CAMERA_TOLERANCE, INPAINT_SURROUNDINGS, MAX_INPAINTED
from lavida_gen.exposures._cutouts import SURROUNDINGS, Blend, _feather, _poisson
from lavida_gen.exposures._shadows import SHADOW
from lavida_gen.scenes import masks

if TYPE_CHECKING:
    from lavida_gen.scenes.images import Pixels
    from lavida_gen.scenes.masks import Bits
    from lavida_gen.scenes.scene import Region, Scene

    Slices = tuple[slice, slice]


def bounding_box(bits: Bits) -> masks.Box:
    """Find the tight box of a mask."""
    rows, columns = np.flatnonzero(bits.any(1)), np.flatnonzero(bits.any(0))
    return masks.Box(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1)


def dilated(bits: Bits, radius: int) -> Bits:
    """Grow a mask."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(bits.astype(np.uint8), kernel) > 0)


def nearer_bits(scene: Scene, time: int, foot: float, leave_out: Sequence[Region], depth: float | None = None) -> Bits:
    """Unite the masks of things that are nearer to the camera than a thing at some position."""
    plane = np.zeros(scene.size, bool)
    for region in scene.regions:
        mask = region.masks[time]
        if mask is None or region.kind != "thing" or any(region is other for other in leave_out):
            continue
        if depth is not None and region.depth is not None:
            is_nearer = region.depth > depth
        else:
            box = masks.box(mask)
            is_nearer = box.y + box.height > foot
        if is_nearer:
            plane |= masks.decode(mask)
    return plane


def footprint(bits: Bits, corner: tuple[int, int], size: tuple[int, int]) -> Bits:
    """Find the pixels that a cut-out covers in a picture."""
    plane = np.zeros(size, bool)
    in_picture, in_cutout = _overlap(bits.shape, corner, size)
    plane[in_picture] = bits[in_cutout]
    return plane


def _overlap(shape: tuple[int, ...], corner: tuple[int, int], size: tuple[int, int]) -> tuple[Slices, Slices]:
    """Slices of the picture and of the cut-out where they overlap (empty ones if they do not)."""
    in_picture, in_cutout = [], []
    for start, length, limit in zip(corner, shape[:2], size, strict=True):
        low, high = min(max(start, 0), limit), max(min(start + length, limit), 0)
        high = max(low, high)
        in_picture.append(slice(low, high))
        in_cutout.append(slice(low - start, high - start))
    return (in_picture[0], in_picture[1]), (in_cutout[0], in_cutout[1])


def paste(
    picture: Pixels, pixels: Pixels, bits: Bits, corner: tuple[int, int], hidden: Bits, blend: Blend = "feather"
) -> tuple[Pixels, Bits]:
    """Paste a cut-out into a picture."""
    size = (picture.shape[0], picture.shape[1])
    covered = footprint(bits, corner, size) & ~hidden
    result = picture.copy()
    if not covered.any():
        return result, covered
    in_picture, in_cutout = _overlap(bits.shape, corner, size)
    window = tuple(slice(max(side.start - SURROUNDINGS, 0), side.stop + SURROUNDINGS) for side in in_picture)
    in_window = tuple(
        slice(side.start - around.start, side.stop - around.start)
        for side, around in zip(in_picture, window, strict=True)
    )
    ground, visible = picture[window], covered[window]
    source = ground.copy()
    source[in_window] = pixels[in_cutout]
    if blend == "poisson":
        source = _poisson(source, ground, visible)
    alpha = _feather(visible)[..., None]
    mixed = np.rint(source * alpha + ground * (1 - alpha)).astype(np.uint8)
    result[window][visible] = mixed[visible]
    return result, covered


def fill_holes(frames: Sequence[Pixels], holes: Sequence[Bits], blocked: Sequence[Bits]) -> list[Pixels] | None:
    """Fill the holes of a clip with the background behind them."""
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
    box = bounding_box(hole)
    window = (
        slice(max(box.y - INPAINT_SURROUNDINGS, 0), box.y + box.height + INPAINT_SURROUNDINGS),
        slice(max(box.x - INPAINT_SURROUNDINGS, 0), box.x + box.width + INPAINT_SURROUNDINGS),
    )
    mask = hole[window]
    painted = cv2.inpaint(np.ascontiguousarray(picture[window]), mask.astype(np.uint8), 4, cv2.INPAINT_TELEA)
    return np.asarray(painted, np.uint8)[mask]


def shadows(frames: Sequence[Pixels], own: Sequence[Bits], others: Sequence[Bits]) -> list[Bits]:
    """What else changes close to the thing, T of (H, W): its shadow. Empty if the camera moves."""
    found = []
    zones = [_shadow_zone(bits) for bits in own]
    rows, columns = (slice(min(z[axis].start for z in zones), max(z[axis].stop for z in zones)) for axis in (0, 1))
    median = np.median(np.stack([frame[rows, columns] for frame in frames]), axis=0)
    for frame, bits, rest, zone in zip(frames, own, others, zones, strict=True):
        usual = median[zone[0].start - rows.start : zone[0].stop - rows.start,
                       zone[1].start - columns.start : zone[1].stop - columns.start]  # fmt: skip
        changed = np.zeros_like(bits)
        changed[zone] = (np.abs(frame[zone] - usual).max(2) > SHADOW) & ~rest[zone] & ~bits[zone]
        shadow = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
        found.append(shadow if shadow.sum() < 1.5 * bits.sum() else np.zeros_like(bits))
    return found


def _shadow_zone(bits: Bits) -> tuple[slice, slice]:
    """Rows and columns where the shadow of a thing may lie."""
    box = bounding_box(bits)
    reach = max(box.height, box.width)
    bottom = min(box.y + box.height - 1 + box.height // 2, bits.shape[0])
    right = min(box.x + box.width - 1 + reach, bits.shape[1])
    return slice(box.y, bottom), slice(max(box.x - reach, 0), right)
