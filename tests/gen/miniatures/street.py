"""The built-in source needs no files: small images."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def draw(root: Path) -> dict[str, Any]:
    root.mkdir(parents=True, exist_ok=True)
    return {"scenes": 3, "size": [96, 128]}
