"""Pictures as programs show them: turned by their EXIF orientation, which is how people annotate them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import images
from lavida_gen.scenes.images import Frame, Pixels

PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
"""Suffixes of pictures that people annotate."""

_TURN: dict[int, Callable[[Pixels], Pixels]] = {
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: np.rot90,
}
"""What turns stored pixels upright, by EXIF orientation."""


def upright_frame(data: bytes, where: str) -> Frame:
    """A picture as it is shown.

    Args:
        data: The encoded image.
        where: Names it in errors.

    Returns:
        The frame, of the size that is shown. A picture that needs no turn keeps its bytes.

    Raises:
        DataError: It is no image.
    """
    header = images.probe(data, where)
    turn = _TURN.get(header.orientation)
    if turn is None:
        return Frame.encoded_by(lambda: data, header.size, where)
    size = header.size[::-1] if header.orientation >= 5 else header.size
    return Frame.drawn(lambda: np.ascontiguousarray(turn(images.decode(data, None, where))), size, where)


def read_picture(path: Path) -> bytes:
    """The bytes of a picture.

    Args:
        path: The file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        todo = "fetch it again"
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "an image file", todo)) from error
