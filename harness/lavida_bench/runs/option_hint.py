"""Explains an unknown key in `score:` of a recipe that is an option of the benchmark, which stands one level deeper."""

from __future__ import annotations

from typing import Any

from lavida_bench.benchmarks import _base as benchmarks


def option_hint(raw: dict[str, Any], location: tuple[int | str, ...]) -> str:
    """Explain an unknown key of an entry of `score`.

    Args:
        raw: The recipe as plain data.
        location: The key's location, e.g. `("score", 0, "videos")`.

    Returns:
        A sentence, "" where the key is no option of the entry's benchmark.
    """
    if len(location) != 3 or location[0] != "score":
        return ""
    name, key = raw["score"][location[1]].get("benchmark"), location[2]
    if name not in benchmarks.known() or key not in benchmarks.find_class(name).Options.model_fields:
        return ""
    return f"`{key}` is an option of {name}: options.{key}"
