"""Progress of long work: what opens a bar, so that work need not know of a terminal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

Bar = Callable[[int | None, str], AbstractContextManager[Callable[[int], None]]]
"""``bar(total, what)`` opens a bar (total None: not known); what it yields advances it by so many units."""
