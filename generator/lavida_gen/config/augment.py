"""Pixels changed on purpose: image size, and augmentations, the same draw for all frames and masks of a sample.

albumentations does the pixel work; every chance comes from the sample's own rng. Where nothing is drawn, frames pass
through untouched, and the shard gets the files' own bytes. Letters: T frames, H W pixels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from lavida_gen.common.errors import unknown_name
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import JPEG_QUALITY, Frame, Pixels
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.sample import Draft, Rejection

LOST = Rejection("lost by augmentation")
_PUSHES = ("perspective", "high_angle")
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


class Size(StrictModel):
    """What size pictures get: `longest` side in pixels (never enlarged), or `exact` [height, width]."""

    longest: int | None = Field(default=None, ge=16, le=8192)
    exact: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _one(self) -> Size:
        if (self.longest is None) == (self.exact is None):
            raise ValueError("give `longest: pixels` or `exact: [height, width]`")
        if self.exact is not None and not all(16 <= side <= 8192 for side in self.exact):
            raise ValueError("exact: sides of 16 to 8192 pixels")
        return self

    def of(self, size: tuple[int, int]) -> tuple[int, int]:
        """(H, W) for a picture of `size`."""
        if self.exact is not None:
            return self.exact
        assert self.longest is not None
        scale = min(1.0, self.longest / max(size))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


class ImageSettings(StrictModel):
    """The recipe's `image:` block."""

    size: Literal["keep"] | Size = Field(default="keep", description="keep, {longest: N} or {exact: [H, W]}")
    quality: int = Field(default=JPEG_QUALITY, ge=30, le=100, description="of JPEGs that had to be encoded anew")


class Augmentation(StrictModel):
    """One entry of `augmentations:`: with probability `p`, as strong as `strength` (0 to 1) at most."""

    name: str
    p: float = Field(default=0.5, gt=0, le=1)
    strength: float = Field(default=0.5, gt=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, plain: Any) -> Any:
        return {"name": plain} if isinstance(plain, str) else plain

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in TABLE:
            raise ValueError(unknown_name("augmentation", name, TABLE))
        return name


def _flip(a: Any, s: float) -> Any:
    return a.HorizontalFlip(p=1)


def _brightness_contrast(a: Any, s: float) -> Any:
    return a.RandomBrightnessContrast(0.5 * s, 0.5 * s, p=1)


def _hue(a: Any, s: float) -> Any:
    return a.HueSaturationValue(round(30 * s), round(60 * s), round(30 * s), p=1)


def _low_light(a: Any, s: float) -> Any:
    """Less light (never none), and the noise of a sensor that makes the most of it."""
    return a.Compose(
        [
            a.RandomGamma((110, round(130 + 70 * s)), p=1),
            a.MultiplicativeNoise((0.7 - 0.45 * s, 0.85 - 0.35 * s), per_channel=False, elementwise=False, p=1),
            a.GaussNoise(std_range=(0.01, 0.01 + 0.05 * s), p=1),
        ]
    )


def _noise(a: Any, s: float) -> Any:
    return a.GaussNoise(std_range=(0.01, 0.02 + 0.12 * s), p=1)


def _motion_blur(a: Any, s: float) -> Any:
    return a.MotionBlur((3, 2 * round(2 + 7 * s) + 1), p=1)


def _jpeg(a: Any, s: float) -> Any:
    return a.ImageCompression(quality_range=(round(60 - 50 * s), round(80 - 40 * s)), p=1)


def _rain(a: Any, s: float) -> Any:
    kind = "drizzle" if s < 0.34 else "heavy" if s < 0.67 else "torrential"
    return a.RandomRain(brightness_coefficient=0.9, blur_value=3, rain_type=kind, p=1)


def _fog(a: Any, s: float) -> Any:
    """Koschmieder's law: what is farther away, which is what lies higher in the picture, fades into a bright grey.

    albumentations' own fog draws thousands of discs and takes a hundred times as long.
    """

    def drawn(self: Any) -> dict[str, float]:
        return {"density": self.py_random.uniform(0.4, 0.6 + 2.4 * s), "light": self.py_random.uniform(190.0, 235.0)}

    def apply(self: Any, img: Pixels, density: float, light: float, **_: Any) -> Pixels:
        distance = np.linspace(1.0, 0.25, img.shape[0], dtype=np.float32) ** 2
        through = np.exp(-density * distance)[:, None, None]
        return np.asarray(np.rint(img * through + light * (1 - through)), np.uint8)

    return type("Haze", (a.ImageOnlyTransform,), {"get_params": drawn, "apply": apply})(p=1)


def _low_resolution(a: Any, s: float) -> Any:
    return a.Downscale(scale_range=(1 - 0.85 * s, 1 - 0.5 * s), p=1)


def _perspective(a: Any, s: float) -> Any:
    return a.Perspective(scale=(0.03, 0.03 + 0.12 * s), keep_size=True, fit_output=False, p=1)


