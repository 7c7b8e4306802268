"""What the headers of pictures and of their masks show without decoding any: no images, cut off files, other sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lavida_gen.annotations.problem_list import LeftOut
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.image_header import inspect, is_turned

MOST = 20_000
"""Most pictures that are looked into, each with its mask; where there are more, those of evenly spaced scenes."""

Pair = tuple[Path, Path]
"""A picture and its mask."""


def unusable_pictures(scenes: Sequence[Iterable[Pair]], pictures: int) -> Iterator[Finding]:
    """Scenes whose picture or mask is no whole image, or which differ in size. Missing files are left to others.

    Args:
        scenes: The pictures of each scene with their masks.
        pictures: Number of pictures of all scenes.

    Yields:
        A finding for each of the first unusable scenes, then one for all others.
    """
    left_out = LeftOut()
    step = -(-pictures // MOST) or 1
    for pairs in scenes[::step]:
        for picture, mask in pairs:
            try:
                _compare(picture, mask)
            except DataError as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    left_out.add("scenes cannot be used", str(error), 1)
                    break
    yield from (Finding("dropped", text, scenes) for text, scenes in left_out.rows())
    if step > 1:
        yield Finding("note", f"the pictures of one of {step} scenes were looked into")


def _compare(picture: Path, mask: Path) -> None:
    """Raises DataError if one is no whole image, or they differ in size."""
    header, (height, width) = inspect(picture), inspect(mask).size
    try:
        is_turned(header, (height, width), picture)
    except DataError:
        expected = f"{header.size[1]} x {header.size[0]}, the size of {picture}"
        todo = "check that images and masks belong together"
        raise DataError(problem(mask, f"is {width} x {height} pixels", expected, todo)) from None
