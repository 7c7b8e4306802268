"""All areas by name."""

from __future__ import annotations

import functools

from fuzz_areas import generator_areas
from fuzz_areas_bench import harness_areas
from fuzz_case import Area


@functools.cache
def _areas() -> dict[str, Area]:
    return {area.name: area for area in (*generator_areas(), *harness_areas())}


def names() -> list[str]:
    """Names of all areas."""
    return list(_areas())


def area(name: str) -> Area:
    """An area by name."""
    return _areas()[name]
