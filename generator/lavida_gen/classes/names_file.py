"""Names of a user's own classes: a text file, a table (CSV), JSON or YAML."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_TEXT, read_text
from lavida_gen.common.json_file import parse_json
from lavida_gen.common.yaml_text import load_yaml

NUMBER = re.compile(r"[-+]?\d{1,18}")
NUMBERS = frozenset(("id", "idx", "index", "value", "number", "class_id", "label_id", "category_id", "classid"))
NAMES = frozenset(("name", "names", "class", "class_name", "label", "label_name", "category", "classname"))
"""Words in the head of a table."""
KEYS = ("names", "id2label", "classes", "labels", "categories", "label_names", "class_names")
"""Where a JSON or YAML file keeps its names (Ultralytics, transformers, COCO)."""
LABELME = "__ignore__"
"""The first line of labelme's labels.txt; its value is -1, that of the next line, `_background_`, is 0."""
MOST_LETTERS = 1_000_000
EXPECTED = "one name per line, or 'number name' on each line"


_COLOUR = re.compile(r"\d+\s+\d+\s+\d+\s+\D|\D+ \d{1,3} +\d{1,3} +\d{1,3}$")
"""``64 128 64 Animal`` and ``Animal 64 128 64``, as in CamVid."""
_LABELMAP = re.compile(r"[^:]+:\d+,\d+,\d+:")
"""``animal:64,128,64::``, as in CVAT's labelmap.txt."""


def read(path: Path) -> dict[int, str]:
    """Read the names of mask values.

    - Text: a name per line, the first is value 0; or a number and a name on each line (`1 crack`, `1: crack`,
      `1=crack`). Marks that all lines have (`- crack`, `"crack"`) are no part of the names. Blank lines and lines that
      start with ``#`` are skipped. labelme's labels.txt, which starts with `__ignore__`, counts from -1.
    - A table divided by commas, semicolons or tabs, with or without a head (`id,name`).
    - JSON or YAML: a list of names, names by number, numbers by name, or a list of objects with `id` and `name`; below
      `names`, `id2label`, `categories` or the like in a larger file.

    Args:
        path: The file.

    Returns:
        Name by mask value.

    Raises:
        DataError: The file has no names, repeats a number, or has a number on some lines only.
    """
    text = read_text(path, MAX_TEXT, "a text file with one name per line")
    if "\0" in text or len(text) > MOST_LETTERS:
        got = f"cannot be read ({len(text):,} letters, or a zero byte)"
        raise DataError(problem(path, got, "a text file with one name per line"))
    if path.suffix.lower() in (".yaml", ".yml"):
        names = _of_content(_parse_yaml(text, path), path)
    elif path.suffix.lower() == ".json" or text.lstrip()[:1] == "{":
        names = _of_content(parse_json(text, path, "names by number, or a list of names"), path)
    else:
        names = _of_text(text, path)
    if not names:
        raise DataError(problem(path, "has no names", EXPECTED))
    return names


