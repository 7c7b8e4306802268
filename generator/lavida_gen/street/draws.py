"""Choices that `numpy.random.Generator.choice` would make, without its arrays, which take longer than the draw."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

OptionT = TypeVar("OptionT")


def pick(rng: np.random.Generator, options: Sequence[OptionT]) -> OptionT:
    """Choose one of several options, all equally likely.

    Args:
        rng: The source of randomness.
        options: At least one.

    Returns:
        What ``rng.choice(options)`` is.
    """
    return options[int(rng.integers(len(options)))]


def pick_weighted(rng: np.random.Generator, options: Sequence[OptionT], weights: tuple[float, ...]) -> OptionT:
    """Choose one of several options.

    Args:
        rng: The source of randomness.
        options: At least one.
        weights: How likely each is, relative to the others.

    Returns:
        What ``rng.choice(options, p=weights / sum(weights))`` is.
    """
    return options[bisect_right(_cumulative(weights), rng.random())]


@lru_cache(maxsize=256)
def _cumulative(weights: tuple[float, ...]) -> list[float]:
    """Probabilities summed up as numpy does it, rounding included."""
    shares = np.array(weights) / np.array(weights).sum()
    summed: list[float] = (shares.cumsum() / shares.cumsum()[-1]).tolist()
    return summed
