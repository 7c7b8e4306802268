"""The one door for files that somebody else may have written: annotations, pictures, videos, corpora, models.

A name can lead to a FIFO that never ends, to a device, or to more bytes than the memory holds; a small file can state a
picture of gigabytes; a parser can raise anything. Here only a regular file of a plausible size is opened, the size of a
picture is checked before it is decoded, and what a parser raises becomes one error that names the file. No other module
opens files of strangers, which `tests/gen/test_one_door.py` checks in the source.

The limits are far above real data: LVIS and COCO have JSON files of gigabytes, cameras take photographs of 108
megapixels.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from lavida_gen.common.errors import DataError, LavidaGenError, problem
from lavida_gen.common.text import printable

_MB, _GB = 1_000_000, 1_000_000_000

MAX_TEXT = 100 * _MB
"""Bytes of a text that is read as a whole: names, YAML, labels of a picture, CSV, manifests."""
MAX_JSON = 4 * _GB
"""Bytes of a JSON or pickle that is read as a whole."""
MAX_STREAM = 1000 * _GB
"""Bytes of a file that is read in pieces: large JSON, shards, videos, arrays, tables, weights of models."""
MAX_PICTURE = 1 * _GB
"""Bytes of an encoded picture or mask; 108 megapixels of 16 bits are 650 MB."""
MAX_PIXELS = 128_000_000
"""Pixels of a picture or mask; gigapixel scans are not scenes."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: str | Path, limit: int) -> BufferedReader:
    """`open_input` for callers that handle the errors of files themselves.

    Args:
        path: The file; links are followed.
        limit: Most bytes it may have.

    Returns:
        The file, open for reading.

    Raises:
        OSError: It cannot be opened, is no regular file, or is larger.
    """
    handle, _ = _open(path, limit)
    return os.fdopen(handle, "rb")


def read_regular(path: str | Path, limit: int) -> bytes:
    """`read_input` for callers that handle the errors of files themselves.

    Args:
        path: The file; links are followed.
        limit: Most bytes it may have.

    Returns:
        As many bytes as it had when it was opened.

    Raises:
        OSError: It cannot be read, is no regular file, or is larger.
    """
    handle, size = _open(path, limit)
    try:
        data = os.read(handle, size)
        while len(data) < size and (more := os.read(handle, size - len(data))):  # one call reads 2 GB at most
            data += more
        return data
    finally:
        os.close(handle)


