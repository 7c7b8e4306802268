"""The keys in which two recipes differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from lavida_gen.common.text import counted

MAX_KEYS = 6
"""Number of keys in a message; the others are counted."""
MAX_LETTERS = 40
"""Number of letters of a value in a message."""
ABSENT = object()
"""Value of a key that a recipe does not have."""


def describe_changes(old: object, new: object) -> str:
    """The differences between two recipes in one line.

    Args:
        old: Plain data: mappings, lists, numbers, texts, None.
        new: The same.

    Returns:
        ``samples 40 -> 50, sources.0.scenes 9 -> 12``, or "" if they are equal.
    """
    changes = sorted(list_changes(old, new))
    rest = f", and {counted(len(changes) - MAX_KEYS, 'other key')}" if len(changes) > MAX_KEYS else ""
    return ", ".join(changes[:MAX_KEYS]) + rest


def list_changes(old: object, new: object, place: str = "") -> Iterator[str]:
    """The differences between two trees of plain data, one text for each key.

    Args:
        old: Plain data.
        new: Plain data.
        place: Key of both in a larger tree, as `--set` names it.

    Yields:
        Texts such as ``samples 40 -> 50``.
    """
    if (isinstance(old, Mapping) and isinstance(new, Mapping)) or (isinstance(old, list) and isinstance(new, list)):
        old_parts, new_parts = _parts(old), _parts(new)
        for key in {**old_parts, **new_parts}:
            inner = f"{place}.{key}" if place else key
            yield from list_changes(old_parts.get(key, ABSENT), new_parts.get(key, ABSENT), inner)
    elif old != new:
        yield f"{place} {_short(old)} -> {_short(new)}"


def _parts(tree: Mapping[str, object] | list[object]) -> dict[str, object]:
    return dict(tree) if isinstance(tree, Mapping) else {str(number): part for number, part in enumerate(tree)}


def _short(value: object) -> str:
    if value is ABSENT:
        return "nothing"
    name = value.get("name") if isinstance(value, Mapping) else None
    text = str(name) if name else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_LETTERS else f"{text[: MAX_LETTERS - 3]}..."
