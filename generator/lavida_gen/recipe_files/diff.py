"""In which keys two recipes differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lavida_gen.common.text import counted

SHOWN = 6
"""So many keys are told; the rest is counted."""
LONGEST = 40
"""So many letters of a value are shown."""
ABSENT = object()


def describe_changes(old: Any, new: Any) -> str:
    """``samples 40 -> 50, sources.0.scenes 9 -> 12``; an empty text if nothing differs."""
    found = sorted(list_changes(old, new))
    rest = f", and {counted(len(found) - SHOWN, 'other key')}" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + rest


def list_changes(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """``samples 40 -> 50`` for every key in which two trees of plain data differ, as `--set` names it."""
    kinds = (Mapping, list)
    if any(isinstance(old, kind) and isinstance(new, kind) for kind in kinds):
        olds, news = _parts(old), _parts(new)
        for key in {**olds, **news}:
            inner = f"{place}.{key}" if place else key
            yield from list_changes(olds.get(key, ABSENT), news.get(key, ABSENT), inner)
    elif old != new:
        yield f"{place} {_short(old)} -> {_short(new)}"


def _parts(tree: Any) -> dict[str, Any]:
    return dict(tree) if isinstance(tree, Mapping) else {str(number): part for number, part in enumerate(tree)}


def _short(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    name = value.get("name") if isinstance(value, Mapping) else None
    text = str(name) if name else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