def _open(path: str | Path, limit: int) -> tuple[int, int]:
    """(handle, size in bytes). Opening a FIFO does not wait for its writer. Raises OSError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:  # a zero byte, or letters that no file name can have
        raise OSError(errno.EINVAL, f"its name is not valid: {error}", str(path)) from error
    found = os.fstat(handle)
    reason = ""
    if not stat.S_ISREG(found.st_mode):
        reason = f"it is {_KINDS.get(stat.S_IFMT(found.st_mode), 'something else')}, not a regular file"
    elif found.st_size > limit:
        reason = f"it has {found.st_size:,} bytes, more than {limit:,}"
    if reason:
        os.close(handle)
        raise OSError(errno.EINVAL, reason, str(path))
    return handle, found.st_size


def open_input(path: str | Path, limit: int, expected: str = "", todo: str = "") -> BufferedReader:
    """Open a file that somebody else may have written.

    Args:
        path: The file; links are followed.
        limit: Most bytes it may have: one of the limits of this module.
        expected: What the file should be, for messages.
        todo: What to do about a damaged file, for messages.

    Returns:
        The file, open for reading.

    Raises:
        DataError: It cannot be opened, is no regular file, or is larger; its cause is the OSError.
    """
    try:
        return open_regular(path, limit)
    except OSError as error:
        raise unreadable(path, error, expected, todo) from error


def read_input(path: str | Path, limit: int = MAX_TEXT, expected: str = "", todo: str = "") -> bytes:
    """Content of a file that somebody else may have written; the arguments are those of `open_input`.

    Returns:
        As many bytes as it had when it was opened.

    Raises:
        DataError: It cannot be read, is no regular file, or is larger; its cause is the OSError.
    """
    try:
        return read_regular(path, limit)
    except OSError as error:
        raise unreadable(path, error, expected, todo) from error


def read_text(path: str | Path, limit: int = MAX_TEXT, expected: str = "", todo: str = "") -> str:
    r"""Text of a file that somebody else may have written; the arguments are those of `open_input`.

    Returns:
        The text, without a byte order mark, its lines divided by "\n".

    Raises:
        DataError: It cannot be read, is no regular file, larger, or not UTF-8.
    """
    data = read_input(path, limit, expected, todo)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, data, error, expected, todo) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def not_utf8(path: object, head: bytes, error: UnicodeDecodeError, expected: str = "", todo: str = "") -> DataError:
    """The DataError for a text that is not UTF-8.

    Args:
        path: The file.
        head: Its first bytes.
        error: Why.
        expected: What the file should be.
        todo: What to do about it.
    """
    kind = kind_of(head)
    got = f"is not UTF-8 text ({f'it is {kind.got}' if kind else reason_of(error)})"
    return DataError(problem(path, got, expected, kind.todo if kind else todo))


def unreadable(path: object, error: OSError, expected: str = "", todo: str = "") -> DataError:
    """The DataError for a file that cannot be read.

    Args:
        path: The file.
        error: Why.
        expected: What the file should be.
        todo: What to do about it.
    """
    other = beside(error.filename) if isinstance(error, FileNotFoundError) and error.filename else ""
    got = f"cannot be read ({error.strerror or error})"
    return DataError(problem(path, got, expected, f"there is {other}" if other else todo))


_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".heic", ".json", ".txt", ".npy", ".gz")


def beside(path: str | Path) -> str:
    """The name of a file beside a missing one that differs in its suffix alone, for messages; "" if there is none.

    Args:
        path: The missing file.
    """
    usual = Path(path)
    suffixes = (suffix for own in _SUFFIXES for suffix in (own, own.upper()))
    try:
        others = (usual.with_name(name) for suffix in suffixes for name in (usual.stem + suffix, usual.name + suffix))
        return next((other.name for other in others if other.is_file()), "")
    except (OSError, ValueError):  # a name that no file can have
        return ""


@contextmanager
def parsing(
    where: object, expected: str = "", todo: str = "", family: type[LavidaGenError] = DataError, got: str = ""
) -> Iterator[None]:
    """Around the call of a parser, and nothing else: whatever it raises becomes one error.

    Mistakes of our own code stay what they are as long as that code is outside of the block.

    Args:
        where: What is parsed, for messages.
        expected: What it should be, for messages.
        todo: What to do about a damaged one, for messages.
        family: Class of the error.
        got: What to call the failure: "is not valid TOML"; by default "cannot be read".

    Raises:
        LavidaGenError: The block raised anything but an error for users; its cause is what the block raised.
    """
    try:
        yield
    except LavidaGenError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # of parsers written in Rust
            raise
        raise family(problem(where, f"{got or 'cannot be read'} ({reason_of(error)})", expected, todo)) from error


def reason_of(error: BaseException, most: int = 200) -> str:
    """What a parser has against its input, in one printable line that is not long.

    Args:
        error: Its exception.
        most: Letters.
    """
    text = printable(" ".join(str(error).split()))
    if not isinstance(error, ValueError | OSError) or not text:
        name = type(error).__name__
        text = f"{name}: {text}" if text else name
    return text if len(text) <= most else f"{text[: most - 3]}..."


def check_pixels(width: int, height: int, where: object) -> None:
    """Check the size of a picture or mask, as its header states it, before it is decoded.

    Args:
        width: Pixels.
        height: Pixels.
        where: Names the picture in errors.

    Raises:
        DataError: It has more than `MAX_PIXELS`, or none.
    """
    if width * height > MAX_PIXELS or width <= 0 or height <= 0:
        expected = f"at most {MAX_PIXELS:,} pixels" if width > 0 < height else "at least one pixel"
        raise DataError(problem(where, f"{width} x {height} pixels", expected, "shrink or remove the image"))


# ---- files that are something else than their name promises: asked for once a reader has failed --------------------


class FileKind(NamedTuple):
    """What a file is.

    Attributes:
        got: Its kind, for messages.
        todo: What the user can do.
    """

    got: str
    todo: str


_UTF16, _WEB_PAGE = FileKind("text in UTF-16", "save it as UTF-8"), FileKind("a web page", "fetch it again")
_STARTS: tuple[tuple[bytes, FileKind], ...] = (
    (b"\xff\xfe", _UTF16),
    (b"\xfe\xff", _UTF16),
    (b"{\0", _UTF16),
    (b"[\0", _UTF16),
    (b"\x1f\x8b", FileKind("compressed with gzip", "unpack it with gunzip")),
    (b"PK\x03\x04", FileKind("a ZIP archive", "unpack it")),
    (b"Rar!", FileKind("a RAR archive", "unpack it")),
    (b"7z\xbc\xaf", FileKind("a 7z archive", "unpack it")),
    (b"version https://git-lfs", FileKind("a pointer of Git LFS", "fetch the file itself with `git lfs pull`")),
    (b"<!doctype html", _WEB_PAGE),
    (b"<html", _WEB_PAGE),
)


def kind_of(data: bytes) -> FileKind | None:
    """What a file is that could not be read.

    Args:
        data: The file, or its first bytes.

    Returns:
        Its kind; None if its start shows none of those known here.
    """
    head = data[:40].lstrip().lower()
    return next((kind for start, kind in _STARTS if head.startswith(start.lower())), None)
