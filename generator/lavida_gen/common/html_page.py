"""One HTML file around its data: it needs no network and trusts no name.

Texts reach the page as JSON whose special characters are escaped, and are shown as text alone; the page's own policy
forbids every request. Head, style and script that all pages share lie in data/: head.html, base.css, base.js.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lavida_gen.common.resources import resource


def render_page(body: Path, title: str, data: Mapping[str, Any], style: Path, script: Path | None = None) -> str:
    """The whole page: `body` holds all below the head, with $DATA and $SCRIPT; `style` and `script` are its own."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)  # U+2028 and its like are escaped by ensure_ascii
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    parts = {
        "TITLE": html.escape(title),
        "STYLE": _joined(resource("base.css"), style),
        "SCRIPT": _joined(resource("base.js"), script),
        "DATA": text,
    }
    return re.sub(r"\$([A-Z]+)\b", lambda mark: parts[mark[1]], _joined(resource("head.html"), body))


def _joined(shared: Path, own: Path | None) -> str:
    return "".join(path.read_text("utf-8") for path in (shared, own) if path)
