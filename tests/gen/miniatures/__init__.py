"""Miniature data sets in the official layouts, one file each: `draw(root)` writes one and returns the options to open it.

A new source in sources/NAME.py needs a miniature in tests/gen/miniatures/NAME.py: annotations and photos that are all
used by the source, so that breaking any one of the files must be noticed.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

OTHER = ("__init__", "shapes", "world")
"""Modules that are not the miniature of one source."""


def names() -> list[str]:
    """Names of all miniatures."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in OTHER)


def draw(name: str, root: Path) -> dict[str, Any]:
    """Draw the miniature of a source below `root`; returns the options to open it."""
    options: dict[str, Any] = importlib.import_module(f"{__name__}.{name}").draw(root)
    return options
