"""Masks as bit planes, and the masks of a scene's things that an edit must respect.

Letters: T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.scene import Region, Scene


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
    return masks.decode(mask_at(region, time))


def encode_or_none(bits: Bits) -> RLE | None:
    """Encode a mask.

    Args:
        bits: bool (H, W).

    Returns:
        Its run lengths, None for an empty mask.
    """
    return masks.encode(bits) if bits.any() else None


def bounding_box(bits: Bits) -> masks.Box:
    """Find the tight box of a mask.

    Args:
        bits: bool (H, W), not empty.

    Returns:
        x, y, width, height in pixels.
    """
    rows, columns = np.flatnonzero(bits.any(1)), np.flatnonzero(bits.any(0))
    return masks.Box(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1)


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
    return np.asarray(cv2.dilate(bits.astype(np.uint8), kernel) > 0)


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


def nearer_bits(scene: Scene, time: int, foot: float, leave_out: Sequence[Region], depth: float | None = None) -> Bits:
    """Unite the masks of things that are nearer to the camera than a thing at some position.

    On level ground a thing that stands lower in the picture is nearer to the camera.

    Args:
        scene: The scene.
        time: Number of the frame.
        foot: Row on which the thing stands.
        leave_out: Regions to leave out.
        depth: Depth of the thing, which decides where the depth of the other is known too; larger is nearer.

    Returns:
        bool (H, W).
    """
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
    box = masks.box(mask)
    others = (other.masks[time] for other in scene.regions if other.kind == "thing" and other is not region)
    close = [other for other in others if other is not None and _boxes_meet(box, masks.box(other), width)]
    if not close:
        return False
    rows = slice(max(box.y - width, 0), box.y + box.height + width)
    columns = slice(max(box.x - width, 0), box.x + box.width + width)
    own = dilated(masks.decode(mask)[rows, columns], width)
    return bool((own & masks.decode(masks.union(close))[rows, columns]).any())


def _boxes_meet(one: masks.Box, two: masks.Box, distance: int) -> bool:
    """Do two boxes come as close as `distance` pixels?"""
    across = one.x - distance < two.x + two.width and two.x < one.x + one.width + distance
    return across and one.y - distance < two.y + two.height and two.y < one.y + one.height + distance
