"""Annotation files that are read as a whole: JSON objects, checked as they are opened up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lavida_gen.common.errors import DataError, problem


def load(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises DataError that names the file, and line and column if it is no JSON."""
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(problem(path, f"cannot be read ({error})", "a JSON file")) from error
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise DataError(problem(where, f"is no JSON ({error.msg})", "a whole JSON object", "fetch it again")) from error
    if not isinstance(value, dict):
        raise DataError(problem(path, f"holds a {type(value).__name__}", "a JSON object"))
    return value


def member(value: Any, key: str, kind: type, where: object) -> Any:
    """`value[key]` of type `kind`. Raises DataError if it is missing or something else."""
    if not isinstance(value, dict) or key not in value:
        raise DataError(problem(where, f"has no {key!r}", f"a {kind.__name__}", "check that this is the right file"))
    if not isinstance(value[key], kind) or (kind is int and isinstance(value[key], bool)):
        raise DataError(problem(where, f"{key!r} is a {type(value[key]).__name__}", f"a {kind.__name__}"))
    return value[key]


def whole(value: Any, key: str, where: object) -> int:
    """`value[key]` as a whole number, also where the file writes 480.0. Raises DataError."""
    got = value.get(key) if isinstance(value, dict) else None
    if isinstance(got, bool) or not isinstance(got, int | float) or got != got or int(got) != got:
        raise DataError(problem(where, f"{key!r} is {got!r}", "a whole number"))
    return int(got)
