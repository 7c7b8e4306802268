"""A corpus of drawn scenes, images and clips, half of it for validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lavida_gen.building import build
from lavida_gen.config import recipe

TOTALS = None  # as in the table of the corpus
SETTINGS = {"split": "val"}


def draw(root: Path, tools: Any) -> None:
    made = recipe.load("street", ("samples=12", "val=0.5", "sources.0.size=[120, 160]", "sources.1.size=[96, 128]"))
    build.build(made, root)
