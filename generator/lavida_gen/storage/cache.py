"""Arrays that are computed once from large annotation files and memory-mapped by every worker afterwards.

They are in $LAVIDA_GEN_CACHE (default ~/.cache/lavida-gen), one folder per content: a changed annotation file gets a
new folder. The cache can be deleted at any time. Any number of processes may use it: one computes, the others wait.
Checksums detect a damaged folder, which is computed again.
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
from lavida_gen.common.input_file import MAX_STREAM, MAX_TEXT, open_regular, read_regular
from lavida_gen.common.json_file import JsonObject, parse_json

Arrays = dict[str, NDArray[Any]]
_PIECE = 1 << 20


def cache_root() -> Path:
    """The folder of the cache."""
    return Path(os.environ.get("LAVIDA_GEN_CACHE") or Path.home() / ".cache" / "lavida-gen")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, cached by path, size, time of change and inode, so that a large file is read once.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        stat = path.stat()
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        entry = cache_root() / "seen" / f"{sha256(str(path.resolve()))[:32]}.json"
        known = _read_object(entry)
        if known is not None and known.get("mark") == mark:
            return str(known["sha256"])
        digest = sha256_file(path)
    except OSError as error:
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "a file of the data set")) from error
    with writing():
        entry.parent.mkdir(parents=True, exist_ok=True)
        replace_file(entry, json.dumps({"mark": mark, "sha256": digest}).encode())
    return digest


def _read_object(path: Path) -> JsonObject | None:
    """A small JSON object; None if it is missing or damaged, since it can be made again."""
    try:
        value = parse_json(read_regular(path, MAX_TEXT), path)
    except (OSError, DataError):
        return None
    return value if isinstance(value, dict) else None


def cached_arrays(name: str, version: int, parts: Iterable[str], make: Callable[[], Arrays]) -> Arrays:
    """The arrays of `make()`, from the cache if it has them, memory-mapped read-only.

    Args:
        name: What computes the arrays.
        version: Version of that code.
        parts: What the arrays are computed from: digests of files, options.
        make: Computes the arrays, by name.

    Returns:
        Arrays by name.

    Raises:
        DataError: The cache cannot be written. Errors of `make` are raised as they are.
    """
    key = sha256("\n".join([name, str(version), *parts]))[:32]
    folder = cache_root() / f"{name}-{key}"
    arrays = _load(folder)
    if arrays is None:
        with _locked(folder):
            arrays = _load(folder)  # another process may have written it while this one waited
            if arrays is None:
                made = make()
                with writing():
                    _store(folder, made)
                del made
                arrays = _load(folder)
                assert arrays is not None, f"{folder} was just written"
    return arrays


def writing() -> AbstractContextManager[None]:
    """Report errors of writing to the cache as a DataError."""
    return write_errors(
        f"cache {cache_root()}", "run the same command again, or set LAVIDA_GEN_CACHE to another folder"
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Admit one process at a time; the operating system releases the lock of a killed process."""
    with writing():
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(f"{folder.name}.lock").open("wb")
    with lock:
        with writing():
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _load(folder: Path) -> Arrays | None:
    """The arrays; None if they are missing or their checksums differ."""
    sums = _read_object(folder / "sums.json")
    if sums is None:
        return None
    arrays = {}
    try:
        for name, expected in sums.items():
            path = folder / f"{name}.npy"
            if _checksum(path) != expected:
                return None
            array: NDArray[Any] = load_array(path, "r" if path.stat().st_size > 4096 else None)
            arrays[name] = array.view(np.ndarray)  # a plain array is sliced faster than a memmap
    except (OSError, ValueError):
        return None
    return arrays


def _checksum(path: Path) -> list[int]:
    """Size and CRC-32. The file is read, not mapped, so that it does not count as resident memory."""
    size = crc = 0
    with open_regular(path, MAX_STREAM) as file:
        while piece := file.read(_PIECE):
            size, crc = size + len(piece), zlib.crc32(piece, crc)
    return [size, crc]


def _store(folder: Path, made: Arrays) -> None:
    """Write to a temporary folder and rename it. The caller holds the lock."""
    partial = partial_path(folder)
    try:
        partial.mkdir()
        for name, array in made.items():
            np.save(partial / f"{name}.npy", array, allow_pickle=False)
        sums = {name: _checksum(partial / f"{name}.npy") for name in made}
        (partial / "sums.json").write_text(json.dumps(sums))
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


class PackedBytes:
    """N byte strings of any lengths in two arrays.

    Args:
        data: All bytes one after the other, uint8.
        offsets: N + 1 offsets into them, int64, from 0 to the number of bytes.
    """

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.data, self.offsets = data, offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> bytes:
        return self.data[self.offsets[index] : self.offsets[index + 1]].tobytes()

    @staticmethod
    def pack(rows: Iterable[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The arrays `data` and `offsets` of the given byte strings."""
        kept = list(rows)
        offsets = np.zeros(len(kept) + 1, np.int64)
        np.cumsum([len(row) for row in kept], out=offsets[1:])
        return np.frombuffer(b"".join(kept), np.uint8), offsets


class PackedTexts(Sequence[str]):
    """N texts in two arrays, as PackedBytes in UTF-8; a slice is a list."""

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.blobs = PackedBytes(data, offsets)

    @staticmethod
    def pack(texts: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The arrays of the given texts; "?" stands for halves of surrogate pairs, which UTF-8 cannot write."""
        return PackedBytes.pack(text.encode("utf-8", "replace") for text in texts)

    def __len__(self) -> int:
        return len(self.blobs)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return self.blobs[index].decode()
