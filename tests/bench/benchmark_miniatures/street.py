"""Draws itself; small, by its own options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOTALS = None  # as in street.json
SETTINGS = {"videos": 4, "frames": 24, "size": [120, 160]}


def draw(root: Path, tools: Any) -> None:
    """Nothing: it is drawn when it is first used."""
