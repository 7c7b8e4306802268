"""Images as encoded bytes: their format, whether shards may store them unchanged, their pixels.

A Frame reads its encoded bytes and decodes them only when somebody needs pixels, so that unchanged JPEGs reach the
shard as they are. Letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.input_file import MAX_PICTURE, read_input
from lavida_gen.scenes.image_decoders import colours_by_opencv, colours_by_pillow, is_jpeg_for_opencv
from lavida_gen.scenes.image_header import Exif as Exif
from lavida_gen.scenes.image_header import Header as Header
from lavida_gen.scenes.image_header import check_whole, is_turned, jpeg_end
from lavida_gen.scenes.image_header import probe as probe

Pixels = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB 0..255."""

JPEG_QUALITY = 95


class Frame:
    """One image of a scene. Make it with `Frame.file`, `Frame.encoded_by` (encoded bytes) or `Frame.drawn` (pixels).

    Attributes:
        size: (H, W) in pixels.
        where: Names the image in errors.
    """

    __slots__ = ("_bytes", "_exif", "_pixels", "size", "where")

    def __init__(
        self,
        size: tuple[int, int],
        where: str,
        read_bytes: Callable[[], bytes] | None = None,
        read_pixels: Callable[[], Pixels] | None = None,
        exif: Exif = "size",
    ) -> None:
        assert (read_bytes is None) != (read_pixels is None), "a frame has bytes or pixels"
        self.size, self.where, self._bytes, self._pixels, self._exif = size, where, read_bytes, read_pixels, exif

    @classmethod
    def file(cls, path: Path, size: tuple[int, int], exif: Exif = "size") -> Frame:
        """A frame of an image file.

        Args:
            path: The file; it is opened when somebody reads the frame.
            size: (H, W) in pixels, which the file must have.
            exif: Whether that is the size of the picture turned by its EXIF orientation.
        """
        return cls(size, str(path), read_bytes=lambda: read_input(path, MAX_PICTURE, "an image file"), exif=exif)

    @classmethod
    def encoded_by(cls, read: Callable[[], bytes], size: tuple[int, int], where: str, exif: Exif = "size") -> Frame:
        """A frame of encoded bytes.

        Args:
            read: Returns the bytes (JPEG, PNG, ...); called each time they are needed.
            size: (H, W) in pixels, which the image must have.
            where: Names the image in errors.
            exif: Whether that is the size of the picture turned by its EXIF orientation.
        """
        return cls(size, where, read_bytes=read, exif=exif)

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
        return decode(self._bytes(), self.size, self.where, self._exif)

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
        pixels = decode(data, self.size, self.where, self._exif)
        if header.plain and header.size == self.size:
            return data[: jpeg_end(data)]  # without what follows, such as a second picture
        return encode_jpeg(pixels, quality)


def _has_end_marker(jpeg: bytes) -> bool:
    return jpeg.rfind(b"\xff\xd9", len(jpeg) - 64) >= 0


def decode(data: bytes, size: tuple[int, int] | None, where: object, exif: Exif = "size") -> Pixels:
    """Decode an image; grey, CMYK, palette and 16-bit images become RGB.

    Args:
        data: The encoded image.
        size: (H, W) that the annotations were made for, None for any.
        where: Names the image in errors.
        exif: Whether that is the size of the picture turned by its EXIF orientation.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: The image is broken, truncated or of another size.
    """
    header, turned = _checked_header(data, size, where, exif)
    if turned and header.format != "jpeg":
        return colours_by_pillow(data, where, turned)  # OpenCV turns JPEGs alone
    pixels = colours_by_opencv(data, where, turned)
    return colours_by_pillow(data, where) if pixels is None else pixels


def check(data: bytes, size: tuple[int, int] | None, where: object) -> None:
    """Check that an image can be decoded, as `decode` would, in a third of its time for a JPEG.

    Args:
        data: The encoded image.
        size: (H, W) that it must have, None for any.
        where: Names the image in errors.

    Raises:
        DataError: The image is broken, truncated or of another size.
    """
    header, _ = _checked_header(data, size, where)
    if header.format != "jpeg" or not is_jpeg_for_opencv(data, where):
        decode(data, size, where)  # decides, and words it


def _checked_header(
    data: bytes, size: tuple[int, int] | None, where: object, exif: Exif = "size"
) -> tuple[Header, bool]:
    """The header of a whole image of the right size, and whether it must be turned. Raises DataError."""
    header = probe(data, where)
    turned = is_turned(header, size, where, exif)
    check_whole(data, header.format, where)
    return header, turned


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
