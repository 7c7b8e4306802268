"""JSON files, read with an error message that names the place in the file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import DataError, LavidaGenError, problem
from lavida_gen.common.input_file import MAX_JSON, kind_of, parsing, read_input

JsonObject = dict[str, Any]
"""A JSON object as `json` reads it: keys to numbers, texts, lists, objects, True, False and None."""

MAX_DEPTH = 100
"""Levels of lists and objects in each other; deeper ones exhaust the stack of whoever walks over them."""


def read_json(path: Path, expected: str = "a JSON file", todo: str = "", unique: bool = False) -> object:
    """The JSON value in a file.

    Args:
        path: The file, in UTF-8.
        expected: What the file should hold, for messages.
        todo: What to do about a damaged file, for messages.
        unique: Whether an object that names a key twice is an error; otherwise the last value counts.

    Raises:
        DataError: The file cannot be read or is not valid JSON.
    """
    return parse_json(read_input(path, MAX_JSON, expected, todo), path, expected, todo, unique=unique)


def read_json_object(
    path: Path, expected: str = "a JSON object", todo: str = "", keys: Iterable[str] = ()
) -> JsonObject:
    """The JSON object in a file.

    Args:
        path: The file, in UTF-8.
        expected: What the file should hold, for messages.
        todo: What to do about a damaged file, for messages.
        keys: Keys that the object must have.

    Raises:
        DataError: The file cannot be read, is not valid JSON, holds something else, or misses a key.
    """
    return check_json_object(read_json(path, expected, todo), path, expected, todo, keys)


def parse_json(
    data: str | bytes,
    where: object,
    expected: str = "",
    todo: str = "",
    family: type[LavidaGenError] = DataError,
    unique: bool = False,
) -> object:
    """The JSON value in a text, or in bytes in UTF-8 (with or without a byte order mark).

    Args:
        data: The text.
        where: Where it was read, for messages.
        expected: What it should hold, for messages.
        todo: What to do about a damaged one, for messages.
        family: Class of the error.
        unique: Whether an object that names a key twice is an error.

    Raises:
        LavidaGenError: The text is not valid JSON, with line and column in the message, nested deeper than
            `MAX_DEPTH`, or names a key twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> JsonObject:
        found = dict(pairs)
        if len(found) < len(pairs):
            key = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise family(problem(where, f"{key!r} appears twice", "each name once", "remove the other"))
        return found

    with parsing(where, expected, todo, family, "is not valid JSON"):
        try:
            text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
            value: object = json.loads(text, object_pairs_hook=once if unique else None)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            kind = kind_of(data if isinstance(data, bytes) else data[:40].encode(errors="replace"))
            if kind is not None:
                raise family(
                    problem(where, f"is not valid JSON (it is {kind.got})", expected, todo or kind.todo)
                ) from error
            if isinstance(error, UnicodeDecodeError):
                raise
            place = f"{where}:{error.lineno}:{error.colno}"
            raise family(problem(place, f"is not valid JSON ({error.msg})", expected, todo)) from error
    if is_too_deep(value, text.count("[") + text.count("{")):
        raise family(problem(where, "is nested too deeply", f"at most {MAX_DEPTH} levels", todo))
    return value


def is_too_deep(value: object, openings: int) -> bool:
    """Whether a JSON value has more than `MAX_DEPTH` levels.

    Args:
        value: The value.
        openings: Number of brackets in its text; no more levels are possible.
    """
    if openings <= MAX_DEPTH:
        return False
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [part for outer in level for part in _parts(outer)]
        if not level:
            return False
    return True


def _parts(value: object) -> Iterable[object]:
    """The lists and objects right inside of a value."""
    inner: Collection[object] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if {dict, list}.isdisjoint(map(type, inner)):
        return ()
    return [part for part in inner if isinstance(part, dict | list)]


def check_json_object(
    value: object,
    where: object,
    expected: str = "a JSON object",
    todo: str = "",
    keys: Iterable[str] = (),
    family: type[LavidaGenError] = DataError,
) -> JsonObject:
    """`value` if it is an object with all `keys`; the other arguments are those of `parse_json`.

    Raises:
        LavidaGenError: It is not.
    """
    if not isinstance(value, dict):
        raise family(problem(where, f"holds a {type(value).__name__}", expected, todo))
    missing = [key for key in keys if key not in value]
    if missing:
        raise family(problem(where, f"has no {missing[0]!r}", expected, todo))
    return value


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON with a final newline, atomically.

    Raises:
        DataError: The file cannot be written.
    """
    write_atomic(path, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())
