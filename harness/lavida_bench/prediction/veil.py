"""What lies over an anomaly: a red tint and an outline. It is drawn once for all frames that have the same score.

Letters: H W of the picture, h w of a map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lavida_bench.prediction.bar import ALARM, INK
from lavida_bench.videos import regions
from lavida_bench.videos.planes import Planes, colour_from_rgb
from lavida_bench.videos.types import Maps, Pixels

CLEAR = 255
"""Shares of a picture are counted in units of 1 / CLEAR."""
TINTED = 178
"""Share of the picture that shines through the tint, seven tenths; the rest is red."""


@dataclass(frozen=True, slots=True, eq=False)
class Veil:
    """Over a part of a picture: how much of each plane stays, and what is added.

    Attributes:
        rows: The rows of the part, from an even one to an even one.
        columns: Its columns, likewise.
        keep: Shares of the picture that stay, in units of 1 / CLEAR.
        light: What is added to them.
    """

    rows: slice
    columns: slice
    keep: Planes
    light: Planes

    def draw(self, picture: Planes) -> None:
        """Draw it into a picture.

        Args:
            picture: Changed in place.
        """
        import cv2

        for plane, keep, light in zip(picture.part(self.rows, self.columns), self.keep, self.light, strict=True):
            cv2.multiply(plane, keep, plane, 1 / CLEAR)
            cv2.add(plane, light, plane)


def make_veil(scores: Maps, size: tuple[int, int], space: int) -> Veil | None:
    """Make the veil of a map: tint and lines, drawn as into a picture, of what is added and of the share that stays.

    Args:
        scores: (h, w) logits; the pixels above 0 are tinted, and outlined where they meet others.
        size: (H, W), both even.
        space: FFmpeg's number of the matrix between RGB and YUV.

    Returns:
        The veil; None where no pixel is above 0.
    """
    import cv2

    inside = regions.enlarge(scores, size) > 0
    outlines, _ = cv2.findContours(inside.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    left, top, across, down = cv2.boundingRect(np.concatenate(outlines))
    thickness = max(2, round(size[0] / 180))
    rows, columns = _around(top, down, 2 * thickness, size[0]), _around(left, across, 2 * thickness, size[1])
    ink, alarm = ((*colour_from_rgb(colour, space), 0) for colour in (INK, ALARM))
    tint = (*(round(value * (CLEAR - TINTED) / CLEAR) for value in alarm[:3]), TINTED)
    outside, tinted = np.array([(0, 0, 0, CLEAR), tint], np.uint8).view(np.uint32)[:, 0]
    layer: Pixels = np.where(inside[rows, columns], tinted, outside).view(np.uint8)
    layer = layer.reshape(rows.stop - rows.start, columns.stop - columns.start, 4)
    for colour, width in ((ink, thickness + 2), (alarm, thickness)):
        cv2.drawContours(layer, outlines, -1, colour, width, cv2.LINE_AA, offset=(-columns.start, -rows.start))
    half = cv2.resize(layer, (layer.shape[1] // 2, layer.shape[0] // 2), interpolation=cv2.INTER_AREA)
    (y, _, _, keep), (_, u, v, keep_half) = cv2.split(layer), cv2.split(half)
    return Veil(rows, columns, _planes(keep, keep_half, keep_half), _planes(y, u, v))


def _around(first: int, length: int, margin: int, size: int) -> slice:
    """What is around a place, from an even number to an even number."""
    return slice(max(0, first - margin) // 2 * 2, min(size, (first + length + margin + 1) // 2 * 2))


def _planes(*planes: np.ndarray) -> Planes:
    y, u, v = (np.asarray(plane, np.uint8) for plane in planes)
    return Planes(y, u, v)
