"""Sequences of names that copy nothing: several in a row, or one with each name changed when it is read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import overload

from lavida_gen.scenes.scene import Name


class JoinedNames(Sequence[Name]):
    """Sequences of names as one, each name changed when it is read."""

    def __init__(self, rows: Sequence[Sequence[Name]], change: Callable[[Name], Name] | None = None) -> None:
        """Join them.

        Args:
            rows: The sequences.
            change: Makes the name that is read.
        """
        self._rows, self._change = [row for row in rows if len(row)], change
        self._ends = list(accumulate(map(len, self._rows)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Name: ...
    @overload
    def __getitem__(self, index: slice) -> list[Name]: ...
    def __getitem__(self, index: int | slice) -> Name | list[Name]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]  # resolves negative indices
        row = bisect_right(self._ends, number)
        name = self._rows[row][number - (self._ends[row - 1] if row else 0)]
        return self._change(name) if self._change else name
