"""SHA-256 of texts, bytes, JSON values and files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lavida_gen.common.input_file import MAX_STREAM, open_regular


def sha256(data: str | bytes) -> str:
    """SHA-256 of bytes, or of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def sha256_file(path: Path, limit: int = MAX_STREAM) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits.

    Args:
        path: The file.
        limit: Most bytes it may have: one of the limits of `input_file`.

    Raises:
        OSError: The file cannot be read, is no regular file, or is larger.
    """
    with open_regular(path, limit) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_json(value: object) -> str:
    """SHA-256 of a value's JSON with sorted keys and without spaces, as 64 hexadecimal digits."""
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True))
