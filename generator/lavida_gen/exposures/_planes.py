"""Masks as bit planes, and the masks of a scene's things that an edit must respect.

Letters: T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from lavida_gen.scenes import masks
from lavida_gen.scenes.mask_crops import decode_crop, encode_crop
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.scene import Region, Scene

Window = tuple[slice, slice]
"""Rows and columns of a part of a picture, both with a start and a stop inside of it."""


def mask_at(region: Region, time: int) -> RLE:
    """Get the mask of a region that is visible in a frame.

    Args:
        region: The region.
        time: Number of the frame, 0 to T - 1.

    Returns:
        Its mask (H, W).
    """
    mask = region.masks[time]
    assert mask is not None
    return mask


def bits_at(region: Region, time: int) -> Bits:
    """Decode the mask of a region that is visible in a frame.

    Args:
        region: The region.
        time: Number of the frame, 0 to T - 1.

    Returns:
        Its mask, bool (H, W).
    """
    mask = mask_at(region, time)
    plane = np.zeros(mask.size, bool)
    plane[around(box_of(mask), 0, mask.size)] = tight_bits(mask)
    return plane


@lru_cache(maxsize=512)
def box_of(mask: RLE) -> masks.Box:
    """Find the tight box of a mask, which is asked for many times while one scene is looked at.

    Args:
        mask: The mask.

    Returns:
        x, y, width, height in pixels, zeros for an empty mask.
    """
    return masks.box(mask)


@lru_cache(maxsize=64)
def tight_bits(mask: RLE) -> Bits:
    """Decode a mask in its tight box; a thing is looked at several times before it is pasted.

    Args:
        mask: A mask, not empty.

    Returns:
        bool (height, width) of the box; not to be written to.
    """
    bits = decode_crop(mask, *around(box_of(mask), 0, mask.size))
    bits.flags.writeable = False
    return bits


def encode_or_none(bits: Bits) -> RLE | None:
    """Encode a mask.

    Args:
        bits: bool (H, W).

    Returns:
        Its run lengths, None for an empty mask.
    """
    if not bits.any():
        return None
    box, size = bounding_box(bits), (bits.shape[0], bits.shape[1])
    return encode_crop(bits[around(box, 0, size)], (box.y, box.x), size)


def bounding_box(bits: Bits) -> masks.Box:
    """Find the tight box of a mask.

    Args:
        bits: bool (H, W), not empty.

    Returns:
        x, y, width, height in pixels.
    """
    import cv2

    return masks.Box(*cv2.boundingRect(bits.view(np.uint8)))


def around(box: masks.Box, distance: int, size: tuple[int, int]) -> Window:
    """Find the part of a picture that is not farther from a box than a distance.

    Args:
        box: The box.
        distance: Pixels.
        size: (H, W) of the picture.

    Returns:
        Its rows and columns.
    """
    return (
        slice(max(box.y - distance, 0), min(box.y + box.height + distance, size[0])),
        slice(max(box.x - distance, 0), min(box.x + box.width + distance, size[1])),
    )


def dilated(bits: Bits, radius: int) -> Bits:
    """Grow a mask.

    Args:
        bits: bool (H, W).
        radius: Pixels, at least 0.

    Returns:
        The mask and all pixels up to `radius` away from it, bool (H, W).
    """
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(bits.view(np.uint8), kernel)).view(np.bool_)


def grown(bits: Bits, radius: int) -> Bits:
    """Grow a mask that is small in its picture: only what is close to it is looked at.

    Args:
        bits: bool (H, W), not empty.
        radius: Pixels, at least 0.

    Returns:
        What `dilated` returns.
    """
    result = np.zeros_like(bits)
    window = around(bounding_box(bits), radius, (bits.shape[0], bits.shape[1]))
    result[window] = dilated(bits[window], radius)
    return result


def put_in(box: masks.Box, bits: Bits, distance: int, size: tuple[int, int]) -> tuple[Window, Bits]:
    """Put the tight box of a mask into its surroundings.

    Args:
        box: The box.
        bits: The mask in it, bool (height, width) of the box.
        distance: Pixels around the box.
        size: (H, W) of the picture.

    Returns:
        What is not farther from the box than `distance`, and the mask there, bool.
    """
    rows, columns = window = around(box, distance, size)
    plane = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
    top, left = box.y - rows.start, box.x - columns.start
    plane[top : top + box.height, left : left + box.width] = bits
    return window, plane


def edge_width(size: tuple[int, int]) -> int:
    """How far a thing's own traces (soft edges, compression) reach beyond its mask.

    Args:
        size: (H, W) of the picture.

    Returns:
        Pixels, at least 1.
    """
    return max(1, min(size) // 120)


def thing_bits(scene: Scene, time: int, leave_out: Sequence[Region] = ()) -> Bits:
    """Unite the masks of all countable things of a frame.

    Args:
        scene: The scene.
        time: Number of the frame.
        leave_out: Regions to leave out.

    Returns:
        bool (H, W).
    """
    visible = [
        mask
        for region in scene.regions
        if region.kind == "thing" and not any(region is other for other in leave_out)
        for mask in region.masks[time : time + 1]
        if mask is not None
    ]
    return masks.decode(masks.union(visible)) if visible else np.zeros(scene.size, bool)


def nearer_bits(
    scene: Scene, time: int, foot: float, window: Window, leave_out: Sequence[Region], depth: float | None = None
) -> Bits:
    """Unite the masks of things that are nearer to the camera than a thing at some position.

    On level ground a thing that stands lower in the picture is nearer to the camera.

    Args:
        scene: The scene.
        time: Number of the frame.
        foot: Row on which the thing stands.
        window: Where to look: rows and columns of the frame.
        leave_out: Regions to leave out.
        depth: Depth of the thing, which decides where the depth of the other is known too; larger is nearer.

    Returns:
        bool, of the window.
    """
    rows, columns = window
    plane = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
    for region in scene.regions:
        mask = region.masks[time]
        if mask is None or region.kind != "thing" or any(region is other for other in leave_out):
            continue
        box = box_of(mask)
        if depth is not None and region.depth is not None:
            is_nearer = region.depth > depth
        else:
            is_nearer = box.y + box.height > foot
        if is_nearer and _reaches(box, window):  # a mask is decoded only if it can hide something
            plane |= decode_crop(mask, *window)
    return plane


def _reaches(box: masks.Box, window: Window) -> bool:
    """Do a box and a part of the picture share a pixel?"""
    rows, columns = window
    is_level: bool = box.y < rows.stop and rows.start < box.y + box.height
    return is_level and bool(box.x < columns.stop and columns.start < box.x + box.width)


def stands_free(scene: Scene, region: Region) -> bool:
    """Does a thing touch no other thing in any frame? A rider without the bicycle would float.

    Args:
        scene: The scene.
        region: A region of the scene.

    Returns:
        Whether it may be moved or cut out alone.
    """
    return not any(mask is not None and _is_touched(scene, region, time) for time, mask in enumerate(region.masks))


def _is_touched(scene: Scene, region: Region, time: int) -> bool:
    """Does another thing come as close as the region's own traces reach? Masks are decoded only if boxes do."""
    width, mask = edge_width(scene.size), mask_at(region, time)
    window = around(box_of(mask), width, scene.size)
    others = (other.masks[time] for other in scene.regions if other.kind == "thing" and other is not region)
    close = [other for other in others if other is not None and _reaches(box_of(other), window)]
    if any(masks.area(masks.intersection([mask, other])) for other in close):  # no plane is needed to see that
        return True
    if not close:
        return False
    own = dilated(decode_crop(mask, *window), width)
    return bool((own & decode_crop(masks.union(close), *window)).any())
