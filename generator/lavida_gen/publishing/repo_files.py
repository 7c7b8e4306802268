"""The files of a published corpus: on this machine and on the Hub."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lavida_gen.common.input_file import read_input


@dataclass(frozen=True, slots=True)
class UploadFile:
    """A file to publish.

    Attributes:
        path: Name in the repository.
        size: Size in bytes.
        sha256: SHA-256, hexadecimal.
        data: Its content, for small files.
        fetch: For other files: makes a context manager of a local path.
    """

    path: str
    size: int
    sha256: str
    data: bytes | None = None
    fetch: Callable[[], AbstractContextManager[Path]] | None = None

    def same(self, other: HubFile) -> bool:
        """Whether a file on the Hub has the same content."""
        if self.size != other.size:
            return False
        return self.sha256 == other.sha256 if other.sha256 else self._blob() == other.blob

    def _blob(self) -> str:
        """The SHA-1 that git gives to a file that is not stored as a large one."""
        sha = hashlib.sha1(b"blob %d\0" % self.size)
        if self.data is not None:
            sha.update(self.data)
        else:
            assert self.fetch is not None
            with self.fetch() as path:
                sha.update(read_input(path))
        return sha.hexdigest()


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on the Hub.

    Attributes:
        size: Size in bytes.
        sha256: SHA-256, None for a small file.
        blob: git's SHA-1.
    """

    size: int
    sha256: str | None
    blob: str
