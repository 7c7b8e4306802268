"""The decoders of pictures and masks: the only module that hands encoded pictures to OpenCV and Pillow.

Whatever a decoder raises becomes a DataError that names the picture. Callers check the size that its header states
first (`image_header.probe`); Pillow, which reads the header itself, is asked for it here. Letters: H W pixels.
"""

from __future__ import annotations

import io
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PIXELS, check_pixels, kind_of, parsing

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "PPM", "TIFF", "WEBP", "JPEG2000", "AVIF")
"""Formats of pictures, those first that Pillow knows without looking for more. It knows forty others, such as EPS,
for which it starts another program."""
BROKEN, AGAIN = "a complete image", "fetch the file again"


class PictureHeader(NamedTuple):
    """What Pillow reads of a header: the format in small letters, (H, W), and the EXIF orientation of a WebP."""

    format: str
    size: tuple[int, int]
    orientation: int


def colours_by_opencv(data: bytes, where: object, turned: bool) -> NDArray[np.uint8] | None:
    """Decode a picture by OpenCV.

    Args:
        data: The encoded picture, whose size was checked.
        where: Names it in errors.
        turned: Whether to turn a JPEG as its EXIF orientation asks for.

    Returns:
        (H, W, 3) uint8 RGB; None for formats that OpenCV does not read.

    Raises:
        DataError: It is broken.
    """
    import cv2

    flags = cv2.IMREAD_COLOR_RGB if turned else cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    with parsing(where, BROKEN, AGAIN, got="cannot be decoded"):
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if pixels is None else np.asarray(pixels, np.uint8)


def is_jpeg_for_opencv(data: bytes, where: object) -> bool:
    """Check that OpenCV decodes a JPEG, by decoding it to grey at an eighth of its height and width.

    For that the decoder reads every byte, and finds the same errors, but computes one pixel of each block of 8 x 8.

    Args:
        data: The encoded picture, whose size was checked.
        where: Names it in errors.
    """
    import cv2

    flags = cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_IGNORE_ORIENTATION
    with suppress(DataError), parsing(where, BROKEN, AGAIN, got="cannot be decoded"):
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags) is not None
    return False


def greys_by_opencv(data: bytes, where: object) -> NDArray[np.uint8] | None:
    """Decode a grey picture by OpenCV.

    Args:
        data: The encoded picture, whose size was checked.
        where: Names it in errors.

    Returns:
        (H, W) uint8; None if it is broken.

    Raises:
        DataError: The decoder failed.
    """
    import cv2

    with parsing(where, BROKEN, AGAIN, got="cannot be decoded"):
        plane = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if plane is None else np.asarray(plane, np.uint8)


def colours_by_pillow(data: bytes, where: object, turned: bool = False) -> NDArray[np.uint8]:
    """Decode a picture by Pillow, which refuses truncated files.

    Args:
        data: The encoded picture.
        where: Names it in errors.
        turned: Whether to turn it as its EXIF orientation asks for.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: It is broken or too large.
    """
    from PIL import ImageOps

    image = _opened(data, where, "cannot be decoded", BROKEN)
    with parsing(where, BROKEN, AGAIN, got="cannot be decoded"):
        return np.asarray((ImageOps.exif_transpose(image) if turned else image).convert("RGB"), np.uint8)


def values_by_pillow(data: bytes, where: object, shown: bool = False) -> tuple[str, NDArray[np.generic]]:
    """Decode a mask by Pillow, which keeps the values that a palette PNG stores.

    Args:
        data: The encoded mask.
        where: Names it in errors.
        shown: Whether two indices of a palette whose colours are greys mean these greys: programs order them freely.

    Returns:
        Pillow's mode, and the stored values: (H, W), or (H, W, channels).

    Raises:
        DataError: It is broken or too large.
    """
    image = _opened(data, where, _NO_MASK, "a complete PNG")
    with parsing(where, "a complete PNG", AGAIN, got=_NO_MASK):
        plane = np.asarray(image)
        if shown and image.mode == "P" and len(used := np.unique(plane)) <= 2:
            colours = np.asarray(image.getpalette(), np.uint8).reshape(-1, 3)[used]
            if (colours == colours[:, :1]).all():
                return "L", np.where(plane == used[0], colours[0, 0], colours[-1, 0])
        return image.mode, plane


def mask_by_pillow(data: bytes, where: object) -> NDArray[np.uint8]:
    """Decode a mask image: the indices of a palette image, the highest channel of a colour image.

    Grey is no measure of a colour here: a dark blue would round to 0.

    Args:
        data: The encoded mask.
        where: Names it in errors.

    Returns:
        (H, W) uint8.

    Raises:
        DataError: It is broken or too large.
    """
    image = _opened(data, where, "cannot be decoded", "a mask image")
    with parsing(where, "a mask image", AGAIN, got="cannot be decoded"):
        if image.mode in ("RGB", "RGBA"):
            return np.asarray(np.asarray(image, np.uint8)[..., :3].max(axis=2), np.uint8)
        return np.asarray(image if image.mode in ("L", "P", "1") else image.convert("L"), np.uint8)


def header_by_pillow(data: bytes, where: object) -> PictureHeader:
    """Read the header of any picture.

    Args:
        data: The encoded picture.
        where: Names it in errors.

    Raises:
        DataError: It is no picture, or too large.
    """
    got = "is not a readable image" if data else "is empty"
    image = _opened(data, where, got, _KNOWN, "replace the file")
    turned = 1
    if image.format == "WEBP":  # Pillow itself turns a TIFF
        with parsing(where, _KNOWN, "replace the file", got=got):
            turned = image.getexif().get(0x0112, 1)
    return PictureHeader(str(image.format).lower(), (image.height, image.width), turned if turned in range(1, 9) else 1)


_KNOWN = "JPEG, PNG, TIFF, BMP or WebP"
_NO_MASK = "cannot be read as a mask"


def _opened(data: bytes, where: object, got: str, expected: str, todo: str = AGAIN) -> Image:
    """The picture, not decoded yet. Raises DataError if it is none, or too large."""
    with parsing(where, expected, todo, got=got):
        image = _identified(data, where)
    if image is None:
        kind = kind_of(data)
        if kind is not None:
            got, todo = f"{got} (it is {kind.got})", kind.todo
        raise DataError(problem(where, got, expected, todo))
    check_pixels(image.width, image.height, where)
    return image


def _identified(data: bytes, where: object) -> Image | None:
    """The picture; None if it is in no known format, which Pillow words with an object in memory."""
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(io.BytesIO(data), formats=_formats())
    except UnidentifiedImageError:
        return None
    except Image.DecompressionBombError as error:
        limit, todo = f"at most {MAX_PIXELS:,} pixels", "shrink or remove the image"
        raise DataError(problem(where, "too many pixels", limit, todo)) from error


@cache
def _formats() -> tuple[str, ...]:
    """The formats that this Pillow was built with."""
    from PIL import features

    optional = {"AVIF": "avif", "WEBP": "webp", "JPEG2000": "jpg_2000"}
    return tuple(name for name in FORMATS if name not in optional or features.check(optional[name]))
