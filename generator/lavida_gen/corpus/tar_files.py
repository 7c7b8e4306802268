"""The files in a tar that somebody else may have written: where they lie, read from the headers alone.

Shards are plain: regular files, short names, nothing else. Their headers are read here, several times as fast as by
`tarfile`, which goes on where a tar is not plain: somebody packed it anew. What it finds is checked: links are not
followed, a file that is stored with holes (20 bytes for 6 GB) is refused, and no size exceeds that of the tar.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Container, Iterator
from typing import BinaryIO, NamedTuple

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import parsing
from lavida_gen.common.text import printable

_BLOCK = 512
_MAX_HEADER = 1 << 20
"""Bytes of one long name or of the other things that stand before a file's header."""
_OCTAL = re.compile(rb" *([0-7]+)[ \0]*")
WHOLE = "a WebDataset shard"
AGAIN = "build or fetch it again"


class TarMember(NamedTuple):
    """A file in a tar: its name, and where its content lies."""

    name: str
    start: int
    size: int

    @property
    def stem(self) -> str:
        """The part of its name before the first dot: the key of its sample."""
        return self.name.partition(".")[0]


def tar_members(file: BinaryIO, where: object, stems: Container[str] | None = None) -> Iterator[TarMember]:
    """Find files of a tar.

    Args:
        file: The tar, seekable. Its position may be changed between two files.
        where: Its name, for messages.
        stems: First parts of the wanted names, up to the first dot; None for all files.

    Yields:
        The files in the order of the tar.

    Raises:
        DataError: It is no tar, not complete, or holds something else than files.
    """
    place, end = 0, file.seek(0, 2)
    while True:
        file.seek(place)
        header = file.read(_BLOCK)
        if header == bytes(_BLOCK):
            return
        member = _plain_member(header, place + _BLOCK)
        if member is None:
            if not _is_header(header):
                got = f"is not a complete tar (no header at byte {place:,})"
                raise DataError(problem(where, got, WHOLE, AGAIN))
            break
        if member.start + member.size > end:
            raise DataError(problem(where, f"is cut off in {printable(member.name)}", WHOLE, AGAIN))
        if stems is None or member.stem in stems:
            yield member
        place = member.start + member.size + -member.size % _BLOCK
    for member in _others(file, place, end, where):
        if stems is None or member.stem in stems:
            yield member


def _plain_member(header: bytes, start: int) -> TarMember | None:
    is_plain = len(header) == _BLOCK and header[257:262] == b"ustar" and header[156:157] in (b"0", b"\0")
    size = _OCTAL.fullmatch(header[124:136])
    if not is_plain or header[345:346] != b"\0" or size is None or not _is_header(header):
        return None
    try:
        return TarMember(header[:100].rstrip(b"\0").decode("ascii"), start, int(size[1], 8))
    except UnicodeDecodeError:
        return None


def _is_header(block: bytes) -> bool:
    """Whether a block has the checksum of a header."""
    stated = _OCTAL.fullmatch(block[148:156])
    return stated is not None and int(stated[1], 8) == sum(block) - sum(block[148:156]) + 8 * ord(" ")


class _Headers(io.RawIOBase):
    """A tar from a place on, as `tarfile` reads it: never more bytes at once than headers have."""

    def __init__(self, file: BinaryIO, place: int) -> None:
        super().__init__()
        self._file, self._place = file, place

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        self._file.seek(self._place)
        data = self._file.read(max(0, min(size, _MAX_HEADER)))
        self._place += len(data)
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place. Raises tarfile.ReadError where `tarfile` itself would read the same for ever."""
        if place < 0:
            raise tarfile.ReadError("a negative size")
        self._place = place if whence == 0 else self._place + place
        return self._place


def _others(file: BinaryIO, place: int, end: int, where: object) -> Iterator[TarMember]:
    """The files of the rest of a tar, which is not plain. Raises DataError."""
    with parsing(where, WHOLE, AGAIN, got="is not a complete tar"):
        tar = tarfile.TarFile(fileobj=_Headers(file, place))
    last = place - 1
    while True:
        with parsing(where, WHOLE, AGAIN, got="is not a complete tar"):
            info = tar.next()
        if info is None:
            return
        vars(tar)["members"].clear()  # `tarfile` would keep all of them
        if not info.isreg() or info.issparse():
            got = "is stored with holes" if info.issparse() else "is not a file"
            raise DataError(problem(f"{where}: {printable(info.name)}", got, "only files in a shard"))
        if info.size < 0 or info.offset <= last or info.offset_data + info.size > end:
            raise DataError(problem(where, f"is cut off in {printable(info.name)}", WHOLE, AGAIN))
        last = info.offset
        yield TarMember(info.name, info.offset_data, info.size)
