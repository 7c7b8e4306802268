"""The interface of every place that holds files: LocalFolder and RemoteStorage implement it, `open_storage` chooses.

A file under its final name is always complete. In a folder it is written under a temporary name and renamed. In an
object store an object appears when its upload has ended; therefore a complete local file is uploaded, never a stream
that an error might cut. Names are relative to the place, with "/" as separator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

KINDS = ("image", "clip")
"""The folders of a corpus that hold its shards."""


class Storage(ABC):
    """A place with files.

    Every failure of the place is raised as DataError, a missing file as FileNotFoundError.

    Attributes:
        place: Path or URL as it is shown and stored: a URL without user, password and query.
        url: Path or URL by which another process opens the place.
        shared: Whether other processes see what this one writes.
    """

    place: str
    url: str
    shared = True

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a file for reading.

        Args:
            name: Name of the file.

        Returns:
            A seekable binary file.
        """

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Size of a file in bytes; None if it does not exist."""

    @abstractmethod
    def names(self, below: str = "") -> list[str]:
        """Names of all files below a folder of the place, sorted; the whole place for ""."""

    @abstractmethod
    def temporary_file(self, name: str) -> Path:
        """A local path to write to before `put`; its folder exists.

        Args:
            name: The final name.
        """

    @abstractmethod
    def remove_partial_files(self) -> None:
        """Remove temporary files of killed processes. No other process may write to a folder at the same time."""

    @abstractmethod
    def put(self, local: Path, name: str) -> None:
        """Move a complete local file to its final name.

        Args:
            local: The file; it is gone afterwards.
            name: The final name.
        """

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a small file atomically.

        Args:
            name: Name of the file; an existing one is replaced.
            data: Its content.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file if it exists."""

    @abstractmethod
    def remove_folder(self, name: str) -> None:
        """Remove a folder with all that is in it, where the place has folders."""

    @abstractmethod
    def entries(self) -> list[str]:
        """Names of the files and folders at the top of the place."""

    @abstractmethod
    def local_copy(self, name: str, most: int | None = None) -> AbstractContextManager[Path]:
        """A local path to a file's content, valid in the `with` block: the file itself in a folder, else a copy.

        Args:
            name: Name of the file.
            most: Bytes that it has; None if unknown. Of a longer file no more than one byte more is copied.
        """

    @abstractmethod
    def mark(self, name: str) -> str:
        """The checksum that the place keeps for a file (an ETag, an MD5), "" if it keeps none."""

    def read(self, name: str) -> bytes:
        """Content of a small file."""
        with self.open(name) as file:
            return file.read()

    def at(self, name: str) -> str:
        """Path or URL of a file, for messages."""
        return f"{self.place.rstrip('/')}/{name}"

    def __str__(self) -> str:
        return self.place
