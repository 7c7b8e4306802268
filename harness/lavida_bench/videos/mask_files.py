"""Pixel labels stored as one grey image a frame. Letters: n frames, H W pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Bits
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PICTURE, read_input
from lavida_gen.scenes.image_decoders import header_by_pillow, mask_by_pillow

Values = NDArray[np.uint8]
SelectPixels = Callable[[Values, int], Bits]
"""(uint8 (H, W) values, frame number) -> bool (H, W) anomalous pixels."""


class MaskFiles:
    """The mask_reader of a TestVideo whose masks are image files.

    Args:
        files: 0-based frame number -> image; a number without a file is an empty mask.
        size: (H, W) of the video.
        select: Selects the anomalous pixels of an image; None = `anomalous`.
    """

    def __init__(self, files: dict[int, Path], size: tuple[int, int], select: SelectPixels | None = None) -> None:
        self.files, self.size, self.select = files, size, select

    def __call__(self, start: int, stop: int) -> Bits:
        """Read the masks of frames start..stop-1.

        Args:
            start: First frame number.
            stop: End, exclusive.

        Returns:
            (n, H, W) bool, True = anomalous pixel.

        Raises:
            DataError: A file is broken or of another size.
        """
        masks = np.zeros((stop - start, *self.size), np.bool_)
        for number in range(start, stop):
            path = self.files.get(number)
            if path is not None:
                values = read_grey(path, self.size)
                masks[number - start] = self.select(values, number) if self.select else anomalous(values, path)
        return masks


HALF = 128
"""Value from which a pixel of a JPEG mask counts: compression adds small values around each region."""


def is_lossy(path: Path) -> bool:
    """Whether an image file is a JPEG, by its name."""
    return path.suffix.lower() in (".jpg", ".jpeg")


def anomalous(values: Values, path: Path) -> Bits:
    """The anomalous pixels of a mask without object numbers.

    Args:
        values: (H, W) uint8, the mask.
        path: Its file.

    Returns:
        (H, W) bool: every value except 0; of a JPEG the values from HALF, where one reaches it.
    """
    return values >= HALF if is_lossy(path) and values.max(initial=0) >= HALF else values != 0


def read_grey(path: Path, size: tuple[int, int] | None) -> Values:
    """Read the values of a mask image: the indices of a palette image, the highest channel of a colour image.

    (Grey is no measure of a colour here: a dark blue would round to 0.)

    Args:
        path: An image file.
        size: (H, W) of the video; None = any size.

    Returns:
        (H, W) uint8.

    Raises:
        DataError: The file cannot be decoded or is of another size.
    """
    data = read_input(path, MAX_PICTURE, "a mask image")
    found = header_by_pillow(data, path).size
    if size is not None and found != size:  # before it is decoded
        got = f"{found[1]} x {found[0]} pixels"
        raise DataError(problem(path, got, f"{size[1]} x {size[0]}, the size of the video"))
    values: Values = mask_by_pillow(data, path)
    return values
