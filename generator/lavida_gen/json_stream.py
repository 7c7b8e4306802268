"""Reads the elements of a JSON file's top-level lists one by one: a big file need not become Python objects at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lavida_gen.errors import DataError, fault

_SPACE = " \t\n\r"


def members(path: Path) -> Iterator[tuple[str, int, Any]]:
    """(key, number, value) of a JSON object: each element of a list by its number, anything else with number -1.

    An empty list gives nothing but (key, -2, None). Raises DataError with line and column where the text breaks off or
    is no JSON.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(fault(path, f"cannot be read ({error})", "a JSON file")) from error
    try:
        yield from _object(text)
    except (json.JSONDecodeError, IndexError) as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else len(text)
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        why = "breaks off" if at >= len(text) - 1 or isinstance(error, IndexError) else "is no JSON"
        where = f"{path}:{line}:{column}"
        raise DataError(
            fault(where, f"{why} at byte {at:,} of {len(text):,}", "a whole JSON object", "fetch it again")
        ) from error


def _object(text: str) -> Iterator[tuple[str, int, Any]]:
    decode = json.JSONDecoder().raw_decode
    at = _expect(text, _skip(text, 0), "{")
    at = _skip(text, at)
    while text[at] != "}":
        key, at = decode(text, at)
        at = _skip(text, _expect(text, _skip(text, at), ":"))
        if text[at] == "[":
            at = _skip(text, at + 1)
            number = 0
            if text[at] == "]":
                yield key, -2, None
            while text[at] != "]":
                value, at = decode(text, at)
                yield key, number, value
                number += 1
                at = _skip(text, at)
                at = _skip(text, at + 1) if text[at] == "," else at
                if text[at] not in ']{["-0123456789tfn':
                    raise json.JSONDecodeError("expected a value or ]", text, at)
            at += 1
        else:
            value, at = decode(text, at)
            yield key, -1, value
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
        elif text[at] != "}":
            raise json.JSONDecodeError("expected , or }", text, at)


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _expect(text: str, at: int, char: str) -> int:
    if text[at] != char:
        raise json.JSONDecodeError(f"expected {char}", text, at)
    return at + 1
