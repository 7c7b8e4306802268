"""Index masks: PNGs whose pixel values are numbers of classes or objects, not colours.

A palette PNG is read as the indices it stores (Pillow, mode P): OpenCV would expand the palette to colours. Letters:
H W pixels.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import images

Indices = NDArray[Any]
"""(H, W) integers as stored: uint8, uint16 or int32."""

INDEX_MODES = ("P", "L", "1", "I", "I;16", "I;16B", "I;16L")


def read(path: Path) -> Indices:
    """The indices that an image file stores, (H, W). Raises DataError for broken files and pictures in colour."""
    return _indices(*_open(path, path), path)


def read_bytes(data: bytes, where: object) -> Indices:
    """The same, from encoded bytes; `where` names them in errors."""
    return _indices(*_open(io.BytesIO(data), where), where)


def _indices(mode: str, plane: NDArray[Any], where: object) -> Indices:
    if mode not in INDEX_MODES:
        expected = "one index a pixel (palette, or grey of 8 or 16 bits)"
        raise DataError(problem(where, f"holds colours ({mode})", expected, "export index masks"))
    return plane.astype(np.uint8) if plane.dtype == np.bool_ else plane


def read_colours(path: Path) -> NDArray[np.int32]:
    """R + 256 G + 65536 B of an RGB image, (H, W) int32: the ids of COCO panoptic. Raises DataError."""
    mode, plane = _open(path, path)
    if mode not in ("RGB", "RGBA"):
        raise DataError(problem(path, f"is of mode {mode}", "RGB, whose three bytes are one id"))
    wide = plane[:, :, :3].astype(np.int32)
    return np.asarray(wide[:, :, 0] + 256 * wide[:, :, 1] + 65536 * wide[:, :, 2])


def _open(file: Path | io.BytesIO, where: object) -> tuple[str, NDArray[Any]]:
    """(Pillow's mode, stored values)."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            if image.width * image.height > images.MAX_PIXELS:
                limit = f"at most {images.MAX_PIXELS:,} pixels"
                raise DataError(problem(where, f"{image.width} x {image.height} pixels", limit))
            return image.mode, np.asarray(image)
    except FileNotFoundError as error:
        raise DataError(problem(where, "no such mask", "an index PNG", "fetch the annotations again")) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            problem(where, f"cannot be read as a mask ({error})", "a whole PNG", "fetch the file again")
        ) from error


@dataclass(frozen=True, slots=True)
class Label:
    """What a value of an index mask stands for; `candidate` as in Region."""

    name: str
    kind: Literal["thing", "stuff"] = "thing"
    candidate: bool = True
    group: str = ""
