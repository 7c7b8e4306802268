"""Scores that lie as .npy and .npz: arrays of numbers and nothing that could run code."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_gen import arrays
from lavida_gen.errors import DataError, fault

Array = NDArray[Any]
MAPS = "pixels"
MAGIC = (b"\x93NUMPY", b"PK")
_BROKEN = (OSError, ValueError, EOFError, AttributeError, KeyError, zipfile.BadZipFile)


def _why(path: Path, error: Exception) -> str:
    """What is wrong with a file that numpy refuses; numpy's own words may advise to let it run code."""
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC[0]))
    except OSError as closed:
        return f"cannot be read ({closed.strerror})"
    if not head:
        return "empty file"
    if not head.startswith(MAGIC):
        return "not a NumPy file"
    objects = "allow_pickle" in str(error) or "Python objects" in str(error)
    return "holds Python objects" if objects else f"cannot be read ({error})"


def array(path: Path) -> Array:
    """An .npy file, memory-mapped. Raises DataError."""
    try:
        found = arrays.load(path, "r")
    except _BROKEN as error:
        raise DataError(fault(path, _why(path, error), "an array that np.save wrote, of numbers")) from error
    if not isinstance(found, np.ndarray):
        raise DataError(fault(path, "is no single array", "what np.save writes; what np.savez writes ends in .npz"))
    return found


def archive(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file but for its maps, which may be large. Raises DataError."""
    try:
        with arrays.archive(path) as file:
            return {name: file[name] for name in file.files if name != MAPS}
    except _BROKEN as error:
        raise DataError(fault(path, _why(path, error), "arrays that np.savez wrote, of numbers")) from error


def maps_of(path: Path) -> Array | None:
    """The pixel scores of an .npz file, in memory; None if it has none. Raises DataError."""
    try:
        with arrays.archive(path) as file:
            return file[MAPS] if MAPS in file.files else None
    except _BROKEN as error:
        raise DataError(fault(path, _why(path, error), "arrays that np.savez wrote, of numbers")) from error


def maps_header(path: Path) -> tuple[tuple[int, ...], str] | None:
    """Shape and dtype of the pixel scores of an .npz file without reading them; None if it has none."""
    form = np.lib.format
    try:
        with zipfile.ZipFile(path) as file:
            if f"{MAPS}.npy" not in file.namelist():
                return None
            with file.open(f"{MAPS}.npy") as member, arrays.PARSING:
                old = form.read_magic(member) == (1, 0)
                shape, _, dtype = (form.read_array_header_1_0 if old else form.read_array_header_2_0)(member)
    except _BROKEN as error:
        raise DataError(fault(path, _why(path, error), "arrays that np.savez wrote, of numbers")) from error
    return tuple(shape), str(dtype)
