"""A folder of this machine, or of a file system that it mounts; and how a local file is written whole."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lavida_gen.common.errors import DataError, problem
from lavida_gen.storage.base import KINDS, PARTIAL, Storage


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
        raise DataError(problem(path, f"cannot be written ({error.strerror})", todo=todo)) from error
