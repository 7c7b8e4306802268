"""The augmentations: functions that make transforms of albumentations from a strength 0..1, the only door to it.

The pixels of a sample depend on these functions: to change one changes corpora. Letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lavida_gen.scenes.images import Pixels

Plane = NDArray[np.bool_] | None
"""(H, W) bool, None where nothing is visible."""

Transform = object
"""A transform of albumentations, which has no type annotations."""


class _Uniform(Protocol):
    def uniform(self, a: float, b: float, /) -> float: ...


class _RandomTransform(Protocol):
    """The part of a transform of albumentations that our own transforms use."""

    py_random: _Uniform


def _subclass(name: str, base: type, methods: Mapping[str, Callable[..., object]]) -> Transform:
    """A transform that is always applied: a subclass of a class of albumentations with other methods."""
    transform: Transform = type(name, (base,), dict(methods))(p=1)
    return transform


def _flip(a: ModuleType, s: float) -> Transform:
    return a.HorizontalFlip(p=1)


def _brightness_contrast(a: ModuleType, s: float) -> Transform:
    return a.RandomBrightnessContrast(0.5 * s, 0.5 * s, p=1)


def _hue(a: ModuleType, s: float) -> Transform:
    return a.HueSaturationValue(round(30 * s), round(60 * s), round(30 * s), p=1)


def _low_light(a: ModuleType, s: float) -> Transform:
    """Less light, never none, and the noise of a sensor that amplifies it."""
    return a.Compose(
        [
            a.RandomGamma((110, round(130 + 70 * s)), p=1),
            a.MultiplicativeNoise((0.7 - 0.45 * s, 0.85 - 0.35 * s), per_channel=False, elementwise=False, p=1),
            a.GaussNoise(std_range=(0.01, 0.01 + 0.05 * s), p=1),
        ]
    )


def _noise(a: ModuleType, s: float) -> Transform:
    return a.GaussNoise(std_range=(0.01, 0.02 + 0.12 * s), p=1)


def _motion_blur(a: ModuleType, s: float) -> Transform:
    return a.MotionBlur((3, 2 * round(2 + 7 * s) + 1), p=1)


def _jpeg(a: ModuleType, s: float) -> Transform:
    return a.ImageCompression(quality_range=(round(60 - 50 * s), round(80 - 40 * s)), p=1)


def _rain(a: ModuleType, s: float) -> Transform:
    if s < 0.34:
        kind = "drizzle"
    elif s < 0.67:
        kind = "heavy"
    else:
        kind = "torrential"
    return a.RandomRain(brightness_coefficient=0.9, blur_value=3, rain_type=kind, p=1)


def _fog(a: ModuleType, s: float) -> Transform:
    """Koschmieder's law: distant things, which are higher in the image, fade into a bright grey.

    albumentations' own fog draws thousands of discs and takes a hundred times as long.
    """

    def get_params(self: _RandomTransform) -> dict[str, float]:
        return {"density": self.py_random.uniform(0.4, 0.6 + 2.4 * s), "light": self.py_random.uniform(190.0, 235.0)}

    def apply(self: _RandomTransform, img: Pixels, density: float, light: float, **params: object) -> Pixels:
        distance = np.linspace(1.0, 0.25, img.shape[0], dtype=np.float32) ** 2
        transmission = np.exp(-density * distance)[:, None, None]
        return np.asarray(np.rint(img * transmission + light * (1 - transmission)), np.uint8)

    return _subclass("Haze", a.ImageOnlyTransform, {"get_params": get_params, "apply": apply})


def _low_resolution(a: ModuleType, s: float) -> Transform:
    return a.Downscale(scale_range=(1 - 0.85 * s, 1 - 0.5 * s), p=1)


def _perspective(a: ModuleType, s: float) -> Transform:
    return a.Perspective(scale=(0.03, 0.03 + 0.12 * s), keep_size=True, fit_output=False, p=1)


def _high_angle(a: ModuleType, s: float) -> Transform:
    """A view as from a mast: the ground looks more like a map, tops of things lean outwards, things get shorter."""
    import cv2

    def get_params_dependent_on_data(
        self: _RandomTransform, params: dict[str, tuple[int, ...]], data: object
    ) -> dict[str, object]:
        height, width = params["shape"][:2]
        far = width * self.py_random.uniform(0.08 + 0.08 * s, 0.12 + 0.18 * s)
        near = far * self.py_random.uniform(0.2, 0.4)
        visible = [(far, 0), (width - far, 0), (width - near, height), (near, height)]
        image = [(0, 0), (width, 0), (width, height), (0, height)]
        matrix = cv2.getPerspectiveTransform(np.array(visible, np.float32), np.array(image, np.float32))
        return {"matrix": matrix, "max_height": height, "max_width": width, "matrix_bbox": matrix}

    methods = {"get_params_dependent_on_data": get_params_dependent_on_data}
    return _subclass("HighAngle", a.Perspective, methods)


TABLE: dict[str, Callable[[ModuleType, float], Transform]] = {
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
"""Name in a recipe -> function of the module albumentations and a strength 0..1. Add an augmentation here."""


def transformed(
    pixels: list[Pixels], planes: list[Plane], drawn: Sequence[tuple[str, float]], seed: int
) -> tuple[list[Pixels], list[Plane]]:
    """Augment all frames and masks with one random draw: albumentations uses the same seed for each frame.

    Args:
        pixels: T frames.
        planes: Any number of times T masks, None where nothing is visible.
        drawn: (name, strength) of each augmentation, in the order in which they are applied.
        seed: Seed of all of them.

    Returns:
        T frames, and the masks moved with them.
    """
    import albumentations as a

    frames: list[Pixels] = []
    moved: list[Plane] = []
    transforms = [TABLE[name](a, strength) for name, strength in drawn]
    for time, image in enumerate(pixels):
        pipeline = a.Compose(transforms, seed=seed)
        pipeline.set_random_seed(seed)
        own = [plane for plane in planes[time :: len(pixels)] if plane is not None]
        result = pipeline(image=image, masks=[plane.astype(np.uint8) for plane in own] or None)
        frames.append(np.ascontiguousarray(result["image"]))
        moved.extend(np.asarray(mask) > 0 for mask in result.get("masks") or ())
    return frames, _put_back(planes, moved, len(pixels))


def _put_back(planes: list[Plane], moved: list[Plane], frames: int) -> list[Plane]:
    """The moved masks, which are in the order of the frames, in the order of `planes`."""
    order = [row for time in range(frames) for row in range(time, len(planes), frames) if planes[row] is not None]
    result = list(planes)
    for row, plane in zip(order, moved, strict=True):
        result[row] = plane
    return result
