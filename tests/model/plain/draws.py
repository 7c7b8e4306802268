"""Numbers that look random and are the same with every version of numpy: only a bit generator's raw stream is fixed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Draws:
    """A stream of arrays with mean 0 and standard deviation 1."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def array(self, *shape: int) -> Array:
        """Uniform values in [-sqrt(3), sqrt(3)) of this shape."""
        raw = self._bits.random_raw(int(np.prod(shape)))
        return ((raw >> np.uint64(11)) * 2.0**-52 - 1.0).reshape(shape) * 3.0**0.5
