"""HTML pages in one file, which need no network and escape every text.

Texts reach the page as JSON whose special characters are escaped, and are shown as text only; the content security
policy of the page forbids every request, except for pictures beside it where it has such. The head, style and script
that all pages share are in data/: head.html, base.css, base.js.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path

from lavida_gen.common.resources import own_text, resource
from lavida_gen.common.text import map_texts, printable


def render_page(
    body: Path,
    title: str,
    data: Mapping[str, object],
    style: Path,
    script: Path | None = None,
    pictures_beside: bool = False,
) -> str:
    """Fill the template of a page.

    Args:
        body: HTML file with everything below the head; it holds $DATA and $SCRIPT.
        title: Title of the page.
        data: What the page's script reads, as plain JSON.
        style: CSS file of this page, in addition to base.css.
        script: JavaScript file of this page, in addition to base.js.
        pictures_beside: Whether the page may show pictures that lie beside it, not only such inside it.

    Returns:
        The HTML text.
    """
    escaped = json.dumps(map_texts(data, printable), ensure_ascii=True, allow_nan=False)
    for char in "<>&":
        escaped = escaped.replace(char, f"\\u{ord(char):04x}")
    parts = {
        "PICTURES": "data: 'self' file:" if pictures_beside else "data:",
        "TITLE": html.escape(printable(title)),
        "STYLE": _concatenated(resource("base.css"), style),
        "SCRIPT": _concatenated(resource("base.js"), script),
        "DATA": escaped,
    }
    return re.sub(r"\$([A-Z]+)\b", lambda mark: parts[mark[1]], _concatenated(resource("head.html"), body))


def _concatenated(shared: Path, own: Path | None) -> str:
    return "".join(own_text(path) for path in (shared, own) if path)
