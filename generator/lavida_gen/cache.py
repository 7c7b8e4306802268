"""Arrays made once from big annotation files, and memory-mapped by every worker from then on.

They lie in $LAVIDA_GEN_CACHE (~/.cache/lavida-gen if unset), one folder per content: a changed file gets a new one, and
nothing there is ever needed but for speed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def root() -> Path:
    """The cache's folder."""
    return Path(os.environ.get("LAVIDA_GEN_CACHE") or Path.home() / ".cache" / "lavida-gen")


def file_digest(path: Path) -> str:
    """SHA-256 of a file; remembered by (size, time of change, inode), so that a big file is read once."""
    stat = path.stat()
    mark = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
    note = root() / "seen" / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]}.json"
    try:
        known = json.loads(note.read_bytes())
        if known["mark"] == mark:
            return str(known["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never seen, or a damaged note: read the file
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    note.parent.mkdir(parents=True, exist_ok=True)
    partial = note.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps({"mark": mark, "sha256": sha256}))
    partial.replace(note)
    return sha256


def arrays(name: str, version: int, parts: Iterable[str], make: Callable[[], Arrays]) -> Arrays:
    """The arrays of `make()`, from the cache if they are there and whole, memory-mapped read-only.

    name and version say what made them, parts what they were made from (digests, options).
    """
    key = hashlib.sha256("\n".join([name, str(version), *parts]).encode()).hexdigest()[:32]
    folder = root() / f"{name}-{key}"
    found = _load(folder)
    if found is None:
        _store(folder, make())
        found = _load(folder)
        assert found is not None, f"{folder} was just written"
    return found


def _load(folder: Path) -> Arrays | None:
    try:
        sizes: dict[str, int] = json.loads((folder / "sizes.json").read_bytes())
        found = {}
        for name, size in sizes.items():
            path = folder / f"{name}.npy"
            if path.stat().st_size != size:
                return None
            # numpy can not map an empty array
            found[name] = np.load(path, mmap_mode="r" if size > 200 else None, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return found


def _store(folder: Path, made: Arrays) -> None:
    """Write beside and rename: another process sees all or nothing."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    sizes = {}
    for name, array in made.items():
        np.save(partial / f"{name}.npy", array, allow_pickle=False)
        sizes[name] = (partial / f"{name}.npy").stat().st_size
    (partial / "sizes.json").write_text(json.dumps(sizes))
    if folder.exists() and _load(folder) is None:
        shutil.rmtree(folder)  # damaged
    try:
        partial.rename(folder)
    except OSError:  # somebody else was quicker: theirs is the same
        shutil.rmtree(partial, ignore_errors=True)


class Blobs:
    """Byte strings of unequal length as two arrays: all bytes (uint8), and N + 1 offsets (int64)."""

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.data, self.offsets = data, offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, at: int) -> bytes:
        return self.data[self.offsets[at] : self.offsets[at + 1]].tobytes()

    @staticmethod
    def pack(rows: Iterable[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """(data, offsets) of rows."""
        kept = list(rows)
        offsets = np.zeros(len(kept) + 1, np.int64)
        np.cumsum([len(row) for row in kept], out=offsets[1:])
        return np.frombuffer(b"".join(kept), np.uint8), offsets


class Texts(Sequence[str]):
    """Texts in a Blobs."""

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.blobs = Blobs(data, offsets)

    def __len__(self) -> int:
        return len(self.blobs)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        return self.blobs[at].decode()
