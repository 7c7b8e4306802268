"""Texts for people: counts, shorten lists and tables; texts of strangers without control characters and secrets."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar, cast
from unicodedata import combining, east_asian_width

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


MARGIN = 2  # spaces between columns
NARROWEST = 24  # columns of text are not wrapped into less
NUMBER = tuple("0123456789+-–[")


def text_table(rows: Sequence[Sequence[str]], head: Sequence[str] = (), width: int | None = None, keep: int = 1) -> str:
    """A table for the terminal: columns of even width, two spaces apart; columns of numbers are right-aligned.

    Args:
        rows: Cells by row; every row has the same number.
        head: Titles of the columns, if there are any. Without rows they are not printed.
        width: Columns of the terminal. A wider table is continued below, and long texts are wrapped; None = no limit.
        keep: Number of first columns that are repeated where the table is continued.

    Returns:
        Lines without trailing spaces; columns without any text are left out.
    """
    if not rows:
        return ""
    lines = [head, *rows] if head else list(rows)
    columns = [column for column in zip(*lines, strict=True) if any(column)]
    parts = [
        _Column(column, all(cell.startswith(NUMBER) for cell in column[bool(head) :] if cell)) for column in columns
    ]
    blocks = [parts] if width is None else _blocks(parts, width, keep)
    return "\n\n".join("\n".join(_block_lines(block)) for block in blocks)


class _Column:
    """Cells of one column, each as lines, with their width on a terminal."""

    def __init__(self, cells: Sequence[str], numeric: bool, most: int | None = None) -> None:
        self.texts, self.numeric = tuple(cells), numeric
        self.cells = [[cell] if most is None else _wrap(cell, most) for cell in cells]
        self.width = max(terminal_columns(line) for cell in self.cells for line in cell)

    def line(self, row: int, number: int) -> str:
        """One line of a cell, filled up to the width of the column."""
        cell = self.cells[row]
        text = cell[number] if number < len(cell) else ""
        blanks = " " * (self.width - terminal_columns(text))
        return blanks + text if self.numeric else text + blanks


def _wrap(cell: str, most: int) -> list[str]:
    """Lines of at most `most` letters; an address is kept whole."""
    return textwrap.wrap(cell, most, break_on_hyphens=False, break_long_words="://" not in cell) or [""]


def _blocks(columns: Sequence[_Column], width: int, keep: int) -> list[list[_Column]]:
    """Tables that fit, each with the first `keep` columns; a column of text may be wrapped to end one."""
    kept, rest = list(columns[:keep]), list(columns[keep:])
    if not rest:
        return [kept]
    start = sum(column.width + MARGIN for column in kept)
    blocks: list[list[_Column]] = []
    left = 0
    for column in rest:
        if not blocks or column.width > left:
            if not blocks or column.numeric or left < NARROWEST:
                blocks.append([*kept])
                left = width - start
            if column.width > left and not column.numeric:
                column = _Column(column.texts, False, max(NARROWEST, left))
        blocks[-1].append(column)
        left -= column.width + MARGIN
    return blocks


def _block_lines(columns: Sequence[_Column]) -> Iterable[str]:
    """The lines of one table."""
    for row in range(len(columns[0].cells)):
        for number in range(max(len(column.cells[row]) for column in columns)):
            yield (" " * MARGIN).join(column.line(row, number) for column in columns).rstrip()


def terminal_columns(text: str) -> int:
    """Columns that a text takes on a terminal: East Asian wide letters take two, combining marks none.

    Args:
        text: One line.
    """
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
