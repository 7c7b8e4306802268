"""URLs as they are stored and shown: without user, password and query, which may be secrets."""

from __future__ import annotations

import re

_URL = re.compile(
    r"""(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}://)
    (?:[^\s/?\#'"<>@\[]{0,99}:(?!\d+[/?\#])[^\s'"<>]{0,999}@|[^\s/?\#'"<>]{0,999}@)?  # a password may hold any letter
    (?P<rest>(?:(?![A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s?\#'"<>])*)
    (?:\?\S*?(?P<end>['"<>)\],;:.]{0,9})(?=\s|$))?""",
    re.VERBOSE,
)


def without_secrets(text: object) -> str:
    """A text whose URLs have lost user, password and query; anything else in it is kept.

    Args:
        text: A URL, or a message with URLs in it.
    """
    plain = str(text)
    return _URL.sub(lambda url: url["scheme"] + url["rest"] + (url["end"] or ""), plain) if "://" in plain else plain
