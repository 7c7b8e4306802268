"""One HTML file around its data: it needs no network and trusts no name.

Texts reach the page as JSON whose special characters are escaped, and are shown as text alone; the page's own policy
forbids every request.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"


def fill(template: str, title: str, data: Mapping[str, Any]) -> str:
    """The page `data/TEMPLATE` with its title, its data and the style and script that all pages share."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)  # U+2028 and its like are escaped by ensure_ascii
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    page = (FOLDER / template).read_text("utf-8")
    for mark, file in (("$STYLE", "page.css"), ("$SCRIPT", "page.js")):
        page = page.replace(mark, (FOLDER / file).read_text("utf-8"), 1)
    return page.replace("$TITLE", html.escape(title), 1).replace("$DATA", text, 1)
