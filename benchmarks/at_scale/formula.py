"""A formula for larger corpora: each measured number as a + b * samples + c * shards, none of which is negative."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls


def fit(sizes: Sequence[tuple[int, int]], values: Sequence[float]) -> tuple[float, float, float]:
    """Fit the formula to what was measured at several sizes, by least squares of relative errors.

    Args:
        sizes: Samples and shards of each.
        values: The number measured at each.

    Returns:
        a, b and c.
    """
    weights = 1 / np.maximum(np.asarray(values, float), 1e-9)
    columns = np.array([[1.0, samples, shards] for samples, shards in sizes])
    scale = columns.max(0)
    found, _ = nnls(columns / scale * weights[:, None], np.asarray(values, float) * weights)
    a, b, c = (found / scale).tolist()
    return a, b, c


def at(formula: tuple[float, float, float], samples: int, shards: int) -> float:
    """The value of a formula at a size."""
    a, b, c = formula
    return a + b * samples + c * shards
