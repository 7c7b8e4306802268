"""The HTML pages of the harness: a template in data/ each, filled by lavida_gen.common.html_page."""

from __future__ import annotations

from collections.abc import Mapping

from lavida_gen.common import html_page
from lavida_gen.common.resources import resource


def fill(template: str, title: str, data: Mapping[str, object], pictures_beside: bool = False) -> str:
    """Fill a page, with the style and script that all pages share.

    Args:
        template: A file of data/, such as ``report.html``.
        title: The page's title.
        data: What the page shows, as plain JSON.
        pictures_beside: Whether the page may show files that lie beside it.

    Returns:
        The HTML, which loads nothing from the network.
    """
    body, style, script = (resource(name, "lavida_bench") for name in (template, "page.css", "page.js"))
    return html_page.render_page(body, title, data, style, script, pictures_beside)
