"""The HTML pages of the harness, from their templates in data/: one file each, see lavida_gen.page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lavida_gen import page

FOLDER = Path(__file__).parent / "data"


def fill(template: str, title: str, data: Mapping[str, Any]) -> str:
    """The page `data/TEMPLATE` with its title and data, and the style and script of these pages."""
    return page.fill(FOLDER / template, title, data, FOLDER / "page.css", FOLDER / "page.js")
