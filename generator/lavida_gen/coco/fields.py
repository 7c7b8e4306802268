"""Members of the objects in a COCO JSON, read as the many programs that write such files mean them."""

from __future__ import annotations

from typing import NamedTuple

from lavida_gen.annotations.json_file import flag
from lavida_gen.common.errors import DataError
from lavida_gen.common.input_file import MAX_PIXELS

CROWD, IGNORE = 1, 2
"""Bits of the flags of an annotation: one mask for many things; marked to be ignored by evaluations."""
MARKS = {"iscrowd": CROWD, "ignore": IGNORE}
"""Members of an annotation that set these bits."""
Ident = int | str
"""An id: a number, or any text that is not one."""


class ImageEntry(NamedTuple):
    """One entry of `images`; `licence` is the id of an entry of `licenses`, as text."""

    id: Ident
    height: int
    width: int
    file: str
    url: str
    licence: str


class WholeFileError(DataError):
    """Something wrong with a file that leaving out one entry would not cure."""


def identity(value: dict[str, object], key: str) -> Ident:
    """An id. 5, 5.0 and "5" are the same one.

    Args:
        value: The JSON object.
        key: Its key.

    Returns:
        The id as a number, or as text where it is no number.

    Raises:
        DataError: The key is missing or null, or its value is no id; the message does not name the file.
    """
    found = value.get(key)
    if type(found) is int and -(2**62) < found < 2**62:
        return found
    if isinstance(found, str) and found.strip():
        text = found.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 and str(int(text)) == text else text
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return integer(value, key)


def integer(value: dict[str, object], key: str) -> int:
    """An integer member of a JSON object, also where the file writes 480.0 or "480".

    Args:
        value: The JSON object.
        key: Its key.

    Returns:
        The integer.

    Raises:
        DataError: The key is missing or is not an integer; the message does not name the file.
    """
    found = value.get(key)
    if type(found) is int and -(2**63) <= found < 2**63:
        return found
    if key not in value:
        raise DataError(f"has no {key!r}")
    if isinstance(found, float) and found.is_integer() and abs(found) < 2**53:
        return int(found)
    if isinstance(found, str) and found.strip().isascii() and found.strip().isdigit() and len(found) < 18:
        return int(found)
    raise DataError(f"{key} is {str(found)[:40]!r}; expected an integer")


def flags(annotation: dict[str, object]) -> int:
    """The bits that describe an annotation.

    Args:
        annotation: The entry of the annotation.
    """
    return sum(bit for key, bit in MARKS.items() if flag(annotation.get(key)))


def pixel_size(value: dict[str, object]) -> tuple[int, int]:
    """(H, W) of an image.

    Args:
        value: The entry of the image.

    Raises:
        DataError: It has none, or one that no image has; the message does not name the file.
    """
    height, width = integer(value, "height"), integer(value, "width")
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise DataError(f"is {width} x {height} pixels; expected 1 to {MAX_PIXELS:,} pixels")
    return height, width


def file_name(value: dict[str, object]) -> str:
    """The name of an image's file; LVIS' entries have an address only, and its last two parts are the name.

    Args:
        value: The entry of the image.

    Returns:
        The name, not checked.

    Raises:
        DataError: There is none; the message does not name the file.
    """
    file = value.get("file_name")
    if isinstance(file, str) and file.strip():
        return file
    parts = str(value.get("coco_url") or "").split("/")
    if "://" in str(value.get("coco_url")) and parts[-1]:
        return "/".join(parts[-2:])
    raise DataError(f"file_name is {file!r}; expected the name of the image file")
