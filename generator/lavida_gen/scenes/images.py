"""Images as encoded bytes: their format, whether shards may store them unchanged, their pixels.

A Frame reads its encoded bytes and decodes them only when somebody needs pixels, so that unchanged JPEGs reach the
shard as they are. Letters: H W pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem

Pixels = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB 0..255."""

MAX_PIXELS = 100_000_000
"""Larger images are refused before they are decoded (decompression bombs); gigapixel scans are not scenes."""

JPEG_QUALITY = 95


class Header(NamedTuple):
    """The header of an image, read without decoding the image.

    Attributes:
        format: "jpeg", "png", ...
        size: (H, W) as stored.
        plain: Whether it is an 8-bit RGB or grey JPEG that every reader shows as stored (no EXIF rotation, no CMYK),
            so that shards may store its bytes.
        orientation: EXIF orientation, 1..8.
    """

    format: str
    size: tuple[int, int]
    plain: bool
    orientation: int = 1


class Frame:
    """One image of a scene. Make it with `Frame.file`, `Frame.encoded_by` (encoded bytes) or `Frame.drawn` (pixels).

    Attributes:
        size: (H, W) in pixels.
        where: Names the image in errors.
    """

    __slots__ = ("_bytes", "_pixels", "size", "where")

    def __init__(
        self,
        size: tuple[int, int],
        where: str,
        read_bytes: Callable[[], bytes] | None = None,
        read_pixels: Callable[[], Pixels] | None = None,
    ) -> None:
        assert (read_bytes is None) != (read_pixels is None), "a frame has bytes or pixels"
        self.size, self.where, self._bytes, self._pixels = size, where, read_bytes, read_pixels

    @classmethod
    def file(cls, path: Path, size: tuple[int, int]) -> Frame:
        """A frame of an image file.

        Args:
            path: The file; it is opened when somebody reads the frame.
            size: (H, W) in pixels, which the file must have.
        """

        def read() -> bytes:
            try:
                return path.read_bytes()
            except OSError as error:
                raise DataError(problem(path, f"cannot be read ({error.strerror})", "an image file")) from error

        return cls(size, str(path), read_bytes=read)

    @classmethod
    def encoded_by(cls, read: Callable[[], bytes], size: tuple[int, int], where: str) -> Frame:
        """A frame of encoded bytes.

        Args:
            read: Returns the bytes (JPEG, PNG, ...); called each time they are needed.
            size: (H, W) in pixels, which the image must have.
            where: Names the image in errors.
        """
        return cls(size, where, read_bytes=read)

    @classmethod
    def drawn(cls, read: Callable[[], Pixels], size: tuple[int, int], where: str) -> Frame:
        """A frame of pixels.

        Args:
            read: Returns (H, W, 3) uint8 RGB; called each time pixels are needed.
            size: (H, W) in pixels.
            where: Names the image in errors.
        """
        return cls(size, where, read_pixels=read)

    def pixels(self) -> Pixels:
        """Decode the image.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            DataError: The file is broken or of another size.
        """
        if self._pixels is not None:
            pixels = self._pixels()
            assert pixels.shape == (*self.size, 3), f"{self.where}: drawn {pixels.shape}, expected {self.size}"
            return pixels
        assert self._bytes is not None
        return decode(self._bytes(), self.size, self.where)

    def jpeg(self, quality: int = JPEG_QUALITY) -> bytes:
        """JPEG bytes: the file's own if every reader shows them as stored, else a new encoding.

        Args:
            quality: JPEG quality of a new encoding.

        Returns:
            The JPEG.

        Raises:
            DataError: The file is broken, truncated or of another size.
        """
        if self._pixels is not None:
            return encode_jpeg(self.pixels(), quality)
        assert self._bytes is not None
        data = self._bytes()
        header = probe(data, self.where)
        if header.plain and header.size == self.size and _has_end_marker(data):
            return data
        pixels = decode(data, self.size, self.where)
        if header.plain and header.size == self.size:
            return data  # bytes after the end marker are harmless: the image was decoded above without error
        return encode_jpeg(pixels, quality)


def _has_end_marker(jpeg: bytes) -> bool:
    return jpeg.rfind(b"\xff\xd9", len(jpeg) - 64) >= 0


