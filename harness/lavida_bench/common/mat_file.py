"""MATLAB 5 files, of which each variable may be compressed: how much is in them is counted before it is read."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, open_input, parsing

MAX_UNPACKED = 2_000_000_000
"""Bytes of all variables; the masks of Avenue's longest video have 350 MB."""
_HEADER, _COMPRESSED, _PIECE = 128, 15, 1 << 20


def read_variables(path: Path, name: str | None = None) -> dict[str, NDArray[Any]]:
    """Read the variables of a MATLAB file.

    Args:
        path: A file of MATLAB 5 to 7.
        name: Read this variable alone; None = all.

    Returns:
        Name -> array, without MATLAB's own.

    Raises:
        DataError: The file cannot be read, or holds more than `MAX_UNPACKED`.
    """
    from scipy.io import loadmat

    expected = "a MATLAB file of version 5 to 7" + (f" with {name}" if name else "")
    with open_input(path, MAX_STREAM, expected) as file:
        is_newer = b"7.3" in file.read(_HEADER)
        file.seek(0)
        todo = "save it with -v7: version 7.3 is another format" if is_newer else "fetch the file again"
        with parsing(path, expected, todo):
            unpacked = _unpacked(file)
        if unpacked > MAX_UNPACKED:
            raise DataError(problem(path, "unpacks to too much", f"at most {MAX_UNPACKED:,} bytes", todo))
        file.seek(0)
        with parsing(path, expected, todo):
            found = loadmat(file, variable_names=[name] if name else None)
            return {key: _dense(value, path) for key, value in found.items() if not key.startswith("__")}


def _dense(value: object, path: Path) -> NDArray[Any]:
    """A variable as an array, also where it is stored as a sparse matrix. Raises DataError."""
    from scipy import sparse

    if not sparse.issparse(value):
        return np.asarray(value)
    matrix: Any = value
    if np.prod(matrix.shape, dtype=float) * matrix.dtype.itemsize > MAX_UNPACKED:
        raise DataError(problem(path, f"a sparse matrix of {matrix.shape}", f"at most {MAX_UNPACKED:,} bytes"))
    return np.asarray(matrix.toarray())


def _unpacked(file: BinaryIO) -> int:
    """Bytes of all variables; counting ends above `MAX_UNPACKED`."""
    order: Any = "big" if file.read(_HEADER)[126:] == b"MI" else "little"
    total = 0
    while len(tag := file.read(8)) == 8 and total <= MAX_UNPACKED:
        kind, left = int.from_bytes(tag[:4], order), int.from_bytes(tag[4:], order)
        if kind != _COMPRESSED:
            file.seek(left, 1)
            continue
        unpacker = zlib.decompressobj()
        while left > 0 and total <= MAX_UNPACKED and (data := file.read(min(left, _PIECE))):
            left -= len(data)
            while data and total <= MAX_UNPACKED:
                total += len(unpacker.decompress(data, _PIECE))
                data = unpacker.unconsumed_tail
    return total
