"""Pixel scores that lie in files, in pieces as float16. Letters: F frames of a video, m scored ones, h w of a map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lavida_bench import score_arrays
from lavida_bench.score_arrays import Array
from lavida_bench.video import Bits, Maps
from lavida_gen.errors import DataError, fault

EXACT = ("float16", "uint8", "int8", "bool")  # dtypes that float16 holds without rounding


def header(path: Path) -> tuple[tuple[int, ...], str] | None:
    """Shape and dtype of the maps in an .npy or .npz file; None if there are none. Raises DataError."""
    if path.suffix.lower() == ".npz":
        return score_arrays.maps_header(path)
    found = score_arrays.array(path)
    return found.shape, str(found.dtype)


class StoredMaps:
    """Maps of a video: of all F frames, or of the m scored ones alone; then those of the others are 0.

    An .npy is memory-mapped; the maps of an .npz are in memory as long as this object lives. Raises DataError for maps
    that do not fit the frames.
    """

    def __init__(self, path: Path, scored: Bits) -> None:
        self.path, self.scored = path, scored
        self._maps: Array | None = None
        found = header(path)
        assert found is not None, f"{path}: no maps"
        shape, dtype = found
        if (
            len(shape) != 3
            or not all(shape[1:])
            or shape[0] not in (len(scored), scored.sum())
            or np.dtype(dtype).kind not in "fiub"
        ):
            raise DataError(
                fault(path, f"pixel scores {dtype} {shape}", f"({len(scored)}, h, w) numbers, a map a frame")
            )

    def __call__(self, start: int, stop: int) -> Maps:
        """float16 (n, h, w) of frames start..stop-1."""
        if self._maps is None:
            npz = self.path.suffix.lower() == ".npz"
            self._maps = score_arrays.maps_of(self.path) if npz else score_arrays.array(self.path)
            assert self._maps is not None, "its header was read"
        maps = self._maps
        with np.errstate(over="ignore"):  # what is too large becomes infinite and is refused where pixels are counted
            if len(maps) == len(self.scored):
                return np.asarray(maps[start:stop], np.float16)
            made = np.zeros((stop - start, *maps.shape[1:]), np.float16)
            rows = np.cumsum(self.scored)[start:stop] - 1
            inside = self.scored[start:stop]
            made[inside] = maps[rows[inside]]
            return made
