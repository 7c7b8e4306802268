"""What a checkpoint's preprocessor_config.json states of pictures; strangers write it, so every value is checked."""

from __future__ import annotations

import math
from pathlib import Path

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import JsonObject, read_json_object

FILE = "preprocessor_config.json"
MAX_SIDE = 8192
"""Pixels of a picture's side."""


def three_numbers(folder: Path, key: str, default: tuple[float, ...]) -> tuple[float, ...]:
    """Mean or deviation of the channels.

    Args:
        folder: The checkpoint's.
        key: image_mean or image_std.
        default: What the processor's class has, where the file does not state it.

    Raises:
        DataError: It is not three positive numbers.
    """
    value = _content(folder).get(key, default)
    numbers = isinstance(value, list | tuple) and all(type(one) in (int, float) for one in value)
    if not numbers or len(value) != 3 or not all(0 < one < math.inf for one in value):
        raise DataError(problem(folder / FILE, f"{key} = {value!r}", "three positive numbers"))
    return tuple(map(float, value))


def edges(folder: Path, shortest: int, longest: int) -> tuple[int, int]:
    """Shorter side and longest side of pictures, in pixels.

    Args:
        folder: The checkpoint's.
        shortest: What the processor's class has, where the file does not state it.
        longest: The same of the longer side.

    Raises:
        DataError: They are no sizes.
    """
    size = _content(folder).get("size", {})
    found = size if isinstance(size, dict) else {"shortest_edge": size}
    sides = found.get("shortest_edge", shortest), found.get("longest_edge", longest)
    if not all(type(side) is int and 0 < side <= MAX_SIDE for side in sides) or sides[0] > sides[1]:
        todo = f"whole numbers of pixels, at most {MAX_SIDE:,}, the shorter one first"
        raise DataError(problem(folder / FILE, f"size = {size!r}", todo))
    return sides


def _content(folder: Path) -> JsonObject:
    path = folder / FILE
    return read_json_object(path) if path.is_file() else {}
