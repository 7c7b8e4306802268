"""Changes of pixels: image size and augmentations, with the same random draw for all frames and masks of a sample.

albumentations changes the pixels; all random draws come from the sample's own rng. If nothing is drawn, the frames stay
unchanged, and the shard stores the files' own bytes. Letters: T frames, H W pixels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from lavida_gen.common.errors import unknown_name
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.config.transforms import TABLE, Plane, transformed
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import JPEG_QUALITY, Frame, Pixels
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.sample import Draft, Rejection

LOST = Rejection("lost by augmentation")
_CROPPING = ("perspective", "high_angle")
"""Augmentations that may move a thing out of the image."""
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


class Size(StrictModel):
    """The size of images: `longest` side in pixels (never enlarged), or `exact` [height, width]."""

    longest: int | None = Field(default=None, ge=16, le=8192)
    exact: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Size:
        if (self.longest is None) == (self.exact is None):
            raise ValueError("give `longest: pixels` or `exact: [height, width]`")
        if self.exact is not None and not all(16 <= side <= 8192 for side in self.exact):
            raise ValueError("exact: sides of 16 to 8192 pixels")
        return self

    def resized(self, size: tuple[int, int]) -> tuple[int, int]:
        """The new size of an image.

        Args:
            size: Its size (H, W).

        Returns:
            (H, W) in pixels.
        """
        if self.exact is not None:
            return self.exact
        assert self.longest is not None
        scale = min(1.0, self.longest / max(size))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


class ImageSettings(StrictModel):
    """The recipe's `image:` block."""

    size: Literal["keep"] | Size = Field(default="keep", description="keep, {longest: N} or {exact: [H, W]}")
    quality: int = Field(default=JPEG_QUALITY, ge=30, le=100, description="quality of JPEGs that are encoded again")


class Augmentation(StrictModel):
    """One entry of `augmentations:`, applied with probability `p` and at most `strength` (0 to 1)."""

    name: str
    p: float = Field(default=0.5, gt=0, le=1)
    strength: float = Field(default=0.5, gt=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in TABLE:
            raise ValueError(unknown_name("augmentation", name, TABLE))
        return name


def apply(
    draft: Draft, image: ImageSettings, augmentations: Sequence[Augmentation], rng: np.random.Generator
) -> Draft | Rejection:
    """Resize and augment a draft.

    Args:
        draft: An exposure's draft.
        image: The size of images.
        augmentations: Augmentations, each drawn with its probability.
        rng: The sample's own random generator.

    Returns:
        The draft as it goes to the shard; a Rejection if an anomaly is no longer visible.
    """
    drawn = _draw_augmentations(draft, augmentations, rng)
    before = draft.frames[0].size
    size = before if image.size == "keep" else image.size.resized(before)
    if not drawn and size == before:
        return draft
    seed = int(rng.integers(2**31))
    pixels = [frame.pixels() for frame in draft.frames]
    flat = (*draft.masks, *draft.edits, *(mask for part in draft.parts for mask in part))
    planes = [None if mask is None else masks.decode(mask) for mask in flat]
    if drawn:
        pixels, planes = transformed(pixels, planes, [(one.name, one.strength) for one in drawn], seed)
    if size != before:
        pixels = [_resized(image_pixels, size) for image_pixels in pixels]
        planes = [None if plane is None else _resized_plane(plane, size) for plane in planes]
    rles = [_encoded(plane) for plane in planes]
    rows = [tuple(rles[start : start + len(pixels)]) for start in range(0, len(rles), len(pixels))]
    anomaly, others = rows[0], rows[1:]  # T masks each
    edits = others.pop(0) if draft.edits else ()
    parts = tuple(others)
    if draft.exposed and not all(any(part) for part in (anomaly, *parts)):
        return LOST
    frames = tuple(_drawn(image_pixels, frame) for image_pixels, frame in zip(pixels, draft.frames, strict=True))
    return replace(draft, frames=frames, masks=anomaly, edits=edits, parts=parts)


def _draw_augmentations(
    draft: Draft, augmentations: Sequence[Augmentation], rng: np.random.Generator
) -> list[Augmentation]:
    """The augmentations of a sample, without those that would make its names or masks wrong."""
    drawn = [augmentation for augmentation in augmentations if rng.random() < augmentation.p]
    if not drawn:
        return drawn
    if sum(draft.labels) > 1:  # one of several anomalies would often be moved out of the image
        drawn = [augmentation for augmentation in drawn if augmentation.name not in _CROPPING]
    if any(_SIDES.search(text) for text in (*draft.names, draft.rule)):  # "the left man" must stay on the left
        drawn = [augmentation for augmentation in drawn if augmentation.name != "flip"]
    return drawn


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    import cv2

    shrinks = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size[::-1], interpolation=interpolation), np.uint8)


def _resized_plane(plane: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    import cv2

    return np.asarray(cv2.resize(plane.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA) > 0.5)


def _encoded(plane: Plane) -> RLE | None:
    return masks.encode(plane) if plane is not None and plane.any() else None


def _drawn(pixels: Pixels, before: Frame) -> Frame:
    return Frame.drawn(lambda: pixels, (pixels.shape[0], pixels.shape[1]), before.where)
