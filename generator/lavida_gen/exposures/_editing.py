"""Things cut out of a picture, set into another, and the holes that they leave.

Used by exposures that change pixels. Every function that changes pixels says which ones, so that all others stay
bit-identical. Letters: T frames, H W pixels, h w pixels of a cut-out.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame, Pixels
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.scene import Region, Scene

Blend = Literal["feather", "poisson"]

CAMERA = 14.0
"""Grey levels by which surroundings may differ between two frames: more, and the camera moved."""

AROUND = 8
"""Pixels around a thing that blending looks at."""

MADE_UP = 0.03
"""Largest share of a picture that may be painted in without knowing what was there."""


class Cutout(NamedTuple):
    """A thing cut out by its mask: pixels (h, w, 3) uint8 RGB and bits (h, w); h w is its tight box."""

    pixels: Pixels
    bits: Bits


def cut(pixels: Pixels, mask: RLE) -> Cutout:
    """The thing under `mask` (not empty) of pixels (H, W, 3)."""
    x, y, width, height = masks.box(mask)
    here = slice(y, y + height), slice(x, x + width)
    return Cutout(pixels[here], masks.decode(mask)[here])


def resized(thing: Cutout, scale: float) -> Cutout:
    """The same, `scale` times as large (at least one pixel)."""
    import cv2

    height, width = thing.bits.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return thing
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    bits = cv2.resize(thing.bits.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5
    return Cutout(np.asarray(cv2.resize(thing.pixels, size, interpolation=way), np.uint8), bits)


def outline(thing: Cutout, corner: tuple[int, int], size: tuple[int, int]) -> Bits:
    """Where in a picture of `size` (H, W) a cut-out lies with its top left at `corner` (row, column)."""
    plane = np.zeros(size, bool)
    into, part = _overlap(thing.bits.shape, corner, size)
    plane[into] = thing.bits[part]
    return plane


def _overlap(
    shape: tuple[int, ...], corner: tuple[int, int], size: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of the picture and of the cut-out where they meet (empty ones if they do not)."""
    into, part = [], []
    for start, length, limit in zip(corner, shape[:2], size, strict=True):
        low, high = min(max(start, 0), limit), max(min(start + length, limit), 0)
        high = max(low, high)
        into.append(slice(low, high))
        part.append(slice(low - start, high - start))
    return (into[0], into[1]), (part[0], part[1])


def put(canvas: Pixels, thing: Cutout, corner: tuple[int, int], hidden: Bits, blend: Blend = "feather") -> Bits:
    """Set a cut-out into `canvas` (H, W, 3), in place, but where `hidden` (H, W); gives the pixels that it covers."""
    size = (canvas.shape[0], canvas.shape[1])
    shown = outline(thing, corner, size) & ~hidden
    into, part = _overlap(thing.bits.shape, corner, size)
    if not shown.any():
        return shown
    here = tuple(slice(max(one.start - AROUND, 0), one.stop + AROUND) for one in into)
    ground, seen = canvas[here], shown[here]
    source = ground.copy()
    source[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(into, here, strict=True))] = thing.pixels[
        part
    ]
    if blend == "poisson":
        source = _poisson(source, ground, seen)
    alpha = _feather(seen)[..., None]
    mixed = np.rint(source * alpha + ground * (1 - alpha)).astype(np.uint8)
    ground[seen] = mixed[seen]
    return shown


def _feather(shown: Bits) -> NDArray[np.float32]:
    """Opacity (H, W) 0..1: one inside, falling off over the last pixels of the mask, zero outside of it."""
    import cv2

    soft = cv2.GaussianBlur(shown.astype(np.float32), (0, 0), 1.0)
    return np.asarray(np.where(shown, np.clip(2 * soft - 0.6, 0.0, 1.0), 0.0), np.float32)


