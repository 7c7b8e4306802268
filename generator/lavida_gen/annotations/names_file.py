"""Names of a user's own classes: a text file with one name per line, or with a number and a name per line."""

from __future__ import annotations

from pathlib import Path

from lavida_gen.common.errors import DataError, problem


def read(path: Path) -> dict[int, str]:
    """Read the names of mask values. Blank lines and lines that start with ``#`` are skipped.

    Args:
        path: The text file.

    Returns:
        Name by mask value: the numbers in the file, or the line numbers from 0 if it has none.

    Raises:
        DataError: The file has no names, repeats a number, or has a number on some lines only.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(problem(path, f"cannot be read ({error})", "a text file with one name per line")) from error
    rows = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    numbered = [row for row in rows if len(row) == 2 and row[0].rstrip(":,").isdigit()]
    if not rows:
        raise DataError(problem(path, "has no names", "one name per line, or 'number name' on each line"))
    if not numbered:
        return dict(enumerate(" ".join(row).strip() for row in rows))
    if len(numbered) < len(rows):
        first = next(" ".join(row) for row in rows if row not in numbered)
        raise DataError(problem(path, f"line {first!r} has no number", "'number name', as on the other lines"))
    names: dict[int, str] = {}
    for number, name in numbered:
        value = int(number.rstrip(":,"))
        if value in names:
            raise DataError(problem(path, f"number {value} is used twice", "each mask value once"))
        names[value] = name.strip()
    return names
