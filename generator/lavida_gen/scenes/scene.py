"""What a source yields: a Scene (an image or a short clip) of named regions.

Letters: T frames of a clip (1 for an image), N regions, H W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lavida_gen.common.errors import DataError
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE

Kind = Literal["image", "clip"]


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a prompt may list.

    text      as the data set words it: a category ("person") or an expression ("man in the red shirt")
    category  the category of the thing it names, "" where the data set does not tell; equal to `text`
              for categories. A negative must be absent by both.
    group     supercategory or other family of alike names, "" if none: where near misses come from
    """

    text: str
    category: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """Something annotated in a scene.

    names      what it is called: category first (if known), then expressions; at least one
    masks      T entries, RLE of (H, W); None where it is not visible
    kind       "thing" (countable) or "stuff" (sky, road)
    candidate  may be declared the anomaly (False for backgrounds and void)
    depth      drawing order where known, larger is nearer to the camera; None if unknown
    """

    names: tuple[str, ...]
    masks: tuple[RLE | None, ...]
    category: str = ""
    kind: Literal["thing", "stuff"] = "thing"
    candidate: bool = True
    depth: float | None = None

    def __post_init__(self) -> None:
        if not self.names or not all(name.strip() for name in self.names):
            raise DataError(f"region: names {self.names!r}; expected at least one, none of them blank")


def _nothing() -> Iterator[str]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Scene:
    """An image (T = 1) or clip with its annotated regions.

    key          stable and unique within the source, e.g. "coco/000000000139"
    group        what must not be torn apart by a train/val split (the photo, the video); key if nothing else
    frames       T frames, all of `size`
    size         (H, W) in pixels
    regions      N regions; masks of this size, T each
    fps          frames a second of a clip, None for images or if unknown
    absent       gives names annotated as NOT there: safe negatives; called only if needed
    licence      SPDX id or the data set's own words; attribution: whom to name, None if nobody
    """

    key: str
    frames: tuple[Frame, ...]
    size: tuple[int, int]
    regions: tuple[Region, ...]
    licence: str
    group: str = ""
    fps: float | None = None
    attribution: str | None = None
    absent: Callable[[], Iterator[str]] = _nothing

    def __post_init__(self) -> None:
        for region in self.regions:
            if len(region.masks) != len(self.frames):
                raise DataError(
                    f"{self.key}: region {region.names[0]!r} has {len(region.masks)} masks; "
                    f"expected {len(self.frames)}, one a frame"
                )
            for time, mask in enumerate(region.masks):
                if mask is not None and mask.size != self.size:
                    raise DataError(
                        f"{self.key}: mask of {region.names[0]!r} in frame {time} is {mask.height} x {mask.width}; "
                        f"expected {self.size[0]} x {self.size[1]}, the size of the frames"
                    )
