"""The type of what opens a progress bar, so that long work does not depend on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

Bar = Callable[[int | None, str], AbstractContextManager[Callable[[int], None]]]
"""``bar(total, description)`` opens a bar (total None: not known); the context's value advances it by n units."""
