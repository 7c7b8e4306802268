"""The header of an encoded image: its format, size and EXIF orientation, and whether the file is whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PICTURE, check_pixels, open_input, read_input, unreadable
from lavida_gen.scenes.image_decoders import header_by_pillow

Exif = Literal["size", "apply", "as_stored", "stop"]
"""What annotations have to do with the EXIF orientation of a picture. "size": the size that they are of decides, as
stored where both sizes are the same; "stop": so, but an error where they are the same; "apply": they are of the picture
as programs show it; "as_stored": they are of the picture as it is stored."""


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

    @property
    def shown(self) -> tuple[int, int]:
        """(H, W) after the turn that its orientation asks for."""
        return self.size[::-1] if self.orientation >= 5 else self.size

    @property
    def is_ambiguous(self) -> bool:
        """Whether the size leaves open if annotations are of the picture as stored or as shown."""
        return self.orientation != 1 and self.size == self.shown


def probe(data: bytes, where: object) -> Header:
    """Read the header of an encoded image.

    Args:
        data: The encoded image.
        where: Names it in errors.

    Returns:
        Its format, size and orientation.

    Raises:
        DataError: It is not an image, or has more pixels than `MAX_PIXELS`.
    """
    header = None
    if data[:2] == b"\xff\xd8":
        header = _probe_jpeg(data)
    elif data[:4] == b"\x89PNG":
        header = _probe_png(data)
    if header is None:
        form, size, orientation = header_by_pillow(data, where)
        header = Header(form, size, False, orientation)
    height, width = header.size
    check_pixels(width, height, where)
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


_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_HEAD, _TAIL = 1 << 16, 64
"""Bytes read of the head and of the tail of a file to inspect it."""


def jpeg_end(jpeg: bytes) -> int | None:
    """Where the first picture of a JPEG file ends; phones and cameras append kilobytes of other things.

    Args:
        jpeg: The file.

    Returns:
        Number of bytes up to and with its end marker (ITU T.81 B.1.1.3), None if the file ends before it.
    """
    start = 2
    while match := _NEXT_MARKER.search(jpeg, start):
        start = match.end()
        if jpeg[start - 1] == 0xD9:
            return start
        start += int.from_bytes(jpeg[start : start + 2], "big")  # skips a segment, such as a thumbnail with its own end
    return None


def check_whole(data: bytes, form: str, where: object) -> None:
    """Check that a JPEG or PNG is not cut off: OpenCV fills the rest with grey without an error.

    Args:
        data: The encoded image.
        form: Its format.
        where: Names it in errors.

    Raises:
        DataError: It is truncated.
    """
    is_whole = True
    if form == "jpeg":
        is_whole = b"\xff\xd9" in data[-_TAIL:] or jpeg_end(data) is not None
    elif form == "png":
        is_whole = b"IEND" in data
    if not is_whole:
        raise DataError(problem(where, "is truncated", f"a complete {form.upper()}", "fetch the file again"))


def inspect(path: Path) -> Header:
    """Read the header of an image file and look for its end, without decoding it or reading all of it.

    Args:
        path: The file.

    Returns:
        Its header.

    Raises:
        DataError: It cannot be read, is no image, or is truncated.
    """
    with open_input(path, MAX_PICTURE, "an image file") as file:
        try:
            head = file.read(_HEAD)
            file.seek(max(file.seek(0, 2) - _TAIL, 0))
            tail = file.read(_TAIL)
        except OSError as error:  # of a disk that fails
            raise unreadable(path, error, "an image file") from error
    if head[:2] == b"\xff\xd8" and b"\xff\xd9" in tail and (header := _probe_jpeg(head)):
        check_pixels(header.size[1], header.size[0], path)
        return header
    if head[12:16] == b"IHDR" and b"IEND" in tail:
        return probe(head, path)
    data = read_input(path, MAX_PICTURE, "an image file")
    header = probe(data, path)
    check_whole(data, header.format, path)
    return header


def is_turned(header: Header, size: tuple[int, int] | None, where: object, exif: Exif = "size") -> bool:
    """Whether annotations are of a picture turned by its EXIF orientation.

    Args:
        header: Header of the picture.
        size: (H, W) that the annotations were made for, None for any.
        where: Names the picture in errors.
        exif: What is known about it.

    Returns:
        Whether the picture must be turned.

    Raises:
        DataError: The picture has another size, or its size leaves open what `exif` must state.
    """
    stored, shown = header.size, header.shown
    if exif == "apply":
        possible, turned = [shown], header.orientation != 1
    elif exif == "as_stored":
        possible, turned = [stored], False
    else:
        possible, turned = [stored, shown], size is not None and stored != size
    if size is not None and size not in possible:
        got = f"is {possible[0][1]} x {possible[0][0]} pixels"
        expected = f"{size[1]} x {size[0]}, the size its annotations were made for"
        raise DataError(problem(where, got, expected, "check that images and annotations belong together"))
    if exif == "stop" and header.is_ambiguous:
        got = f"has EXIF orientation {header.orientation}, and its size leaves open whether annotations heed that"
        todo = "give source `coco_json` `exif: apply` if they are of the picture as programs show it, else `as_stored`"
        raise DataError(problem(where, got, todo=todo))
    return turned
