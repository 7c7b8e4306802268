"""Where files lie: what every place must be able to do. `Folder` and `Remote` can; `places.open_storage` chooses.

A file under its name is always whole. In a folder: written under a temporary name, then renamed. In an object store: an
object shows up when its upload has ended, not before; so a whole local file is uploaded, never a stream that an error
might cut. Names are relative to the place, with "/" between.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, BinaryIO

KINDS = ("image", "clip")
"""The folders of a corpus that hold its shards."""


class Storage(ABC):
    """A place with files. Every failure of the place is a DataError; a file that is not there FileNotFoundError."""

    place: str
    """As people write it."""
    shared = True
    """Whether other processes see what this one writes."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """A seekable file to read from."""

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Bytes of a file; None if it is not there."""

    @abstractmethod
    def names(self, below: str = "") -> list[str]:
        """Names of all files below a folder, sorted."""

    @abstractmethod
    def temporary_file(self, name: str) -> Path:
        """A local file to write to before `put`; its folder exists."""

    @abstractmethod
    def remove_partial_files(self) -> None:
        """Remove what killed processes have half-written. Nobody else may be writing to a folder meanwhile."""

    @abstractmethod
    def put(self, local: Path, name: str) -> None:
        """Move a whole local file to its final name."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whole or not at all."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file; no matter if it is not there."""

    @abstractmethod
    def remove_folder(self, name: str) -> None:
        """Remove an empty folder, where there is such a thing."""

    @abstractmethod
    def entries(self) -> list[str]:
        """Names of the files and folders right at the place."""

    @abstractmethod
    def local_copy(self, name: str) -> Any:
        """Context manager: a local path with the file's bytes, the file itself in a folder."""

    @abstractmethod
    def mark(self, name: str) -> str:
        """A digest that the place itself keeps for a file (an ETag, an MD5); "" if it keeps none."""

    def read(self, name: str) -> bytes:
        """A whole small file."""
        with self.open(name) as file:
            return file.read()

    def at(self, name: str) -> str:
        """A file as people write it."""
        return f"{self.place.rstrip('/')}/{name}"

    def __str__(self) -> str:
        return self.place
