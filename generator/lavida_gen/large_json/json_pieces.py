"""Many elements of a JSON list decoded at once, by simdjson, to what `json` makes of them.

simdjson takes strict JSON only, and numbers of 64 bits. What it refuses, and the few texts that it could read in
another way, are left to `json`, whose errors people see.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import simdjson

from lavida_gen.common.json_file import MAX_DEPTH

Lazy = simdjson.Object
"""An object of which only what is asked for becomes Python's. Iteration gives its keys, which may come twice; `[key]`
is the first value then, where `json` has the last."""
Numbers = simdjson.Array
"""A list in such an object."""
_OTHERS = bytes(set(range(256)) - set(b'[]{}"'))
_BETWEEN = np.int8(0x7C)
"""The character between { and }; [ and ] become these with 0x20."""


_FLAT = 4
"""Levels of a list of objects that have lists of lists of numbers, as polygons are."""


def decode(text: str, lazily: bool = False) -> list[object] | None:
    """Decode elements of a JSON list.

    Args:
        text: Elements with commas between them, without the brackets of the list.
        lazily: Whether the elements may be `Lazy` and `Numbers`, if they are objects of three levels at most.

    Returns:
        The elements as `json` reads them; None where it takes `json` itself.
    """
    if "\\" in text:  # escapes can write halves of characters, and quotes that end no text
        return None
    data = b"[%b]" % text.encode()
    depth = _depth(data)
    if depth > MAX_DEPTH + 1:
        return None
    try:
        elements: Any = simdjson.Parser().parse(data)
    except (ValueError, RuntimeError):
        return None
    return list(elements) if lazily and depth <= _FLAT else elements.as_list()


def plain(value: object) -> object:
    """An element as `json` reads it.

    Args:
        value: The element, which may be lazy.
    """
    if isinstance(value, Lazy):
        return value.as_dict()
    return value.as_list() if isinstance(value, Numbers) else value


def _depth(data: bytes) -> int:
    """Levels of lists and objects in each other in a JSON text without escapes."""
    marks = np.frombuffer(data.translate(None, _OTHERS), np.uint8)
    quotes = marks == ord('"')
    steps = _BETWEEN - (marks | 0x20).view(np.int8)  # 1 for an opening bracket, -1 for a closing one
    steps[quotes | np.bitwise_xor.accumulate(quotes)] = 0
    return int(np.cumsum(steps, dtype=np.int64).max(initial=0))
