"""Things cut out of a picture and pasted into another.

Every function that changes pixels returns which ones, so that all others stay bit-identical. Letters: T frames, H W
pixels, h w pixels of a cut-out.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.exposures._planes import bounding_box, encode_or_none
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame, Pixels
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.scene import Scene

Blend = Literal["feather", "poisson"]

SURROUNDINGS = 8
"""Pixels around a thing that blending looks at."""

_POISSON_WEIGHT = 0.3
"""Weight of the Poisson solution: with more of it a thing takes the colours of the ground and looks like a ghost."""

Corner = tuple[int, int]
"""Row and column of a cut-out's top left pixel in a picture."""

_Slices = tuple[slice, slice]


class Cutout(NamedTuple):
    """A thing cut out by its mask.

    Attributes:
        pixels: Its tight box, uint8 RGB (h, w, 3).
        bits: Its mask, bool (h, w).
    """

    pixels: Pixels
    bits: Bits


def cut_out(pixels: Pixels, mask: RLE) -> Cutout:
    """Cut a thing out of a picture.

    Args:
        pixels: uint8 RGB (H, W, 3).
        mask: Its mask (H, W), not empty.

    Returns:
        The cut-out, a view of the picture.
    """
    x, y, width, height = masks.box(mask)
    window = slice(y, y + height), slice(x, x + width)
    return Cutout(pixels[window], masks.decode(mask)[window])


def resized(cutout: Cutout, scale: float) -> Cutout:
    """Resize a cut-out.

    Args:
        cutout: The cut-out.
        scale: Factor for both sides.

    Returns:
        A cut-out of at least one pixel.
    """
    import cv2

    height, width = cutout.bits.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return cutout
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    bits = cv2.resize(cutout.bits.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5
    return Cutout(np.asarray(cv2.resize(cutout.pixels, size, interpolation=interpolation), np.uint8), bits)


def footprint(cutout: Cutout, corner: Corner, size: tuple[int, int]) -> Bits:
    """Find the pixels that a cut-out covers in a picture.

    Args:
        cutout: The cut-out.
        corner: Where its top left pixel lies; may be outside of the picture.
        size: (H, W) of the picture.

    Returns:
        bool (H, W).
    """
    plane = np.zeros(size, bool)
    in_picture, in_cutout = _overlap(cutout.bits.shape, corner, size)
    plane[in_picture] = cutout.bits[in_cutout]
    return plane


def _overlap(shape: tuple[int, ...], corner: Corner, size: tuple[int, int]) -> tuple[_Slices, _Slices]:
    """Slices of the picture and of the cut-out where they overlap (empty ones if they do not)."""
    in_picture, in_cutout = [], []
    for start, length, limit in zip(corner, shape[:2], size, strict=True):
        low, high = min(max(start, 0), limit), max(min(start + length, limit), 0)
        high = max(low, high)
        in_picture.append(slice(low, high))
        in_cutout.append(slice(low - start, high - start))
    return (in_picture[0], in_picture[1]), (in_cutout[0], in_cutout[1])


def paste(
    picture: Pixels, cutout: Cutout, corner: Corner, hidden: Bits, blend: Blend = "feather"
) -> tuple[Pixels, Bits]:
    """Paste a cut-out into a picture.

    Args:
        picture: uint8 RGB (H, W, 3); it is not changed.
        cutout: The cut-out.
        corner: Where its top left pixel lies; may be outside of the picture.
        hidden: Pixels that stay as they are, bool (H, W).
        blend: "feather" for a soft edge, "poisson" for Poisson image editing as well.

    Returns:
        The new picture, and the pixels that the cut-out covers in it, bool (H, W); no other pixel differs.
    """
    size = (picture.shape[0], picture.shape[1])
    covered = footprint(cutout, corner, size) & ~hidden
    result = picture.copy()
    if not covered.any():
        return result, covered
    in_picture, in_cutout = _overlap(cutout.bits.shape, corner, size)
    window = tuple(slice(max(side.start - SURROUNDINGS, 0), side.stop + SURROUNDINGS) for side in in_picture)
    in_window = tuple(
        slice(side.start - around.start, side.stop - around.start)
        for side, around in zip(in_picture, window, strict=True)
    )
    ground, visible = picture[window], covered[window]
    source = ground.copy()
    source[in_window] = cutout.pixels[in_cutout]
    if blend == "poisson":
        source = _poisson(source, ground, visible)
    alpha = _feather(visible)[..., None]
    mixed = np.rint(source * alpha + ground * (1 - alpha)).astype(np.uint8)
    result[window][visible] = mixed[visible]
    return result, covered


def _feather(visible: Bits) -> NDArray[np.float32]:
    """Opacity (H, W) 0..1: one inside, falling off over the last pixels of the mask, zero outside of it."""
    import cv2

    soft = cv2.GaussianBlur(visible.astype(np.float32), (0, 0), 1.0)
    return np.asarray(np.where(visible, np.clip(2 * soft - 0.6, 0.0, 1.0), 0.0), np.float32)


def _poisson(source: Pixels, ground: Pixels, visible: Bits) -> Pixels:
    """Gradients of `source` on the colours around (Perez et al., SIGGRAPH 2003), mixed with its own colours."""
    import cv2

    box = bounding_box(visible)
    if min(box.width, box.height) < 8:  # OpenCV's solver needs an interior, and crashes without
        return source
    border = 3
    top, left = max(box.y - border, 0), max(box.x - border, 0)
    window = slice(top, box.y + box.height + border), slice(left, box.x + box.width + border)
    pad = ((border, border), (border, border))  # the solver needs a border of its own around the mask
    mask = np.pad(visible[window], pad).astype(np.uint8) * 255
    inner, outer = (np.pad(pixels[window], (*pad, (0, 0)), mode="edge") for pixels in (source, ground))
    x, y, width, height = bounding_box(mask > 0)
    cloned = cv2.seamlessClone(inner, outer, mask, (x + width // 2, y + height // 2), cv2.NORMAL_CLONE)
    mixed = cv2.addWeighted(np.asarray(cloned, np.uint8), _POISSON_WEIGHT, inner, 1 - _POISSON_WEIGHT, 0)
    result = source.copy()
    result[window] = mixed[border:-border, border:-border]
    return result


def edited_frames(
    pictures: Sequence[Pixels], edits: Sequence[Bits], scene: Scene
) -> tuple[tuple[Frame, ...], tuple[RLE | None, ...]]:
    """Make the frames and edits of a Draft.

    Args:
        pictures: T pictures, uint8 RGB (H, W, 3).
        edits: Pixels of each that differ from the scene, T of bool (H, W).
        scene: The scene.

    Returns:
        T frames (where nothing is edited, the scene's own with its encoded bytes), and T masks of the edits.
    """
    frames = tuple(
        Frame.drawn(functools.partial(_same, picture), scene.size, frame.where) if edit.any() else frame
        for picture, edit, frame in zip(pictures, edits, scene.frames, strict=True)
    )
    return frames, tuple(encode_or_none(edit) for edit in edits)


def _same(pixels: Pixels) -> Pixels:
    return pixels
