"""Arrays of .npy and .npz files, read safely in threads.

numpy parses the header of every array as Python (`ast.literal_eval`). CPython 3.11 counts the depth of what it parses
in one place for all threads; a collection of garbage amid it lets another thread in, and two that parse at once can end
in "SystemError: AST constructor recursion depth mismatch". So whoever reads such a file goes through this module, which
lets one thread of the process parse at a time. Nothing that is read can run code: pickled objects are refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib.npyio import NpzFile

PARSING_LOCK = threading.RLock()
"""To be held while numpy reads a header by other ways than the functions below."""


def load_array(path: Path, mmap_mode: Literal["r"] | None = None) -> Any:
    """What np.load makes of a file: the array of an .npy, memory-mapped read-only with "r". Raises as np.load does."""
    with PARSING_LOCK:
        return np.load(path, mmap_mode=mmap_mode, allow_pickle=False)


@contextmanager
def open_archive(path: Path) -> Iterator[NpzFile]:
    """An open .npz file; its arrays are read inside the block alone. Raises as np.load does, ValueError for an .npy."""
    with PARSING_LOCK:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, NpzFile):
            raise ValueError("a single array, not an archive of arrays")
        with file:
            yield file
