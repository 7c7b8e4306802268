"""A folder of this machine, or of a file system that it mounts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lavida_gen.common.atomic_file import partial_path, write_atomic
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.input_file import MAX_JSON, MAX_STREAM, open_regular, read_regular
from lavida_gen.processes import leftovers
from lavida_gen.storage.base import Storage


class LocalFolder(Storage):
    """A folder of this machine or of a file system that it mounts.

    Args:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, str(path)
        self.url = self.place

    def file(self, name: str) -> Path:
        """The path of a file.

        Args:
            name: Its name, which somebody else may have written.

        Raises:
            DataError: The name, or a link on its way, leads out of the folder.
        """
        return path_inside(self.path, name, self.place, "do not trust this corpus", "the corpus") if name else self.path

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        return open_regular(self.file(name), MAX_STREAM)

    def read(self, name: str) -> bytes:
        """Content of a small file."""
        return read_regular(self.file(name), MAX_JSON)

    def size(self, name: str) -> int | None:
        """Size of a file in bytes; None if it does not exist."""
        path = self.file(name)
        return path.stat().st_size if path.is_file() else None

    def names(self, below: str = "") -> list[str]:
        """Names of all files below a folder, sorted."""
        found = (path for path in self.file(below).rglob("*") if path.is_file())
        return sorted(path.relative_to(self.path).as_posix() for path in found)

    def temporary_file(self, name: str) -> Path:
        """A local path to write to before `put`."""
        final = self.file(name)
        final.parent.mkdir(parents=True, exist_ok=True)
        return partial_path(final)

    def remove_partial_files(self) -> None:
        """Remove all temporary files, of any machine."""
        for left in list(self.path.rglob(f"*{leftovers.PARTIAL}-*")):
            if leftovers.is_temporary(left):
                leftovers.remove(left)

    def put(self, local: Path, name: str) -> None:
        """Move a complete local file to its final name. Raises OSError."""
        local.replace(self.file(name))

    def write(self, name: str, data: bytes) -> None:
        """Write a small file atomically."""
        path = self.file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
        self.file(name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        """Remove a folder with all that is in it."""
        shutil.rmtree(self.file(name), ignore_errors=True)

    def entries(self) -> list[str]:
        """Names of the files and folders at the top of the place."""
        return [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []

    @contextmanager
    def local_copy(self, name: str, most: int | None = None) -> Iterator[Path]:
        """The path of the file itself."""
        yield self.file(name)

    def mark(self, name: str) -> str:
        """Always "": a folder keeps no checksums."""
        return ""
