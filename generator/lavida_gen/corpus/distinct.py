"""Counting how many different texts there are among very many, in a few bytes for each different one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST, SHARE = 1 << 16, 8
"""New hashes wait until they are so many, and a share of those that are known: each merge sorts all of them."""


class DistinctCount:
    """The number of different texts, which differ by their hashes of 64 bits.

    The longer the list of known ones, the rarer it is sorted: the time grows with the texts, not with their square. A
    billion different texts are counted one too few with a chance of 3 %.
    """

    def __init__(self) -> None:
        self._known: NDArray[np.int64] = np.zeros(0, np.int64)
        self._waiting: set[int] = set()

    def add(self, text: str) -> None:
        """Count a text, which may have been counted before."""
        self._waiting.add(hash(text))
        if len(self._waiting) >= FEWEST and len(self._waiting) * SHARE >= len(self._known):
            self._merge()

    def _merge(self) -> None:
        new = np.fromiter(self._waiting, np.int64, len(self._waiting))
        both = np.sort(np.concatenate([self._known, new]))
        is_new = np.ones(len(both), bool)
        np.not_equal(both[1:], both[:-1], out=is_new[1:])  # np.unique imports numpy.ma, which takes longer than this
        self._known, self._waiting = both[is_new], set()

    def __len__(self) -> int:
        """How many were different."""
        self._merge()
        return len(self._known)
