"""Opening a place by the path of a folder or by a URL that fsspec knows (s3://, gs://, az://, hf://, memory://).

open_storage("corpora/street").read("corpus.json")
open_storage("s3://bucket/street").write("corpus.json", data)
"""

from __future__ import annotations

import re
from pathlib import Path

from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder
from lavida_gen.storage.remote import RemoteStorage

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://")


def open_storage(place: str | Path | Storage) -> Storage:
    """Open a folder or URL.

    Args:
        place: Path, URL, or a place that is open already.

    Returns:
        The place; nothing is read or written yet.

    Raises:
        UserError: No file system is known or installed for the URL.
    """
    if isinstance(place, Storage):
        return place
    if isinstance(place, str) and _URL.match(place):
        if place.startswith(("file://", "local://")):
            return LocalFolder(Path(place.partition("://")[2]))
        return RemoteStorage(place.rstrip("/"))
    return LocalFolder(Path(place).expanduser())


def is_url(place: object) -> bool:
    """Whether a place is behind a URL; a file:// URL is a folder."""
    return isinstance(place, str) and bool(_URL.match(place)) and not place.startswith(("file://", "local://"))