def _poisson(source: Pixels, canvas: Pixels, shown: Bits) -> Pixels:
    """Gradients of `source` on the colours around (Perez et al. 2003), mixed three to seven with its own colours.

    The pure solution drags a thing's colours to those of the ground behind it until it looks like a ghost.
    """
    import cv2

    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    if min(np.ptp(rows), np.ptp(columns)) < 7:  # OpenCV's solver wants an inside, and crashes without
        return source
    top, left = max(int(rows[0]) - 3, 0), max(int(columns[0]) - 3, 0)
    here = slice(top, int(rows[-1]) + 4), slice(left, int(columns[-1]) + 4)
    pad = ((3, 3), (3, 3))  # the solver needs a border of its own around the mask
    part = np.pad(shown[here], pad).astype(np.uint8) * 255
    inner, outer = (np.pad(one[here], (*pad, (0, 0)), mode="edge") for one in (source, canvas))
    y, x, width, height = _box_of(part)
    cloned = cv2.seamlessClone(inner, outer, part, (x + width // 2, y + height // 2), cv2.NORMAL_CLONE)
    result = source.copy()
    result[here] = cv2.addWeighted(np.asarray(cloned, np.uint8), 0.3, inner, 0.7, 0)[3:-3, 3:-3]
    return result


def _box_of(plane: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    return int(rows[0]), int(columns[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1


def margin(size: tuple[int, int]) -> int:
    """Pixels by which a thing's own traces (soft edges, compression) reach beyond its mask in a picture of `size`."""
    return max(1, min(size) // 120)


def grown(bits: Bits, by: int) -> Bits:
    """The mask (H, W) and all pixels up to `by` away from it."""
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(bits.astype(np.uint8), kernel) > 0)


def things(scene: Scene, time: int, leave_out: Sequence[Region] = ()) -> Bits:
    """Pixels (H, W) of all countable things of a frame but those left out."""
    shown = [
        mask
        for region in scene.regions
        if region.kind == "thing" and not any(region is one for one in leave_out)
        for mask in region.masks[time : time + 1]
        if mask is not None
    ]
    return masks.decode(masks.union(shown)) if shown else np.zeros(scene.size, bool)


def free(scene: Scene, region: Region) -> bool:
    """Does it touch no other thing, wherever it is in view: a rider without the bicycle sits in the air."""
    return not any(mask is not None and _touched(scene, region, time) for time, mask in enumerate(region.masks))


def _touched(scene: Scene, region: Region, time: int) -> bool:
    """Does another thing come as close to it as its own traces reach? Looked at only where boxes come so close."""
    by, mask = margin(scene.size), region.masks[time]
    assert mask is not None
    box = masks.box(mask)
    others = (one.masks[time] for one in scene.regions if one.kind == "thing" and one is not region)
    close = [other for other in others if other is not None and _meet(box, masks.box(other), by)]
    if not close:
        return False
    rows = slice(max(box.y - by, 0), box.y + box.height + by)
    columns = slice(max(box.x - by, 0), box.x + box.width + by)
    own = grown(masks.decode(mask)[rows, columns], by)
    return bool((own & masks.decode(masks.union(close))[rows, columns]).any())


def _meet(one: masks.Box, two: masks.Box, by: int) -> bool:
    """Do two boxes come as close as `by` pixels?"""
    across = one.x - by < two.x + two.width and two.x < one.x + one.width + by
    return across and one.y - by < two.y + two.height and two.y < one.y + one.height + by


def nearer(scene: Scene, time: int, foot: float, leave_out: Sequence[Region], depth: float | None = None) -> Bits:
    """Pixels (H, W) of things in front of one that stands on row `foot`, or is at `depth` where both are known.

    On level ground what stands lower in the picture is nearer to the camera.
    """
    plane = np.zeros(scene.size, bool)
    for region in scene.regions:
        mask = region.masks[time]
        if mask is None or region.kind != "thing" or any(region is one for one in leave_out):
            continue
        box = masks.box(mask)
        known = depth is not None and region.depth is not None
        if (region.depth or 0.0) > (depth or 0.0) if known else box.y + box.height > foot:
            plane |= masks.decode(mask)
    return plane


def fill(frames: Sequence[Pixels], holes: Sequence[Bits], blocked: Sequence[Bits]) -> list[Pixels] | None:
    """Frames (T of (H, W, 3)) with their holes (T of (H, W)) filled by the background behind.

    Taken from other frames where nothing is `blocked` (T of (H, W): moving things) and the camera stood still, then
    from beside the hole, then painted in. None where painting would have to make up more than a picture bears.
    """
    result = []
    for time, hole in enumerate(holes):
        canvas, rest = frames[time].copy(), hole.copy()
        for other in sorted(range(len(frames)), key=lambda at: (abs(at - time), at)):
            if (
                other != time
                and rest.any()
                and _still(frames[time], frames[other], hole, blocked[time], blocked[other])
            ):
                seen = rest & ~blocked[other] & ~holes[other]
                canvas[seen] = frames[other][seen]
                rest &= ~seen
        painted = 0
        for piece in _pieces(rest):
            if not _from_beside(canvas, piece, blocked[time] | hole):
                painted += int(piece.sum())
                _painted(canvas, piece)
        if painted > MADE_UP * hole.size:
            return None
        result.append(canvas)
    return result


def _pieces(bits: Bits) -> list[Bits]:
    """The connected parts of a mask (H, W)."""
    import cv2

    count, labels = cv2.connectedComponents(bits.astype(np.uint8))
    return [np.asarray(labels == number) for number in range(1, count)]


def _still(one: Pixels, two: Pixels, hole: Bits, blocked_one: Bits, blocked_two: Bits) -> bool:
    """Do two frames show the same background around a hole?"""
    ring = grown(hole, 8) & ~hole & ~blocked_one & ~blocked_two
    return bool(ring.any()) and float(np.abs(one[ring].astype(np.int16) - two[ring]).mean()) < CAMERA


def _from_beside(canvas: Pixels, hole: Bits, blocked: Bits) -> bool:
    """Fill a hole, in place, by what lies left or right of it, where that is free and fits at the edges.

    Ground, walls and sky go on sideways, so this keeps their texture.
    """
    ring = grown(hole, 3) & ~blocked
    columns = np.flatnonzero(hole.any(0))
    width = int(columns[-1] - columns[0]) + 7
    best, shift = CAMERA * 1.5, 0
    for by in (width, -width, width * 3 // 2, -width * 3 // 2, width * 2, -width * 2):
        inside = columns[0] - by >= 0 and columns[-1] - by < canvas.shape[1]
        if inside and ring.any() and not (np.roll(hole, -by, 1) & blocked).any():
            off = float(np.abs(np.roll(canvas, by, 1)[ring].astype(np.int16) - canvas[ring]).mean())
            best, shift = (off, by) if off < best else (best, shift)
    if not shift:
        return False
    canvas[hole] = np.roll(canvas, shift, 1)[hole]
    return True


def _painted(canvas: Pixels, hole: Bits) -> None:
    """Paint a hole in place (Telea 2004), only in its surroundings: the solver is slow."""
    import cv2

    y, x, width, height = _box_of(hole.astype(np.uint8))
    here = slice(max(y - 8, 0), y + height + 8), slice(max(x - 8, 0), x + width + 8)
    painted = cv2.inpaint(np.ascontiguousarray(canvas[here]), hole[here].astype(np.uint8), 4, cv2.INPAINT_TELEA)
    canvas[hole] = np.asarray(painted, np.uint8)[hole[here]]


def drawn(
    canvases: Sequence[Pixels], edits: Sequence[Bits], scene: Scene
) -> tuple[tuple[Frame, ...], tuple[RLE | None, ...]]:
    """Frames and edits of a Draft: a frame without an edit is passed through untouched."""
    frames = tuple(
        Frame.drawn(functools.partial(_same, canvas), scene.size, frame.where) if edit.any() else frame
        for canvas, edit, frame in zip(canvases, edits, scene.frames, strict=True)
    )
    return frames, tuple(encoded(edit) for edit in edits)


def encoded(bits: Bits) -> RLE | None:
    """Run lengths, None for an empty mask."""
    return masks.encode(bits) if bits.any() else None


def _same(pixels: Pixels) -> Pixels:
    return pixels
