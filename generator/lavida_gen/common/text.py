"""Texts for people: counts, shorten lists and tables; texts of strangers without control characters and secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar, cast

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters (C0 but tab and line feed, delete, C1), separators of lines, characters that turn the direction of
writing, and halves of surrogate pairs. Texts that people see or a model reads have none of them."""
_URL = re.compile(
    r"""(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}://)
    (?:[^\s/?\#'"<>@\[]{0,99}:(?!\d+[/?\#])[^\s'"<>]{0,999}@|[^\s/?\#'"<>]{0,999}@)?  # a password may hold any letter
    (?P<rest>(?:(?![A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s?\#'"<>])*)
    (?:\?\S*?(?P<end>['"<>)\],;:.]{0,9})(?=\s|$))?""",
    re.VERBOSE,
)


def counted(number: int, what: str, many: str = "") -> str:
    """A count with its noun: ``1 error``, ``2 errors``, ``1,000 entries``.

    Args:
        number: The count.
        what: The noun in the singular.
        many: Its plural, where an s does not make it.
    """
    return f"{number:,} {what if number == 1 else many or f'{what}s'}"


def shorten(names: Sequence[str], limit: int = 5) -> str:
    """The first names of a list, by commas: ``a, b and 7 more``.

    Args:
        names: All names.
        limit: How many of them are written out.
    """
    head = ", ".join(names[:limit])
    return head if len(names) <= limit else f"{head} and {len(names) - limit} more"


def printable(text: str) -> str:
    """A text of strangers without what would move the cursor of a terminal, or show letters in another order.

    Args:
        text: Any text.

    Returns:
        The text with U+FFFD for each such character; line breaks and tabs are kept.
    """
    return text if text.isascii() and text.isprintable() else CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def without_controls(text: str) -> str:
    """A text with a blank for each control character: names, keys and licences of data sets become prompts and cards.

    Args:
        text: Any text.
    """
    return text if text.isascii() and text.isprintable() else CONTROL.sub(" ", text)


Plain = TypeVar("Plain")


def map_texts(plain: Plain, change: Callable[[str], str]) -> Plain:
    """Plain data with each of its texts changed; keys are kept.

    Args:
        plain: Texts, numbers, lists, tuples and dicts of them.
        change: Changes a text.
    """
    made: object = plain
    if isinstance(plain, str):
        made = change(plain)
    elif isinstance(plain, Mapping):
        made = {key: map_texts(value, change) for key, value in plain.items()}
    elif isinstance(plain, list | tuple):
        made = [map_texts(value, change) for value in plain]
    return cast(Plain, made)


def control_character(value: object, place: str = "") -> str:
    """The first control character in plain data that somebody else may have written.

    Args:
        value: Texts, lists and dicts of them; keys are texts, too.
        place: Its place, for the message.

    Returns:
        Text such as ``sources.0.attribution: holds the control character U+001B``; "" if there is none.
    """
    if isinstance(value, str):
        found = None if value.isascii() and value.isprintable() else CONTROL.search(value)
        return f"{place or 'a text'}: holds the control character U+{ord(found[0]):04X}" if found else ""
    rows: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        rows = value.items()
    elif isinstance(value, list | tuple):
        rows = enumerate(value)
    for key, part in rows:
        if isinstance(key, str) and (found_in_key := control_character(key, f"{place} key".strip())):
            return found_in_key
        if isinstance(part, str) and part.isascii() and part.isprintable():
            continue
        if not isinstance(part, int | float) and (found_inside := control_character(part, f"{place}.{key}".strip("."))):
            return found_inside
    return ""


def without_secrets(text: object) -> str:
    """A text whose URLs have lost user, password and query; anything else in it is kept.

    Args:
        text: A URL, or a message with URLs in it.
    """
    plain = str(text)
    return _URL.sub(lambda url: url["scheme"] + url["rest"] + (url["end"] or ""), plain) if "://" in plain else plain


def text_table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """A table for the terminal: columns of even width, two spaces apart; columns of numbers are right-aligned.

    Args:
        rows: Cells by row; every row has the same number.
        head: Titles of the columns, if there are any. Without rows they are not printed.

    Returns:
        Lines without trailing spaces; columns without any text are left out.
    """
    if not rows:
        return ""
    lines = [head, *rows] if head else list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [all(not cell or cell[0] in "0123456789-–" for cell in column) for column in zip(*rows, strict=True)]
    texts = []
    for line in lines:
        cells = zip(line, widths, numeric, strict=True)
        texts.append("  ".join(c.rjust(width) if right else c.ljust(width) for c, width, right in cells if width))
    return "\n".join(text.rstrip() for text in texts)
