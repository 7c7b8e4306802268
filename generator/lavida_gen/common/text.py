"""Texts for people: counts, shorten lists and tables."""

from __future__ import annotations

from collections.abc import Sequence


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
    """A text of strangers without characters that would move the cursor of a terminal; line breaks are kept.

    Args:
        text: Any text.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


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
