"""A place behind a URL that fsspec knows: an object store, the Hugging Face Hub, a web server, memory.

What a server lists or sends is somebody else's: names that lead out of the place are left out, and no folder is walked
or small file read without an end.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.extras import explain
from lavida_gen.common.file_names import check_file_name
from lavida_gen.common.text import without_secrets
from lavida_gen.processes.leftovers import own_mark, sweep, sweep_once
from lavida_gen.storage.base import Storage

WEB = ("http", "https")
MOST_DEEP, MOST_LISTED, MOST_BYTES = 5, 1_000_000, 1 << 30
"""Folders below each other and names that are listed of a web server, and bytes of a small file that are read of it."""
PIECE = 1 << 20
AGAIN = "run the same command again: finished shards are kept"
_PREFIX = "lavida-gen-"
"""Begins the names of temporary files; the process follows (see lavida_gen.processes.leftovers)."""


class RemoteStorage(Storage):
    """A place behind a URL.

    Args:
        url: Such as ``s3://bucket/corpus``.

    Raises:
        UserError: No file system is installed for it, or the URL is malformed.
    """

    def __init__(self, url: str) -> None:
        self.url, self.place = url, without_secrets(url)
        try:
            from fsspec.core import url_to_fs

            self._fs, root = url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            got = explain(error) or f"{_one_line(error)}; pip install what it names"
            raise UserError(problem(self.place, got)) from error
        except ValueError as error:
            expected = "a folder, or a URL such as s3://bucket/corpus"
            raise UserError(problem(self.place, _one_line(error), expected)) from error
        self.protocol: str = url.partition("://")[0]
        self.shared = self.protocol != "memory"
        self._root, self._query = str(root), ""
        if self.protocol in WEB:  # a signature belongs behind the name of each file
            self._root, mark, query = url.partition("?")
            self._root, self._query = self._root.rstrip("/"), mark + query
        self._fs.invalidate_cache()

    @contextmanager
    def _doing(self, name: str, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:  # each file system has exceptions of its own
            raise DataError(problem(self.at(name), f"cannot be {what} ({_one_line(error)})", todo=AGAIN)) from error

    def _path(self, name: str) -> str:
        if not name:
            return self._root + self._query
        try:
            return f"{self._root.rstrip('/')}/{check_file_name(name, self.place)}{self._query}"
        except ValueError as error:
            todo = "do not trust this corpus"
            raise DataError(problem(self.place, str(error), "a relative path inside it", todo)) from error

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        with self._doing(name, "read"):
            if not self.shared:  # memory:// returns the stored object itself, whose position all readers share
                return io.BytesIO(self._fs.cat_file(self._path(name)))
            return cast(BinaryIO, self._fs.open(self._path(name), "rb"))

    def read(self, name: str) -> bytes:
        """Content of a small file."""
        with self._doing(name, "read"):
            if self.protocol not in WEB:
                return bytes(self._fs.cat_file(self._path(name)))
            with self._fs.open(self._path(name), "rb", block_size=0) as file:
                data = bytes(file.read(MOST_BYTES + 1))
        if len(data) > MOST_BYTES:
            raise DataError(problem(self.at(name), "does not end", f"at most {MOST_BYTES:,} bytes"))
        return data

    def size(self, name: str) -> int | None:
        """Size of a file in bytes; None if it does not exist."""
        try:
            with self._doing(name, "looked up"):
                info = self._fs.info(self._path(name))
        except FileNotFoundError:
            return None
        return int(info["size"]) if info["type"] == "file" else None

    def names(self, below: str = "") -> list[str]:
        """Names of all files below a folder, sorted."""
        try:
            with self._doing(below, "listed"):
                found = self._walk(below) if self.protocol in WEB else self._fs.find(self._path(below))
        except FileNotFoundError:
            return []
        return sorted(name for path in found if (name := self._name(path)))

    def _walk(self, below: str) -> list[str]:
        """The files that a web server lists. Raises ValueError where there are too many."""
        found: list[str] = []
        for _, _, files in self._fs.walk(self._path(below), maxdepth=MOST_DEEP, detail=True):
            found += [info["name"] for info in files.values()]
            if len(found) > MOST_LISTED:
                raise ValueError(f"the server lists more than {MOST_LISTED:,} files")
        return found

    def _name(self, path: str) -> str:
        """The name of what the server lists, "" if it is not in this place."""
        root = self._root.rstrip("/") + "/"
        name = path.partition("?")[0].removeprefix(root) if path.startswith(root) else ""
        try:
            return check_file_name(name)
        except ValueError:
            return ""

    def temporary_file(self, name: str) -> Path:
        """A local path to write to before `put`."""
        sweep_once(Path(tempfile.gettempdir()))
        handle, path = tempfile.mkstemp(own_mark(), _PREFIX)
        os.close(handle)
        return Path(path)

    def remove_partial_files(self) -> None:
        """Remove what ended processes of this machine left in the folder for temporary files."""
        sweep(Path(tempfile.gettempdir()))

    def put(self, local: Path, name: str) -> None:
        """Move a complete local file to its final name."""
        self._writable(name)
        with self._doing(name, "written"):
            self._fs.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
            self._fs.put_file(str(local), self._path(name))
        local.unlink(missing_ok=True)

    def write(self, name: str, data: bytes) -> None:
        """Write a small file atomically."""
        self._writable(name)
        with self._doing(name, "written"):
            self._fs.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(self._path(name), data)

    def _writable(self, name: str) -> None:
        if self.protocol == "hf":
            todo = "build into a folder or a bucket, then `lavida-gen publish`"
            raise UserError(problem(self.at(name), "the Hub limits commits per hour, so not one per file", todo=todo))

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
        try:
            with self._doing(name, "removed"):
                self._fs.rm_file(self._path(name))
        except FileNotFoundError:
            return

    def remove_folder(self, name: str) -> None:
        """Do nothing: an object store has no folders."""

    def entries(self) -> list[str]:
        """Names of the files and folders at the top of the place."""
        try:
            with self._doing("", "listed"):
                paths = self._fs.ls(self._path(""), detail=False)
                return [name for path in paths if (name := self._name(path.rstrip("/")).rpartition("/")[2])]
        except FileNotFoundError:
            return []

    @contextmanager
    def local_copy(self, name: str, most: int | None = None) -> Iterator[Path]:
        """A copy of a file on this machine, removed after the `with` block."""
        sweep_once(Path(tempfile.gettempdir()))
        with tempfile.TemporaryDirectory(own_mark(), _PREFIX) as folder:
            path = Path(folder) / name.rpartition("/")[2]
            with self._doing(name, "read"):
                if self.protocol not in WEB or most is None:
                    self._fs.get_file(self._path(name), str(path))
                else:
                    with self._fs.open(self._path(name), "rb", block_size=0) as source, path.open("wb") as target:
                        while (left := most + 1 - target.tell()) and (piece := source.read(min(left, PIECE))):
                            target.write(piece)
            yield path

    def mark(self, name: str) -> str:
        """The checksum that the place keeps for a file."""
        with self._doing(name, "looked up"):
            info = self._fs.info(self._path(name))
        return next((str(info[key]) for key in ("ETag", "etag", "md5Hash", "content_md5") if info.get(key)), "")


def _one_line(error: Exception) -> str:
    """An exception in one line."""
    return without_secrets(" ".join(str(error).split())[:1000])[:300] or type(error).__name__
