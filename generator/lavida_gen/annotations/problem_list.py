"""Collects the problems of a file, so that a user sees them all at once but never thousands of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lavida_gen.common.errors import DataError
from lavida_gen.common.findings import Finding

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


@dataclass(slots=True)
class LeftOut:
    """Scenes and annotations of a file that cannot be used, by reason: the first of each reason in full, all counted.

    Attributes:
        reasons: Reason ("annotations without an image") -> its messages.
        scenes: Reason -> number of scenes that are lost.
    """

    reasons: dict[str, ProblemList] = field(default_factory=dict)
    scenes: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, message: str, scenes: int = 0) -> None:
        """Count something that is left out.

        Args:
            reason: Why, in the plural.
            message: Where it is, and what is wrong with it.
            scenes: Number of scenes that are lost with it.
        """
        self.reasons.setdefault(reason, ProblemList(MAX_PROBLEMS)).add(message)
        self.scenes[reason] = self.scenes.get(reason, 0) + scenes

    def rows(self) -> list[tuple[str, int]]:
        """One (message, scenes) for each message kept, then one for the others of its reason."""
        rows = []
        for reason, found in self.reasons.items():
            others = found.count - len(found.messages)
            each = 1 if self.scenes[reason] else 0  # a reason costs scenes or annotations, never both
            rows += [(message, each) for message in found.messages]
            if others:
                rows.append((f"{found.count:,} {reason}, these {len(found.messages)} among them", each * others))
        return rows

    def raise_all(self, where: object) -> None:
        """Report everything as an error: nothing is left that could be used.

        Args:
            where: The file, named first in the error.

        Raises:
            DataError: Something was left out.
        """
        if self.reasons:
            raise DataError(f"{where}: " + "\n  ".join(message for message, _ in self.rows()))


def capped(findings: Sequence[Finding], what: str) -> Iterator[Finding]:
    """The first findings, then one for all others.

    Args:
        findings: Findings of one severity.
        what: What each is about, in the plural.

    Yields:
        At most MAX_PROBLEMS + 1 findings, whose numbers of scenes sum up to that of all.
    """
    yield from findings[:MAX_PROBLEMS]
    more = findings[MAX_PROBLEMS:]
    if more:
        text = f"... and {len(more):,} more {what}"
        yield Finding(more[0].severity, text, sum(finding.scenes for finding in more))
