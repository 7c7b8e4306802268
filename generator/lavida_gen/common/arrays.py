"""Arrays of .npy and .npz files, read by one thread at a time.

numpy parses the header of every array as Python (`ast.literal_eval`). CPython 3.11 keeps one recursion counter for all
threads; if the garbage collector switches threads while one of them parses, two parse at once and may end in
"SystemError: AST constructor recursion depth mismatch". All reads go through this module, which holds a lock. Nothing
that is read can run code: pickled objects are refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

PARSING_LOCK = threading.RLock()
"""Hold it while numpy reads a header in any other way than by the functions below."""


def load_array(path: Path, mmap_mode: Literal["r"] | None = None) -> NDArray[Any]:
    """Load an .npy file.

    Args:
        path: The file.
        mmap_mode: "r" to map the array into memory, read-only; None to read it.

    Returns:
        The array, in the dtype and shape of the file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not an .npy file, or holds pickled objects.
    """
    with PARSING_LOCK:
        array: NDArray[Any] = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
        return array


@contextmanager
def open_archive(path: Path) -> Iterator[NpzFile]:
    """Open an .npz file; its arrays can be read inside the `with` block only.

    Args:
        path: The file.

    Yields:
        The archive: names to arrays, each read when it is asked for.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not an .npz file, or holds pickled objects.
    """
    with PARSING_LOCK:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, NpzFile):
            raise ValueError("a single array, not an archive of arrays")
        with file:
            yield file
