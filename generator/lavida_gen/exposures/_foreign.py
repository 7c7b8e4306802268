"""Things of other scenes that may be pasted into a scene: whole, free, and of a kind that the scene does not have."""

from __future__ import annotations

import re
from statistics import median
from typing import NamedTuple

import numpy as np

from lavida_gen.exposures._cutouts import cut_out
from lavida_gen.exposures._planes import box_of, mask_at, stands_free, tight_bits
from lavida_gen.names import lexicon
from lavida_gen.names.vocabulary import present_names
from lavida_gen.scenes import masks
from lavida_gen.scenes.evidence import Use
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.scene import Name, Region, Scene

_RELATION = re.compile(
    r"\b(left|right|middle|center|centre|top|bottom|front|behind|back|next|near|nearest|closest|beside|between|corner|"
    r"first|second|third|other|same|farthest|far|under|over|above|below|in|on|at|with|to|of)\b",
    re.IGNORECASE,
)


class Found(NamedTuple):
    """A thing of another scene that may be pasted.

    Attributes:
        name: Its name.
        region: The thing.
        times: Numbers of the frames that show it whole, at least one.
    """

    name: str
    region: Region
    times: list[int]


class Foreign(NamedTuple):
    """A thing of another scene by its masks: its pixels are read when it has found a place.

    Attributes:
        found: The thing.
        scene: Its scene.
        bits: Its masks in frames that show it whole, bool (h, w) each, as many as are pasted.
        heights: Its height in pixels in all frames that show it whole.
        usual_height: Their median.
        foot: Row of its foot as a share of its own frame's height.
    """

    found: Found
    scene: Scene
    bits: tuple[Bits, ...]
    heights: list[float]
    usual_height: float
    foot: float

    @property
    def credit(self) -> tuple[str, str, Use | None]:
        """Licence, attribution and use of its picture."""
        return self.scene.licence, self.scene.attribution or "", self.scene.use

    def cutout(self, number: int) -> Pixels:
        """Read its pixels in a frame.

        Args:
            number: Number of the mask in `bits`.

        Returns:
            uint8 RGB (h, w, 3).

        Raises:
            DataError: The file of the frame is broken.
        """
        time = self.found.times[number]
        return cut_out(self.scene.frames[time].pixels(), mask_at(self.found.region, time))


def find_foreign(other: Scene, scene: Scene, rng: np.random.Generator) -> Found | None:
    """Look for a whole thing of a scene whose name describes nothing in another scene; no pixel is read.

    Args:
        other: The scene of the thing.
        scene: The scene that must not have such a thing.
        rng: The source of randomness.

    Returns:
        The thing, None if there is none.
    """
    present = present_names(scene)
    for number in rng.permutation(len(other.regions)).tolist():
        region = other.regions[number]
        name = _name(region)
        if not name or not region.candidate or region.kind != "thing":
            continue
        own = Name(name, region.category, synset=region.synset)
        if any(lexicon.conflict(own, known) for known in present):
            continue
        times = [time for time, mask in enumerate(region.masks) if mask is not None and _is_inside(other, mask)]
        if times and stands_free(other, region):
            times = [time for time in times if _is_one_piece(mask_at(region, time))]
            if times:
                return Found(name, region, times)
    return None


def measure(other: Scene, found: Found, count: int) -> Foreign:
    """Collect what is known of a thing from its masks.

    Args:
        other: Its scene.
        found: The thing.
        count: Most frames of it that will be pasted.

    Returns:
        The thing.
    """
    tracked = [mask_at(found.region, time) for time in found.times]
    boxes = [box_of(mask) for mask in tracked]
    heights = [float(box.height) for box in boxes]
    height, top = median(heights), median([float(box.y) for box in boxes])
    bits = tuple(tight_bits(mask) for mask in tracked[:count])
    return Foreign(found, other, bits, heights, height, (top + height) / other.size[0])


def as_foreign(name: Name) -> str:
    """The phrasing of a name if its thing were foreign.

    Args:
        name: The name.

    Returns:
        Its category, else an expression without a position; "" if it has neither.
    """
    return name.category or ("" if _RELATION.search(name.text) else name.text)


def _name(region: Region) -> str:
    """Its category, else an expression without its position, "" if there is none."""
    if region.category in region.names:
        return region.category
    return next((name for name in region.names if not _RELATION.search(name)), "")


def _is_inside(other: Scene, mask: RLE) -> bool:
    """Is it large enough to look good, and not cut off by the frame's edge?"""
    box, (height, width) = box_of(mask), other.size
    is_inside = box.x > 0 and box.y > 0 and box.x + box.width < width and box.y + box.height < height
    return is_inside and min(box.width, box.height) >= 8 and 0.001 < masks.area(mask) / (height * width) < 0.35


def _is_one_piece(mask: RLE) -> bool:
    """Is it in one piece, not half hidden?"""
    import cv2

    count, labels = cv2.connectedComponents(tight_bits(mask).view(np.uint8))
    return count == 2 or bool(np.bincount(np.ravel(labels))[1:].max() > 0.9 * masks.area(mask))
