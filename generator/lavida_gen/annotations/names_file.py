"""Names of a user's own classes: a text file with a name a line, or with a number and a name a line."""

from __future__ import annotations

from pathlib import Path

from lavida_gen.common.errors import DataError, problem


def read(path: Path) -> dict[int, str]:
    """Name by mask value: the numbers given, else the line numbers from 0.

    Blank lines, and lines that begin with ``#``, count for nothing. Raises DataError for a file without names, a number
    given twice, and a mixture of lines with and without a number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(problem(path, f"cannot be read ({error})", "a text file with a name a line")) from error
    rows = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    numbered = [row for row in rows if len(row) == 2 and row[0].rstrip(":,").isdigit()]
    if not rows:
        raise DataError(problem(path, "has no names", "a name a line, or 'number name' a line"))
    if not numbered:
        return dict(enumerate(" ".join(row).strip() for row in rows))
    if len(numbered) < len(rows):
        odd = next(" ".join(row) for row in rows if row not in numbered)
        raise DataError(problem(path, f"line {odd!r} has no number", "'number name', as in the other lines"))
    names: dict[int, str] = {}
    for number, name in numbered:
        value = int(number.rstrip(":,"))
        if value in names:
            raise DataError(problem(path, f"number {value} is given twice", "each mask value once"))
        names[value] = name.strip()
    return names
