"""The HTML pages of the harness, from their templates in data/: one file each, see lavida_gen.common.html_page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lavida_gen.common import html_page as page
from lavida_gen.common.resources import resource


def fill(template: str, title: str, data: Mapping[str, Any]) -> str:
    """The page `data/TEMPLATE` with its title and data, and the style and script of these pages."""
    body, style, script = (resource(name, "lavida_bench") for name in (template, "page.css", "page.js"))
    return page.fill(body, title, data, style, script)
