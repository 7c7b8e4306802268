"""The type of what opens a progress bar, so that long work does not depend on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Bar = Callable[[int | None, str], AbstractContextManager[Callable[[int], None]]]
"""``bar(total, description)`` opens a bar (total None: not known); the context's value advances it by n units."""


@contextmanager
def no_bar(total: int | None, what: str) -> Iterator[Callable[[int], None]]:
    """A `Bar` that shows nothing.

    Args:
        total: Not used.
        what: Not used.

    Yields:
        A function that does nothing.
    """
    yield lambda units: None
