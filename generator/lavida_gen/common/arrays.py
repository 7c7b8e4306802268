"""Arrays of .npy and .npz files, checked against the size of their file and read by one thread at a time.

A header of a hundred bytes can declare an array of terabytes; it is compared with what the file holds before memory is
asked for. numpy parses the header of every array as Python (`ast.literal_eval`). CPython 3.11 keeps one recursion
counter for all threads; if the garbage collector switches threads while one of them parses, two parse at once and may
end in "SystemError: AST constructor recursion depth mismatch". All reads go through this module, which holds a lock.
Nothing that is read can run code: pickled objects are refused.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from lavida_gen.common.input_file import MAX_STREAM, open_regular, reason_of

PARSING_LOCK = threading.RLock()
"""Hold it while numpy reads a header in any other way than by the functions below."""
MAX_UNPACKED = 4_000_000_000
"""Bytes of all arrays of an .npz file, which may be compressed to a thousandth."""


class Archive(Mapping[str, NDArray[Any]]):
    """The arrays of an .npz file by name, each read when it is asked for.

    Attributes:
        files: The names.
        unpacked: Bytes of all arrays.
    """

    def __init__(self, file: NpzFile) -> None:
        assert file.zip is not None, "an archive is open"
        self._file, self._zip, self.files = file, file.zip, list(file.files)
        self.unpacked = sum(info.file_size for info in file.zip.infolist())

    def __getitem__(self, name: str) -> NDArray[Any]:
        stored = f"{name}.npy"
        with _numpy_errors():
            if stored in self._zip.namelist():
                with self._zip.open(stored) as member:
                    _check_header(member, self._zip.getinfo(stored).file_size)
            array: NDArray[Any] = self._file[name]
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def load_array(path: Path, mmap_mode: Literal["r"] | None = None) -> NDArray[Any]:
    """Load an .npy file.

    Args:
        path: The file.
        mmap_mode: "r" to map the array into memory, read-only; None to read it.

    Returns:
        The array, in the dtype and shape of the file.

    Raises:
        OSError: The file cannot be read, or is no regular file.
        ValueError: It is not an .npy file, holds pickled objects, or less than its header declares.
    """
    with PARSING_LOCK, _numpy_errors():
        with open_regular(path, MAX_STREAM) as file:
            if file.read(4) != b"PK\3\4":
                size = file.seek(0, 2)
                file.seek(0)
                _check_header(file, size)
        array: NDArray[Any] = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
        return array


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an .npz file; its arrays can be read inside the `with` block only.

    Args:
        path: The file.

    Yields:
        The archive: names to arrays, each read when it is asked for.

    Raises:
        OSError: The file cannot be read, or is no regular file.
        ValueError: It is not an .npz file, holds pickled objects, or declares more than it holds.
    """
    with PARSING_LOCK, open_regular(path, MAX_STREAM) as opened:
        with _numpy_errors():
            file = np.load(opened, allow_pickle=False)
        if not isinstance(file, NpzFile):
            raise ValueError("a single array, not an archive of arrays")
        with file:
            archive = Archive(file)
            if archive.unpacked > MAX_UNPACKED:
                raise ValueError(f"its arrays have {archive.unpacked:,} bytes, more than {MAX_UNPACKED:,}")
            yield archive


@contextmanager
def _numpy_errors() -> Iterator[None]:
    """Around calls of numpy: whatever it raises beside OSError and KeyError becomes a ValueError."""
    try:
        yield
    except (OSError, KeyError, ValueError):
        raise
    except Exception as error:
        raise ValueError(reason_of(error)) from error


def _check_header(file: IO[bytes], size: int) -> None:
    """Raises ValueError if an .npy file of `size` bytes declares more than it holds."""
    npy = np.lib.format
    version = npy.read_magic(file)
    shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
    if dtype.kind in "VMm":  # numpy cannot compare these with numbers
        raise ValueError(f"holds {'records' if dtype.kind == 'V' else 'times'} ({dtype}), not numbers")
    needed = int(math.prod(shape)) * dtype.itemsize
    if min(shape, default=0) < 0 or (needed > size and not dtype.hasobject):
        declared = " x ".join(map(str, shape))
        raise ValueError(f"declares {declared} values of {dtype}, {needed:,} bytes; it has {size:,}")
