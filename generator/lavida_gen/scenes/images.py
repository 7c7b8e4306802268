"""Images as encoded bytes: what they are, whether they may be passed on untouched, pixels if asked.

A Frame knows how to get its encoded bytes and decodes only when somebody wants pixels, so that untouched JPEGs
reach the shard as they are. Letters: H W pixels.
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
"""Larger pictures are refused before they are decoded (decompression bombs); gigapixel scans are no scenes."""

JPEG_QUALITY = 95


class Header(NamedTuple):
    """What the first bytes of an image say, without decoding it.

    format is "jpeg", "png", ...; size the stored (H, W); plain means: an 8-bit RGB or grey JPEG that any
    reader shows as stored (no EXIF turn, no CMYK), so its bytes may be passed on; turn is EXIF's orientation 1..8.
    """

    format: str
    size: tuple[int, int]
    plain: bool
    turn: int = 1


class Frame:
    """One picture of a scene, (H, W) = `size`.

    Make it with `Frame.file` (an image file), `Frame.encoded_by` (bytes from anywhere) or `Frame.drawn` (pixels).
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
        """An image file; it is opened when asked for, and must then be of `size`."""

        def read() -> bytes:
            try:
                return path.read_bytes()
            except OSError as error:
                raise DataError(problem(path, f"cannot be read ({error.strerror})", "an image file")) from error

        return cls(size, str(path), read_bytes=read)

    @classmethod
    def encoded_by(cls, read: Callable[[], bytes], size: tuple[int, int], where: str) -> Frame:
        """Encoded bytes (JPEG, PNG, ...) from `read`; `where` names them in errors."""
        return cls(size, where, read_bytes=read)

    @classmethod
    def drawn(cls, read: Callable[[], Pixels], size: tuple[int, int], where: str) -> Frame:
        """Pixels (H, W, 3) uint8 RGB from `read`, called each time pixels are asked for."""
        return cls(size, where, read_pixels=read)

    def pixels(self) -> Pixels:
        """(H, W, 3) uint8 RGB. Raises DataError if the file is broken or of another size."""
        if self._pixels is not None:
            pixels = self._pixels()
            assert pixels.shape == (*self.size, 3), f"{self.where}: drawn {pixels.shape}, promised {self.size}"
            return pixels
        assert self._bytes is not None
        return decode(self._bytes(), self.size, self.where)

    def jpeg(self, quality: int = JPEG_QUALITY) -> bytes:
        """JPEG bytes: the file's own where every reader shows them as stored, else encoded anew.

        Raises DataError if the file is broken, truncated or of another size.
        """
        if self._pixels is not None:
            return encode_jpeg(self.pixels(), quality)
        assert self._bytes is not None
        data = self._bytes()
        header = probe(data, self.where)
        if header.plain and header.size == self.size and _ends_whole(data):
            return data
        pixels = decode(data, self.size, self.where)
        if header.plain and header.size == self.size:
            return data  # bytes behind the end marker: harmless, and decoded above without complaint
        return encode_jpeg(pixels, quality)


def _ends_whole(jpeg: bytes) -> bool:
    return jpeg.rfind(b"\xff\xd9", len(jpeg) - 64) >= 0


def probe(data: bytes, where: object) -> Header:
    """Format and size of encoded bytes from their header. Raises DataError for no image or too large a one."""
    header = _probe_jpeg(data) if data[:2] == b"\xff\xd8" else _probe_png(data) if data[:4] == b"\x89PNG" else None
    header = header or _probe_any(data, where)
    height, width = header.size
    if height * width > MAX_PIXELS:
        raise DataError(
            problem(
                where,
                f"{width} x {height} pixels",
                f"at most {MAX_PIXELS:,} pixels",
                "shrink or remove the image",
            )
        )
    return header


def _probe_jpeg(data: bytes) -> Header | None:
    """Walk the segments up to the frame header (ITU T.81 B.2). None where the walk fails."""
    at, end, turn = 2, len(data) - 9, 1
    while at < end:
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        length = data[at + 2] << 8 | data[at + 3]
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            turn = _exif_turn(data[at + 10 : at + 2 + length])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits, parts = data[at + 4], data[at + 9]
            size = (data[at + 5] << 8 | data[at + 6], data[at + 7] << 8 | data[at + 8])
            return Header("jpeg", size, bits == 8 and parts in (1, 3) and turn == 1, turn) if 0 not in size else None
        at += 2 + length
    return None


def _exif_turn(tiff: bytes) -> int:
    """Orientation tag 0x0112 of the first EXIF directory, 1 if absent or unreadable."""
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
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    return Header("png", (height, width), False) if width and height else None


def _probe_any(data: bytes, where: object) -> Header:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            return Header((image.format or "?").lower(), (image.height, image.width), False)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            problem(where, "is no readable image", "JPEG, PNG, TIFF, BMP or WebP", "replace the file")
        ) from error


def decode(data: bytes, size: tuple[int, int] | None, where: object) -> Pixels:
    """Pixels (H, W, 3) uint8 RGB of encoded bytes; grey, CMYK, palette and 16-bit pictures become RGB.

    `size` (H, W) is what the annotations were made for: where EXIF turns the picture, the stored orientation is
    taken if it fits, else the turned one. Raises DataError for broken, truncated or wrongly sized pictures.
    """
    import cv2

    header = probe(data, where)
    turned = header.size[::-1] if header.turn >= 5 else header.size
    turn = size is not None and header.size != size and turned == size
    if size is not None and not turn and header.size != size:
        raise DataError(
            problem(
                where,
                f"is {header.size[1]} x {header.size[0]} pixels",
                f"{size[1]} x {size[0]}, the size its annotations were made for",
                "check that images and annotations belong together",
            )
        )
    end = {"jpeg": b"\xff\xd9", "png": b"IEND"}.get(header.format)
    if end is not None and end not in data[-4096:]:  # OpenCV fills the rest with grey and says nothing
        raise DataError(problem(where, "is truncated", f"a whole {header.format.upper()}", "fetch the file again"))
    flags = cv2.IMREAD_COLOR_RGB if turn else cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        pixels = _decode_by_pillow(data, where)
    return np.asarray(pixels, np.uint8)


def _decode_by_pillow(data: bytes, where: object) -> Pixels:
    """What OpenCV does not read. Pillow refuses truncated files."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(
            problem(where, f"cannot be decoded ({error})", "a whole image", "fetch the file again")
        ) from error


def encode_jpeg(pixels: Pixels, quality: int = JPEG_QUALITY) -> bytes:
    """JPEG of (H, W, 3) uint8 RGB, chroma at full resolution so that small coloured things keep their edges."""
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
