"""What a file is instead of what its name promises: text in UTF-16, an archive, a pointer of Git LFS, a web page.

Readers ask here once they have failed, so that the message names the cause instead of a byte.
"""

from __future__ import annotations

from typing import NamedTuple


class FileKind(NamedTuple):
    """What a file is.

    Attributes:
        got: Its kind, for messages.
        todo: What the user can do.
    """

    got: str
    todo: str


_UTF16, _WEB_PAGE = FileKind("text in UTF-16", "save it as UTF-8"), FileKind("a web page", "fetch it again")
_KINDS: tuple[tuple[bytes, FileKind], ...] = (
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
        Its kind; None if its first bytes show none of those known here.
    """
    head = data[:40].lstrip().lower()
    return next((kind for start, kind in _KINDS if head.startswith(start.lower())), None)