def _high_angle(a: Any, s: float) -> Any:
    """As from a mast: the ground is rectified towards a map, tops of things lean outwards, things get shorter."""
    import cv2

    def view(self: Any, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        height, width = params["shape"][:2]
        far = width * self.py_random.uniform(0.08 + 0.08 * s, 0.12 + 0.18 * s)
        near = far * self.py_random.uniform(0.2, 0.4)
        seen = [(far, 0), (width - far, 0), (width - near, height), (near, height)]
        whole = [(0, 0), (width, 0), (width, height), (0, height)]
        matrix = cv2.getPerspectiveTransform(np.array(seen, np.float32), np.array(whole, np.float32))
        return {"matrix": matrix, "max_height": height, "max_width": width, "matrix_bbox": matrix}

    return type("HighAngle", (a.Perspective,), {"get_params_dependent_on_data": view})(p=1)


TABLE: dict[str, Callable[[Any, float], Any]] = {
    "flip": _flip,
    "brightness_contrast": _brightness_contrast,
    "hue": _hue,
    "low_light": _low_light,
    "noise": _noise,
    "motion_blur": _motion_blur,
    "jpeg": _jpeg,
    "rain": _rain,
    "fog": _fog,
    "low_resolution": _low_resolution,
    "perspective": _perspective,
    "high_angle": _high_angle,
}
"""Name in a recipe -> the albumentations transform of a strength 0..1. A new one is one entry."""


def apply(
    draft: Draft, image: ImageSettings, augmentations: Sequence[Augmentation], rng: np.random.Generator
) -> Draft | Rejection:
    """The draft as it goes to the shard. `Dropped` if an anomaly was pushed out of sight or shrunk to nothing."""
    drawn = [one for one in augmentations if rng.random() < one.p]
    if sum(draft.labels) > 1:
        drawn = [one for one in drawn if one.name not in _PUSHES]  # one of the anomalies is soon pushed out
    if any(_SIDES.search(text) for text in (*draft.names, draft.rule)):
        drawn = [one for one in drawn if one.name != "flip"]  # "the left man" must stay on the left
    before = draft.frames[0].size
    size = before if image.size == "keep" else image.size.of(before)
    if not drawn and size == before:
        return draft
    seed = int(rng.integers(2**31))
    pixels = [frame.pixels() for frame in draft.frames]
    flat = (*draft.masks, *draft.edits, *(mask for part in draft.parts for mask in part))
    planes = [None if mask is None else masks.decode(mask) for mask in flat]
    if drawn:
        pixels, planes = _augmented(pixels, planes, drawn, seed)
    if size != before:
        pixels = [_resized(one, size) for one in pixels]
        planes = [None if plane is None else _resized_plane(plane, size) for plane in planes]
    rles = [_encoded(plane) for plane in planes]
    shown, *rows = (tuple(rles[at : at + len(pixels)]) for at in range(0, len(rles), len(pixels)))
    edits, parts = (rows[0], tuple(rows[1:])) if draft.edits else ((), tuple(rows))
    if draft.exposed and not all(any(part) for part in (shown, *parts)):
        return LOST
    frames = tuple(_drawn(one, frame) for one, frame in zip(pixels, draft.frames, strict=True))
    return replace(draft, frames=frames, masks=shown, edits=edits, parts=parts)


Plane = NDArray[np.bool_] | None


def _augmented(
    pixels: list[Pixels], planes: list[Plane], drawn: Sequence[Augmentation], seed: int
) -> tuple[list[Pixels], list[Plane]]:
    """All frames and masks through one draw: albumentations replays the same seed for each frame."""
    import albumentations as a

    frames: list[Pixels] = []
    moved: list[Plane] = []
    steps = [TABLE[one.name](a, one.strength) for one in drawn]
    for time, one in enumerate(pixels):
        pipeline = a.Compose(steps, seed=seed)
        pipeline.set_random_seed(seed)
        own = [plane for plane in planes[time :: len(pixels)] if plane is not None]
        result = pipeline(image=one, masks=[plane.astype(np.uint8) for plane in own] or None)
        frames.append(np.ascontiguousarray(result["image"]))
        moved.extend(np.asarray(mask) > 0 for mask in result.get("masks") or ())
    return frames, _put_back(planes, moved, len(pixels))


def _put_back(planes: list[Plane], moved: list[Plane], frames: int) -> list[Plane]:
    """Moved masks, which came frame by frame, at the places where they were taken from."""
    order = [at for time in range(frames) for at in range(time, len(planes), frames) if planes[at] is not None]
    result = list(planes)
    for at, plane in zip(order, moved, strict=True):
        result[at] = plane
    return result


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    import cv2

    shrinks = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size[::-1], interpolation=way), np.uint8)


def _resized_plane(plane: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    import cv2

    return np.asarray(cv2.resize(plane.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA) > 0.5)


def _encoded(plane: Plane) -> RLE | None:
    return masks.encode(plane) if plane is not None and plane.any() else None


def _drawn(pixels: Pixels, before: Frame) -> Frame:
    return Frame.drawn(lambda: pixels, (pixels.shape[0], pixels.shape[1]), before.where)
