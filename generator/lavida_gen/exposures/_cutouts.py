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

from lavida_gen.exposures._planes import Window, around, bounding_box, box_of
from lavida_gen.scenes.images import Frame, Pixels
from lavida_gen.scenes.mask_crops import encode_crop
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.scene import Scene

Blend = Literal["feather", "poisson"]

SURROUNDINGS = 8
"""Pixels around a thing that blending looks at."""

_POISSON_WEIGHT = 0.3
"""Weight of the Poisson solution: with more of it a thing takes the colours of the ground and looks like a ghost."""

Corner = tuple[int, int]
"""Row and column of a cut-out's top left pixel in a picture."""


def cut_out(pixels: Pixels, mask: RLE) -> Pixels:
    """Cut a thing out of a picture.

    Args:
        pixels: uint8 RGB (H, W, 3).
        mask: Its mask (H, W), not empty.

    Returns:
        Its tight box, uint8 RGB (h, w, 3), a view of the picture; `tight_bits` is its mask there.
    """
    return pixels[around(box_of(mask), 0, mask.size)]


def resized(pixels: Pixels, scale: float) -> Pixels:
    """Resize a cut-out.

    Args:
        pixels: uint8 RGB (h, w, 3).
        scale: Factor for both sides.

    Returns:
        A cut-out of at least one pixel.
    """
    import cv2

    size = _scaled(pixels.shape, scale)
    if size == pixels.shape[1::-1]:
        return pixels
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)


def resized_bits(bits: Bits, scale: float) -> Bits:
    """Resize the mask of a cut-out.

    Args:
        bits: bool (h, w).
        scale: Factor for both sides.

    Returns:
        Its mask after `resized`, bool.
    """
    import cv2

    size = _scaled(bits.shape, scale)
    if size == bits.shape[::-1]:
        return bits
    return np.asarray(cv2.resize(bits.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5)


def _scaled(shape: tuple[int, ...], scale: float) -> tuple[int, int]:
    """Width and height of a resized cut-out."""
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


class Spot(NamedTuple):
    """Where a cut-out lies in a picture.

    Attributes:
        window: The part of the picture that it covers and SURROUNDINGS around it; empty if it lies outside.
        inner: The part of the window that it covers, without what is outside of the picture.
        source: The same part of the cut-out.
        bits: Pixels of the window that it covers, bool.
    """

    window: Window
    inner: Window
    source: Window
    bits: Bits

    def behind(self, hidden: Bits) -> Spot:
        """The same place behind other things.

        Args:
            hidden: What they hide, bool, of the window.

        Returns:
            The place with what is left to see.
        """
        return self._replace(bits=self.bits & ~hidden)

    def plane(self, size: tuple[int, int]) -> Bits:
        """The pixels that it covers.

        Args:
            size: (H, W) of the picture.

        Returns:
            bool (H, W).
        """
        plane = np.zeros(size, bool)
        plane[self.window] = self.bits
        return plane

    def mask(self, size: tuple[int, int]) -> RLE | None:
        """The pixels that it covers, encoded.

        Args:
            size: (H, W) of the picture.

        Returns:
            Their run lengths, None if it covers nothing.
        """
        corner = self.window[0].start, self.window[1].start
        return encode_crop(self.bits, corner, size) if self.bits.any() else None


def place(bits: Bits, corner: Corner, size: tuple[int, int]) -> Spot:
    """Find the pixels that a cut-out covers in a picture.

    Args:
        bits: The mask of the cut-out, bool (h, w).
        corner: Where its top left pixel lies; may be outside of the picture.
        size: (H, W) of the picture.

    Returns:
        Its place.
    """
    window, inner, source = [], [], []
    for start, length, limit in zip(corner, bits.shape, size, strict=True):
        low = min(max(start, 0), limit)
        high = max(low, min(start + length, limit))
        first, last = max(low - SURROUNDINGS, 0), min(high + SURROUNDINGS, limit)
        window.append(slice(first, last))
        inner.append(slice(low - first, high - first))
        source.append(slice(low - start, high - start))
    covered = np.zeros([side.stop - side.start for side in window], bool)
    covered[inner[0], inner[1]] = bits[source[0], source[1]]
    return Spot((window[0], window[1]), (inner[0], inner[1]), (source[0], source[1]), covered)


def paste(picture: Pixels, pixels: Pixels, spot: Spot, blend: Blend = "feather") -> None:
    """Paste a cut-out into a picture, which is changed where `spot.bits` are set and nowhere else.

    Args:
        picture: uint8 RGB (H, W, 3).
        pixels: The cut-out, uint8 RGB (h, w, 3).
        spot: Where it lies, and which of its pixels are visible.
        blend: "feather" for a soft edge, "poisson" for Poisson image editing as well.
    """
    import cv2

    visible = spot.bits
    if not visible.any():
        return
    ground = picture[spot.window]
    source = ground.copy()
    source[spot.inner] = pixels[spot.source]
    if blend == "poisson":
        source = _poisson(source, ground, visible)
    alpha = cv2.merge([_feather(visible)] * 3)
    ground[...] = np.rint(source * alpha + ground * (1 - alpha))  # where alpha is 0, what was there


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
    pad = (border, border, border, border)  # the solver needs a border of its own around the mask
    mask = cv2.copyMakeBorder(visible[window].view(np.uint8) * np.uint8(255), *pad, cv2.BORDER_CONSTANT)
    inner, outer = (cv2.copyMakeBorder(pixels[window], *pad, cv2.BORDER_REPLICATE) for pixels in (source, ground))
    x, y, width, height = cv2.boundingRect(mask)
    cloned = cv2.seamlessClone(inner, outer, mask, (x + width // 2, y + height // 2), cv2.NORMAL_CLONE)
    mixed = cv2.addWeighted(np.asarray(cloned, np.uint8), _POISSON_WEIGHT, inner, 1 - _POISSON_WEIGHT, 0)
    result = source.copy()
    result[window] = mixed[border:-border, border:-border]
    return result


def edited_frames(pictures: Sequence[Pixels], edits: Sequence[RLE | None], scene: Scene) -> tuple[Frame, ...]:
    """Make the frames of a Draft.

    Args:
        pictures: T pictures, uint8 RGB (H, W, 3).
        edits: Pixels of each that differ from the scene, T masks, None where nothing is edited.
        scene: The scene.

    Returns:
        T frames; where nothing is edited, the scene's own with its encoded bytes.
    """
    return tuple(
        frame if edit is None else Frame.drawn(functools.partial(_same, picture), scene.size, frame.where)
        for picture, edit, frame in zip(pictures, edits, scene.frames, strict=True)
    )


def _same(pixels: Pixels) -> Pixels:
    return pixels
