"""Pixel labels that lie as one grey image a frame. Letters: n frames of one reading, H W pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Bits
from lavida_gen.common.errors import DataError, problem

Values = NDArray[np.uint8]
Pick = Callable[[Values, int], Bits]


class MaskFiles:
    """`MaskFiles(files, size)(start, stop)` is bool (n, H, W), as a TestVideo's mask_reader.

    files  0-based frame number -> image; a number without a file is an empty mask
    pick   (uint8 (H, W), frame number) -> bool (H, W); None = every value but 0
    """

    def __init__(self, files: dict[int, Path], size: tuple[int, int], pick: Pick | None = None) -> None:
        self.files, self.size, self.pick = files, size, pick

    def __call__(self, start: int, stop: int) -> Bits:
        """Masks of frames start..stop-1. Raises DataError for a broken file or one of another size."""
        masks = np.zeros((stop - start, *self.size), np.bool_)
        for number in range(start, stop):
            if (path := self.files.get(number)) is not None:
                values = read_grey(path, self.size)
                masks[number - start] = self.pick(values, number) if self.pick else values != 0
        return masks


def read_grey(path: Path, size: tuple[int, int] | None) -> Values:
    """Values of an image, uint8 (H, W): palette images give their indices, colours their highest channel.

    (Grey is no measure of a colour here: a dark blue would round to 0.) Raises DataError.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode in ("RGB", "RGBA"):
                values: Values = np.asarray(image, np.uint8)[..., :3].max(axis=2)
            else:
                values = np.asarray(image if image.mode in ("L", "P", "1") else image.convert("L"), np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(
            problem(path, f"cannot be decoded ({error})", "a mask image", "fetch the file again")
        ) from error
    if size is not None and values.shape != size:
        got = f"{values.shape[1]} x {values.shape[0]} pixels"
        raise DataError(problem(path, got, f"{size[1]} x {size[0]}, the size of the video"))
    return values
