"""What a build with other versions of the packages changes: data/toolchains.yaml, measured by `make bounds`."""

from __future__ import annotations

from datetime import date
from functools import cache

from lavida_gen.common.resources import own_yaml, resource
from lavida_gen.common.strict_model import StrictModel


class PixelBound(StrictModel):
    """How far drawn and re-encoded pixels differ.

    Attributes:
        largest: Largest difference of a channel of a pixel, in grey levels.
        mean: Mean difference over the frame that differs most, in grey levels.
    """

    largest: int
    mean: float

    @property
    def text(self) -> str:
        """In words."""
        return f"by at most {self.largest} of 255 grey levels, {self.mean:g} on average over a frame"


class ToolchainBounds(StrictModel):
    """The measurement.

    Attributes:
        measured: Day of it.
        oldest: The oldest allowed versions by package.
        newest: The newest versions of that day.
        plain: Recipes without augmentations.
        augmented: Recipes with them.
    """

    measured: date
    oldest: dict[str, str]
    newest: dict[str, str]
    plain: PixelBound
    augmented: PixelBound


@cache
def toolchain_bounds() -> ToolchainBounds:
    """The measurement that the package ships."""
    return ToolchainBounds.model_validate(own_yaml(resource("toolchains.yaml")))


def promise(augmented: bool) -> str:
    """What another build of a recipe has in common with the first one, as cards have it.

    Args:
        augmented: Whether the recipe augments.

    Returns:
        A few sentences.
    """
    bounds = toolchain_bounds()
    bound = bounds.augmented if augmented else bounds.plain
    ends = ", ".join(
        f"{title} {bounds.oldest[package]} and {bounds.newest[package]}"
        for title, package in (("Python", "python"), ("NumPy", "numpy"), ("OpenCV", "opencv-python-headless"))
    )
    return (
        "The same versions of these packages give the same bytes. Other versions give the same names, prompts, masks "
        "and passed-through JPEGs, while pixels that are drawn or encoded anew differ "
        f"{bound.text} (measured on {bounds.measured} on the oldest and the newest allowed versions: {ends})."
    )
