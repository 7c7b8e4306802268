"""Pictures that people annotated themselves in a program that shows them upright, as their EXIF orientation asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lavida_gen.annotations.problem_list import LeftOut
from lavida_gen.common.errors import DataError
from lavida_gen.common.findings import Finding
from lavida_gen.scenes import image_header
from lavida_gen.scenes.images import Frame

PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
"""Suffixes of pictures that people annotate."""
MOST = 20_000
"""Most pictures that `check` looks into; where there are more, evenly spaced ones."""


def upright_file(path: Path) -> Frame:
    """A picture as it is shown.

    Args:
        path: The file.

    Returns:
        The frame, of the size that is shown. A picture that needs no turn keeps its bytes.

    Raises:
        DataError: It is missing, no image, or truncated.
    """
    return Frame.file(path, image_header.inspect(path).shown, "apply")


def upright_bytes(data: bytes, where: str) -> Frame:
    """As `upright_file`, for a picture in memory.

    Args:
        data: The encoded image.
        where: Names it in errors.

    Returns:
        The frame.

    Raises:
        DataError: It is no image.
    """
    return Frame.encoded_by(lambda: data, image_header.probe(data, where).shown, where, "apply")


def unusable_pictures(looks: Iterable[Callable[[], object]], total: int) -> Iterator[Finding]:
    """What `check` finds in pictures without decoding them.

    Args:
        looks: For each picture a function that raises DataError if the picture cannot be used.
        total: How many there are.

    Yields:
        A finding for each of the first ones, then one for all others.
    """
    left_out, step = LeftOut(), -(-total // MOST) or 1
    for number, look in enumerate(looks):
        try:
            if number % step == 0:
                look()
        except DataError as error:
            left_out.add("pictures cannot be used", str(error), 1)
    yield from (Finding("dropped", text, scenes) for text, scenes in left_out.rows())
    if step > 1:
        yield Finding("note", f"one of {step} pictures was looked into")
