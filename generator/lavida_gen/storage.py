"""Where a corpus lies: a folder, or any URL that fsspec knows (s3://, gs://, az://, hf://, memory://).

    open_storage("corpora/street").read("corpus.json")
    open_storage("s3://bucket/street").write("corpus.json", data)

A file under its name is always whole. In a folder: written under a temporary name, then renamed. In an object store: an
object shows up when its upload has ended, not before; so a whole local file is uploaded, never a stream that an error
might cut. Names are relative to the place, with "/" between.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from lavida_gen.errors import DataError, fault

PARTIAL = ".partial"
KINDS = ("image", "clip")
"""The folders of a corpus that hold its shards."""

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://")


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
    def spool(self, name: str) -> Path:
        """A local file to write to before `put`; its folder exists."""

    @abstractmethod
    def sweep(self) -> None:
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
    def fetched(self, name: str) -> Any:
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


class Folder(Storage):
    """A folder of this machine or of a file system that it mounts."""

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, str(path)

    def open(self, name: str) -> BinaryIO:
        """See Storage."""
        return (self.path / name).open("rb")

    def size(self, name: str) -> int | None:
        """See Storage."""
        path = self.path / name
        return path.stat().st_size if path.is_file() else None

    def names(self, below: str = "") -> list[str]:
        """See Storage."""
        found = (path for path in (self.path / below).rglob("*") if path.is_file())
        return sorted(path.relative_to(self.path).as_posix() for path in found)

    def spool(self, name: str) -> Path:
        """See Storage."""
        path = self.path / f"{name}{PARTIAL}-{uuid.uuid4().hex[:12]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def sweep(self) -> None:
        """See Storage."""
        for kind in KINDS:
            for left in (self.path / kind).rglob(f"*{PARTIAL}-*"):
                left.unlink(missing_ok=True)

    def put(self, local: Path, name: str) -> None:
        """See Storage. Raises OSError."""
        local.replace(self.path / name)

    def write(self, name: str, data: bytes) -> None:
        """See Storage."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / name, data)

    def remove(self, name: str) -> None:
        """See Storage."""
        (self.path / name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        """See Storage."""
        shutil.rmtree(self.path / name, ignore_errors=True)

    def entries(self) -> list[str]:
        """See Storage."""
        return [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """See Storage."""
        yield self.path / name

    def mark(self, name: str) -> str:
        """See Storage."""
        return ""


def open_storage(place: str | Path | Storage) -> Storage:
    """The folder or URL. Raises UserError if no file system is known or installed for it."""
    if isinstance(place, Storage):
        return place
    if isinstance(place, str) and _URL.match(place):
        if place.startswith(("file://", "local://")):
            return Folder(Path(place.partition("://")[2]))
        from lavida_gen.storage_url import Remote

        return Remote(place.rstrip("/"))
    return Folder(Path(place).expanduser())


def is_url(place: object) -> bool:
    """Whether a place is given by a URL; a file:// URL is a folder."""
    return isinstance(place, str) and bool(_URL.match(place)) and not place.startswith(("file://", "local://"))


def write_whole(path: Path, data: bytes) -> None:
    """Write a local file so that under its name it is always whole. Raises DataError when the disk is full."""
    partial = path.with_name(f"{path.name}{PARTIAL}-{uuid.uuid4().hex[:12]}")
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        todo = "free some space, run it again" if full else "give a place that can be written to"
        raise DataError(fault(path, f"cannot be written ({error.strerror})", todo=todo)) from error
