"""The masks of a COCO JSON: polygons and run lengths, checked, and drawn as pycocotools draws them.

Format: https://cocodataset.org/#format-data. Letters: H W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from lavida_gen.annotations.json_file import whole_numbers
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE

MAX_DISTANCE = 10.0
"""Corners may lie outside the image by this multiple of its longer side. Farther corners are annotation errors, and
drawing them would take gigabytes."""
ROUNDING = 1.0
"""Corners this far outside, in pixels, come from rounding and need no note."""


class Segmentation(NamedTuple):
    """What a `segmentation` gives.

    Attributes:
        mask: (H, W) of the image; None if no polygon is left.
        note: What is odd but harmless, "" if nothing is.
        outside: Whether it has a corner outside the image.
    """

    mask: RLE | None
    note: str = ""
    outside: bool = False


def segmentation(value: object, size: tuple[int, int]) -> Segmentation:
    """The mask of a `segmentation`: polygons, run lengths, compressed run lengths, or a list of those (refCLEF).

    Args:
        value: The JSON value.
        size: (H, W) of the image.

    Returns:
        The mask; polygons with less than 3 corners are left out with a note.

    Raises:
        DataError: The segmentation is malformed; the message does not name the file.
    """
    if isinstance(value, dict):
        return Segmentation(_run_lengths(value, size))
    if not isinstance(value, list):
        raise DataError(f"segmentation is {str(value)[:40]!r}; expected polygons or run lengths")
    if value and all(isinstance(part, dict) for part in value):
        return Segmentation(masks.union([_run_lengths(part, size) for part in value]))
    if not all(isinstance(part, list) for part in value):
        raise DataError(f"segmentation {str(value)[:40]!r}; expected a list of polygons, each a list x, y, x, y, ...")
    polygons, outside = [], False
    for part in value:
        if part and isinstance(part[0], (list, dict)):
            raise DataError(f"segmentation has the polygon {str(part)[:40]}; expected a flat list x, y, x, y, ...")
        if len(part) >= 6:
            polygon, leaves = _check(part, size)
            polygons.append(polygon)
            outside = outside or leaves
    left_out = len(value) - len(polygons)
    note = f"{left_out} of {len(value)} polygons have less than 3 corners and were left out" if left_out else ""
    if not polygons:
        return Segmentation(None, f"{note or 'has no polygon'}; nothing is left of its mask")
    return Segmentation(masks.from_polygons(polygons, size, "segmentation"), note, outside)


def _check(polygon: list[Any], size: tuple[int, int]) -> tuple[Sequence[float], bool]:
    """The corners, and whether one lies outside the image. Raises DataError for far corners and for what is no number.

    NaN fails every comparison here.
    """
    numbers: Sequence[float] = polygon
    try:
        low, high, total = min(numbers), max(numbers), sum(numbers)
    except TypeError:
        numbers = [_number(value) for value in polygon]
        low, high, total = min(numbers), max(numbers), sum(numbers)
    limit = MAX_DISTANCE * max(size)
    if not (high <= limit and low >= -limit and math.isfinite(total)):
        outlier = next(x for x in numbers if not abs(x) <= limit)
        got, expected = (
            f"has a corner at {str(outlier)[:40]}",
            f"finite coordinates, at most {limit:.0f} from the image",
        )
        raise DataError(f"segmentation {got}; expected {expected}")
    if low >= -ROUNDING and high <= min(size) + ROUNDING:
        return numbers, False
    height, width = size
    inside = low >= -ROUNDING and max(numbers[::2]) <= width + ROUNDING and max(numbers[1::2]) <= height + ROUNDING
    return numbers, not inside


def _number(value: object) -> float:
    """A coordinate, also where the file writes "5" for 5. Raises DataError."""
    try:
        if isinstance(value, (int, float, str)):
            return float(value)
    except ValueError:
        pass
    got = f"segmentation has the corner {str(value)[:40]!r}, which is no number"
    raise DataError(f"{got}; expected a list of polygons, each a list x, y, x, y, ...")


def _run_lengths(value: dict[str, object], size: tuple[int, int]) -> RLE:
    if whole_numbers(value.get("size")) != list(size):
        raise DataError(f"run lengths of size {value.get('size')}; expected {list(size)}, the image's size")
    counts = value.get("counts")
    if isinstance(counts, str):
        if counts[:2] in ("b'", 'b"'):
            got = f"counts are {counts[:40]!r}, Python's wording of bytes"
            raise DataError(problem("segmentation", got, "the text in it", "write counts.decode() when you save it"))
        return masks.from_counts(counts, size, "segmentation")
    runs = whole_numbers(counts)
    if runs is None:
        raise DataError(
            problem("segmentation", f"counts are {str(counts)[:40]!r}", "integers, or COCO's compressed text")
        )
    return masks.from_runs(runs, size, "segmentation")
