"""Arrays made once from big annotation files, and memory-mapped by every worker from then on.

They lie in $LAVIDA_GEN_CACHE (~/.cache/lavida-gen if unset), one folder per content: a changed file gets a new one, and
nothing there is ever needed but for speed. Safe with any number of processes: one makes, the others wait. A damaged
folder is noticed by its checksums and made anew.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.arrays import load_array
from lavida_gen.common.atomic_file import partial_path, replace_file, write_errors
from lavida_gen.common.digests import sha256, sha256_file
from lavida_gen.common.errors import DataError, problem

Arrays = dict[str, NDArray[Any]]
_PIECE = 1 << 20


def cache_root() -> Path:
    """The cache's folder."""
    return Path(os.environ.get("LAVIDA_GEN_CACHE") or Path.home() / ".cache" / "lavida-gen")


def file_digest(path: Path) -> str:
    """SHA-256 of a file; remembered by (path, size, time of change, inode), so that a big file is read once.

    Raises DataError if it cannot be read.
    """
    try:
        stat = path.stat()
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        note = cache_root() / "seen" / f"{sha256(str(path.resolve()))[:32]}.json"
        known = _note(note)
        if known is not None and known.get("mark") == mark:
            return str(known["sha256"])
        digest = sha256_file(path)
    except OSError as error:
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "a file of the data set")) from error
    with _writing():
        note.parent.mkdir(parents=True, exist_ok=True)
        replace_file(note, json.dumps({"mark": mark, "sha256": digest}).encode())
    return digest


def _note(path: Path) -> dict[str, Any] | None:
    """A small JSON object, None if it is absent or damaged: it can be made anew."""
    try:
        plain = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return plain if isinstance(plain, dict) else None


def cached_arrays(name: str, version: int, parts: Iterable[str], make: Callable[[], Arrays]) -> Arrays:
    """The arrays of `make()`, from the cache if they are there and whole, memory-mapped read-only.

    name and version say what made them, parts what they were made from (digests, options). Raises DataError if the
    cache cannot be written, and whatever `make` raises.
    """
    key = sha256("\n".join([name, str(version), *parts]))[:32]
    folder = cache_root() / f"{name}-{key}"
    found = _load(folder)
    if found is None:
        with _alone(folder):
            found = _load(folder)  # another process may have made it while this one waited
            if found is None:
                made = make()
                with _writing():
                    _store(folder, made)
                del made
                found = _load(folder)
                assert found is not None, f"{folder} was just written"
    return found


def _writing() -> AbstractContextManager[None]:
    return write_errors(
        f"cache {cache_root()}", "run the same command again, or set LAVIDA_GEN_CACHE to another folder"
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; the lock goes with its holder, even if that is killed."""
    with _writing():
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(f"{folder.name}.lock").open("wb")
    with lock:
        with _writing():
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _load(folder: Path) -> Arrays | None:
    """The arrays, None if they are not there or not as they were written."""
    sums = _note(folder / "sums.json")
    if sums is None:
        return None
    found = {}
    try:
        for name, sum_ in sums.items():
            path = folder / f"{name}.npy"
            if _sum(path) != sum_:
                return None
            array: NDArray[Any] = load_array(path, "r" if path.stat().st_size > 4096 else None)
            found[name] = array.view(np.ndarray)  # slices of a plain array are made faster than those of a memmap
    except (OSError, ValueError):
        return None
    return found


def _sum(path: Path) -> list[int]:
    """Size and CRC-32: read, not mapped, so that it does not count as resident."""
    size = crc = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            size, crc = size + len(piece), zlib.crc32(piece, crc)
    return [size, crc]


def _store(folder: Path, made: Arrays) -> None:
    """Write beside and rename: another process sees all or nothing. Only one at a time gets here."""
    partial = partial_path(folder)
    shutil.rmtree(partial, ignore_errors=True)  # of one that was killed
    try:
        partial.mkdir()
        for name, array in made.items():
            np.save(partial / f"{name}.npy", array, allow_pickle=False)
        sums = {name: _sum(partial / f"{name}.npy") for name in made}
        (partial / "sums.json").write_text(json.dumps(sums))
        shutil.rmtree(folder, ignore_errors=True)  # damaged
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        raise


class PackedBytes:
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


class PackedTexts(Sequence[str]):
    """Texts in a Blobs."""

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.blobs = PackedBytes(data, offsets)

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
