"""Collects the problems of a file, so that a user sees them all at once but never thousands of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from lavida_gen.common.errors import DataError

MAX_PROBLEMS = 10
"""Problems of a file that are shown in full; the others are counted."""
MAX_NOTES = 100
"""Notes on an index (annotations without a whole mask) that are kept in full; the others are counted."""


@dataclass(slots=True)
class ProblemList:
    """Messages about a file: the first `limit` in full, and how many there are."""

    limit: int
    messages: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, message: str) -> None:
        """Count a problem, and keep its message if there are less than `limit`.

        Args:
            message: Where the problem is, and what it is.
        """
        self.count += 1
        if len(self.messages) < self.limit:
            self.messages.append(message)

    def lines(self) -> list[str]:
        """The messages kept, then a line that counts the others."""
        more = self.count - len(self.messages)
        return [*self.messages, f"... and {more:,} more"] if more else self.messages

    def raise_if_any(self, where: object) -> None:
        """Report all problems at once.

        Args:
            where: The file, named first in the error.

        Raises:
            DataError: There is at least one problem.
        """
        if self.count:
            raise DataError(f"{where}: " + "\n  ".join(self.lines()))