def probe(data: bytes, where: object) -> Header:
    """Read the header of an encoded image.

    Args:
        data: The encoded image.
        where: Names it in errors.

    Returns:
        Its format, size and orientation.

    Raises:
        DataError: It is not an image, or larger than MAX_PIXELS.
    """
    header = None
    if data[:2] == b"\xff\xd8":
        header = _probe_jpeg(data)
    elif data[:4] == b"\x89PNG":
        header = _probe_png(data)
    header = header or _probe_with_pillow(data, where)
    height, width = header.size
    if height * width > MAX_PIXELS:
        got, limit = f"{width} x {height} pixels", f"at most {MAX_PIXELS:,} pixels"
        raise DataError(problem(where, got, limit, "shrink or remove the image"))
    return header


def _probe_jpeg(data: bytes) -> Header | None:
    """Read the segments up to the frame header (ITU T.81 B.2). None if they are malformed."""
    start, end, orientation = 2, len(data) - 9, 1
    while start < end:
        if data[start] != 0xFF:
            return None
        marker = data[start + 1]
        if marker == 0xFF:  # fill byte
            start += 1
            continue
        length = data[start + 2] << 8 | data[start + 3]
        if marker == 0xE1 and data[start + 4 : start + 10] == b"Exif\0\0":
            orientation = _exif_orientation(data[start + 10 : start + 2 + length])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits, channels = data[start + 4], data[start + 9]
            size = (data[start + 5] << 8 | data[start + 6], data[start + 7] << 8 | data[start + 8])
            if 0 in size:
                return None
            plain = bits == 8 and channels in (1, 3) and orientation == 1
            return Header("jpeg", size, plain, orientation)
        start += 2 + length
    return None


def _exif_orientation(tiff: bytes) -> int:
    """Orientation tag 0x0112 of the first EXIF directory, 1 if it is absent or unreadable."""
    if tiff[:2] not in (b"II", b"MM") or len(tiff) < 10:
        return 1
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"

    def number(start: int, size: int) -> int:
        return int.from_bytes(tiff[start : start + size], order)

    start = number(4, 4)
    for entry in range(start + 2, start + 2 + 12 * number(start, 2), 12):
        if number(entry, 2) == 0x0112:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


def _probe_png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR":
        return None
    width, height = (int.from_bytes(data[start : start + 4], "big") for start in (16, 20))
    return Header("png", (height, width), False) if width and height else None


def _probe_with_pillow(data: bytes, where: object) -> Header:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            return Header((image.format or "?").lower(), (image.height, image.width), False)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        got = "is not a readable image"
        raise DataError(problem(where, got, "JPEG, PNG, TIFF, BMP or WebP", "replace the file")) from error


def decode(data: bytes, size: tuple[int, int] | None, where: object) -> Pixels:
    """Decode an image; grey, CMYK, palette and 16-bit images become RGB.

    Args:
        data: The encoded image.
        size: (H, W) that the annotations were made for, None for any. If EXIF rotates the image, the stored
            orientation is used if it has this size, else the rotated one.
        where: Names the image in errors.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: The image is broken, truncated or of another size.
    """
    import cv2

    header = probe(data, where)
    rotated_size = header.size[::-1] if header.orientation >= 5 else header.size
    rotate = size is not None and header.size != size and rotated_size == size
    if size is not None and not rotate and header.size != size:
        got = f"is {header.size[1]} x {header.size[0]} pixels"
        expected = f"{size[1]} x {size[0]}, the size its annotations were made for"
        raise DataError(problem(where, got, expected, "check that images and annotations belong together"))
    end = {"jpeg": b"\xff\xd9", "png": b"IEND"}.get(header.format)
    if end is not None and end not in data[-4096:]:  # OpenCV fills the rest with grey without an error
        raise DataError(problem(where, "is truncated", f"a complete {header.format.upper()}", "fetch the file again"))
    flags = cv2.IMREAD_COLOR_RGB if rotate else cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        pixels = _decode_by_pillow(data, where)
    return np.asarray(pixels, np.uint8)


def _decode_by_pillow(data: bytes, where: object) -> Pixels:
    """Decode a format that OpenCV does not read. Pillow refuses truncated files."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        got = f"cannot be decoded ({error})"
        raise DataError(problem(where, got, "a complete image", "fetch the file again")) from error


def encode_jpeg(pixels: Pixels, quality: int = JPEG_QUALITY) -> bytes:
    """Encode a JPEG with chroma at full resolution, so that small coloured things keep their edges.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        quality: JPEG quality, 0..100.

    Returns:
        The JPEG.
    """
    import cv2

    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    assert done, "cv2 could not encode a frame"
    return bytes(data)