def _of_text(text: str, path: Path) -> dict[int, str]:
    """Names in lines. Raises DataError."""
    lines = _plain_lines([line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")])
    if path.suffix.lower() == ".csv" and lines and lines[0].strip('"').lower() in NAMES:
        lines = [line.strip('"') for line in lines[1:]]  # one column with its head
    _refuse_colours(lines, _LABELMAP, path)
    for mark in (",", ";", "\t"):
        try:
            names = _of_table(list(csv.reader(lines, delimiter=mark, skipinitialspace=True)), path)
        except csv.Error as error:
            raise DataError(problem(path, f"cannot be read ({error})", EXPECTED)) from error
        if names is not None:
            return names
    if len(lines) == 1 and "," in lines[0]:
        raise DataError(problem(path, f"line {_short(lines[0])} holds several names", "one name on each line"))
    rows = [line.split(maxsplit=1) for line in lines]
    _refuse_colours(lines, _COLOUR, path)
    if len(rows) > 1 and len(rows[0]) == 2 and _named_columns(rows[0]) == (0, 1):
        lines, rows = lines[1:], rows[1:]
    if not any(len(row) == 2 and _is_number(row[0]) for row in rows):
        return dict(enumerate((" ".join(row) for row in rows), start=_start(lines[:1])))
    for line, row in zip(lines, rows, strict=True):
        if len(row) < 2 or not _is_number(row[0]):
            raise DataError(problem(path, f"line {line!r} has no number", "'number name', as on the other lines"))
    return _distinct(((_number(row[0]), row[1]) for row in rows), path)


_FORMS = (
    (re.compile(r"[-*] +(.+)"), r"\1"),  # a list in Markdown or YAML
    (re.compile(r"(\"|')([^\"']+)\1"), r"\2"),
    (re.compile(r"(\d{1,18})(?: *[=:] *|[.)] +)(\D.*)"), r"\1 \2"),
)
"""Forms of lines, and what is left of them: ``- crack``, ``"crack"``, ``1=crack``, ``1. crack``."""


def _plain_lines(lines: list[str]) -> list[str]:
    """Lines without the marks that all of them have."""
    for form, kept in _FORMS:
        if lines and all(form.fullmatch(line) for line in lines):
            lines = [form.sub(kept, line) for line in lines]
    rows = [line.rsplit(maxsplit=1) for line in lines]
    if len(rows) > 1 and all(len(row) == 2 and row[1] == str(at) for at, row in enumerate(rows)):
        lines = [f"{number} {name}" for name, number in rows]  # ``crack 0``, ``dent 1``
    return lines


def _refuse_colours(lines: Iterable[str], form: re.Pattern[str], path: Path) -> None:
    """Raises DataError if a line names a colour, which index masks do not store."""
    colour = next((line for line in lines if form.match(line)), None)
    if colour is not None:
        todo = "replace each colour by the value that the masks store"
        raise DataError(problem(path, f"line {colour!r} has three numbers: a colour", EXPECTED, todo))


def _of_table(rows: list[list[str]], path: Path) -> dict[int, str] | None:
    """Names in a table, None if these rows are none. Raises DataError."""
    width = min(map(len, rows), default=0)
    if width < 2:
        return None
    columns = _columns(rows, width, path)
    if columns is None:
        return None
    number_at, name_at, first_row = columns
    rows = rows[first_row:]
    if number_at is None:
        names = [row[name_at] for row in rows]
        return _distinct(enumerate(names, start=_start(names[:1])), path)
    for row in rows:
        if len(row) <= max(number_at, name_at) or not _is_number(row[number_at]):
            raise DataError(problem(path, f"line {','.join(row)!r} has no number", "a number and a name on each line"))
    return _distinct(((_number(row[number_at]), row[name_at]) for row in rows), path)


def _columns(rows: list[list[str]], width: int, path: Path) -> tuple[int | None, int, int] | None:
    """Column of the numbers (None for none), of the names, and the first row below the head; None if this is no table.

    Raises DataError if numbers and colours cannot be kept apart.
    """
    named = _named_columns(rows[0])
    if named is not None:
        return (*named, 1)
    numbers, words = _kinds_of_columns(rows, width)
    first_row = 0
    if not (numbers and words):  # a head in other words
        numbers, words = _kinds_of_columns(rows[1:], width)
        first_row = 1
        if not (numbers and words) or any(_is_number(rows[0][at]) for at in numbers):
            return None
    if numbers[0] != 0 and len(numbers) == 3:
        return None, words[0], first_row  # a name and its colour
    if len(numbers) == 3:
        got = f"line {','.join(rows[first_row])!r} has three numbers"
        todo = "write a head such as id,r,g,name"
        raise DataError(problem(path, got, "one number, or a number and a colour", todo))
    return numbers[0], words[0], first_row


def _kinds_of_columns(rows: list[list[str]], width: int) -> tuple[list[int], list[int]]:
    """Columns that hold numbers alone, and columns that hold none."""
    columns = [[_is_number(row[at]) for row in rows] for at in range(width)]
    numbers = [at for at, column in enumerate(columns) if column and all(column)]
    return numbers, [at for at, column in enumerate(columns) if column and not any(column)]


def _named_columns(cells: list[str]) -> tuple[int | None, int] | None:
    """Columns of the numbers (None if there is none) and of the names, None if these cells are no head."""
    words = [cell.strip().lower() for cell in cells]
    number_at = next((at for at, word in enumerate(words) if word in NUMBERS), None)
    name_at = next((at for at, word in enumerate(words) if word in NAMES), None)
    colours = {"r", "g", "b"} <= set(words) or {"red", "green", "blue"} <= set(words)
    return None if name_at is None or (number_at is None and not colours) else (number_at, name_at)


def _start(first: list[str]) -> int:
    return -1 if first == [LABELME] else 0


def _is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell.strip().rstrip(":,")) is not None


def _number(cell: str) -> int:
    return int(cell.strip().rstrip(":,"))


def _of_content(content: object, path: Path) -> dict[int, str]:
    """Names in what a JSON or YAML file holds. Raises DataError."""
    if isinstance(content, Mapping):
        inner = next((content[key] for key in KEYS if isinstance(content.get(key), Mapping | list)), None)
        if inner is not None:
            return _of_content(inner, path)
        if all(NUMBER.fullmatch(str(key)) for key in content):
            return _distinct(((int(str(key)), name) for key, name in content.items()), path)
        return _distinct(((number, name) for name, number in content.items()), path)
    if isinstance(content, list) and content and all(isinstance(row, Mapping) for row in content):
        return _distinct(((row.get("id", at), row.get("name")) for at, row in enumerate(content)), path)
    if isinstance(content, list):
        return _distinct(enumerate(content, start=_start(content[:1])), path)
    got = f"holds a {type(content).__name__}"
    raise DataError(problem(path, got, "a list of names, or an object of numbers and names"))


def _parse_yaml(text: str, path: Path) -> object:
    try:
        return load_yaml(text)
    except yaml.YAMLError as error:
        got = f"is not valid YAML ({' '.join(str(error).split())})"
        raise DataError(problem(path, got, "names by number, or a list of names")) from error


def _distinct(pairs: Iterable[tuple[object, object]], path: Path) -> dict[int, str]:
    """Names by number. Raises DataError if a number or name is none, or a number comes twice."""
    names: dict[int, str] = {}
    for number, name in pairs:
        is_number = isinstance(number, int) and not isinstance(number, bool)
        if not is_number or not isinstance(name, str):
            got = f"has {_short(number)} and {_short(name)} where a number and a name belong"
            raise DataError(problem(path, got, "whole numbers and names as text"))
        assert isinstance(number, int)
        if number in names:
            raise DataError(problem(path, f"number {number} is used twice", "each mask value once"))
        names[number] = " ".join(name.split())
    return {number: name for number, name in names.items() if name}


def _short(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
