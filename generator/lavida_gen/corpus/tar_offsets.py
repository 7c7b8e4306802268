"""Where the files of a plain tar lie, read from its headers alone: ten times as fast as `tarfile`, which decodes all.

Shards are plain: regular files, short names, nothing else. Anything else is left to `tarfile` and its messages.
"""

from __future__ import annotations

from collections.abc import Container
from typing import BinaryIO, NamedTuple

_BLOCK = 512


class TarMember(NamedTuple):
    """A file in a tar: its name, and where its content lies."""

    name: str
    start: int
    size: int


def plain_members(file: BinaryIO, stems: Container[str]) -> list[TarMember] | None:
    """Find some files of a tar.

    Args:
        file: The tar, seekable, at its beginning.
        stems: First parts of the wanted names, up to the first dot.

    Returns:
        The files in the order of the tar; None if it is not plain or not complete.
    """
    found, place = list[TarMember](), 0
    end = file.seek(0, 2)
    while True:
        file.seek(place)
        header = file.read(_BLOCK)
        if header == bytes(_BLOCK):
            return found
        member = _plain_member(header, place + _BLOCK)
        if member is None or member.start + member.size > end:
            return None
        if member.name.partition(".")[0] in stems:
            found.append(member)
        place = member.start + member.size + -member.size % _BLOCK


def _plain_member(header: bytes, start: int) -> TarMember | None:
    is_plain = len(header) == _BLOCK and header[257:262] == b"ustar" and header[156:157] in (b"0", b"\0")
    if not is_plain or header[345:346] != b"\0":
        return None
    try:
        return TarMember(header[:100].rstrip(b"\0").decode("ascii"), start, int(header[124:136].rstrip(b"\0 "), 8))
    except ValueError:
        return None
