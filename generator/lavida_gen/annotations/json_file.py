"""Annotation files that are read as a whole: JSON objects, checked member by member."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TypeVar

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import JsonObject, read_json_object

T = TypeVar("T")

_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "an integer"}
"""JSON's words for Python's types."""


def load(path: Path) -> JsonObject:
    """Read a JSON object.

    Args:
        path: The file.

    Returns:
        The object.

    Raises:
        DataError: The file cannot be read or is not a JSON object; the message names line and column.
    """
    return read_json_object(path, "a complete JSON object", "fetch it again")


def member(value: object, key: str, kind: type[T], where: object) -> T:
    """A member of a JSON object, of a given type.

    Args:
        value: The object.
        key: The member's key.
        kind: Its type.
        where: Names the object in errors.

    Returns:
        `value[key]`.

    Raises:
        DataError: The member is missing, of another type, or an integer of more than 64 bits.
    """
    if not isinstance(value, dict) or key not in value:
        raise DataError(problem(where, f"has no {key!r}", _KINDS[kind], "check that this is the right file"))
    found = value[key]
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise DataError(problem(where, f"{key!r} is {_kind_of(found)}", _KINDS[kind]))
    if isinstance(found, int) and not -(2**63) <= found < 2**63:
        raise DataError(problem(where, f"{key!r} is too large", "an integer of 64 bits"))
    return found


def text(value: object, key: str, where: object) -> str:
    """A member of a JSON object that is a text with something in it.

    Args:
        value: The object.
        key: The member's key.
        where: Names the object in errors.

    Returns:
        The text without blanks around it.

    Raises:
        DataError: The member is missing, blank, or of another type.
    """
    found = member(value, key, str, where).strip()
    if not found:
        raise DataError(problem(where, f"{key!r} is blank", "a text"))
    return found


def integer(value: object, key: str, where: object) -> int:
    """An integer member of a JSON object, also where the file writes 480.0 or "480".

    Args:
        value: The object.
        key: The member's key.
        where: Names the object in errors.

    Returns:
        The integer.

    Raises:
        DataError: The member is missing or not an integer.
    """
    found = value.get(key) if isinstance(value, dict) else None
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 18:
        found = int(found)
    is_whole = found.is_integer() if isinstance(found, float) else not isinstance(found, bool)  # nan is not, nor inf
    if not isinstance(found, int | float) or not is_whole or not -(2**63) <= found < 2**63:
        raise DataError(problem(where, f"{key!r} is {repr(found)[:40]}", "an integer"))
    return int(found)


def flag(value: object) -> bool:
    """A flag, which files write as 0, 1, false, true, "0", "1" or null.

    Args:
        value: The JSON value.
    """
    return bool(value) and value not in ("0", "false", "False")


def whole_numbers(value: object) -> list[int] | None:
    """A list of whole numbers, also where somebody writes 5.0 or "5".

    Args:
        value: Any value.

    Returns:
        The numbers; None if it is no list of whole numbers.
    """
    if not isinstance(value, list):
        return None
    if {*map(type, value)} <= {int}:
        return value
    try:
        numbers = [float(part) if isinstance(part, int | float | str) else math.nan for part in value]
        return [int(number) for number in numbers] if all(map(float.is_integer, numbers)) else None
    except (ValueError, OverflowError):
        return None


def _kind_of(value: object) -> str:
    """What a value is, with the value itself where it is short."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    return _KINDS.get(type(value), f"a {type(value).__name__}")  # of a pickle
