"""Small results that are kept in the cache under a key, such as the masks of a clip: one file each.

A file is a CRC-32 and JSON. There is no lock: who writes replaces the whole file, and processes that compute the same
at once write the same. A file that is damaged counts as missing, so that nobody waits for the disk either.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from lavida_gen.common.atomic_file import replace_file
from lavida_gen.common.errors import DataError
from lavida_gen.common.input_file import MAX_JSON, read_regular
from lavida_gen.common.json_file import parse_json
from lavida_gen.storage.cache import cache_root, writing

_SUM = 8
"""Hexadecimal digits of the checksum."""


def load(kind: str, key: str) -> object:
    """Find a record.

    Args:
        kind: What computes it; the name of a folder.
        key: Names it; letters and digits.

    Returns:
        The JSON value; None if there is none, or a damaged one.
    """
    path = _path(kind, key)
    try:
        data = read_regular(path, MAX_JSON)
        text = data[_SUM:]
        return parse_json(text, path) if _sum(text) == data[:_SUM] else None
    except (OSError, DataError):
        return None


def store(kind: str, key: str, value: object) -> None:
    """Keep a record in the place of an earlier one.

    Args:
        kind: What computes it; the name of a folder.
        key: Names it; letters and digits.
        value: A JSON value.

    Raises:
        DataError: The cache cannot be written.
    """
    text = json.dumps(value, separators=(",", ":")).encode()
    path = _path(kind, key)
    with writing():
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, _sum(text) + text, sync=False)


def _path(kind: str, key: str) -> Path:
    return cache_root() / kind / f"{key}.json"


def _sum(text: bytes) -> bytes:
    return b"%08x" % zlib.crc32(text)
