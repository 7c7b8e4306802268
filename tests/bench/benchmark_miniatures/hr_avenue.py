"""The videos of `avenue`, the first one long enough for its first frames that are left out: 75 to 79."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmark_miniatures import avenue

TOTALS = (2, 87, 12)


def draw(root: Path, tools: Any) -> None:
    avenue.draw(root, tools, first=80)
