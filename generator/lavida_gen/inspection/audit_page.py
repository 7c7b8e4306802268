"""The audit of names as one HTML file: findings, every name with pictures, doubtful pairs. It can be searched.

`common.html_page` escapes all texts. The most frequent names have pictures; the others are in the page as text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from lavida_gen.common import html_page as pages
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import DataError
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.resources import resource
from lavida_gen.inspection.audit import SourceAudit
from lavida_gen.inspection.preview import picture_thumbnail
from lavida_gen.sampling.open_source import OpenSource
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Scene

PICTURED = 200
"""Names with pictures, of all sources together."""
LONGEST, QUALITY = 200, 72
"""Longest side of a picture on the page in pixels, and its JPEG quality."""
LEAST_SHOWN, AROUND = 0.3, 2.5
"""Least share of a picture's sides that is shown; and how much of them, relative to the sides of what has the name."""


def write_audit_page(
    out: Path,
    head: Mapping[str, object],
    audits: Sequence[SourceAudit],
    opened: Mapping[str, OpenSource],
    advance: Callable[[int], None] = lambda done: None,
) -> Path:
    """Write the page.

    Args:
        out: The HTML file.
        head: `name` and `about` of the recipe, `summary`, and `findings` as plain objects.
        audits: The names of each source.
        opened: The sources, for pictures, by `SourceAudit.where`.
        advance: Called with 1 after each scene of which pictures are made.

    Returns:
        `out`.

    Raises:
        DataError: The file cannot be written.
    """
    shares = pictured_names([len(audit.rows) for audit in audits], PICTURED)
    sources: list[JsonObject] = []
    for audit, share in zip(audits, shares, strict=True):
        plain = audit.plain()
        pictures = name_pictures(audit, opened[audit.where], share, advance)
        for row in plain["names"][:share]:
            row["pictures"] = pictures.get(row["name"], [])
        sources.append(plain)
    data = {**head, "sources": sources, "shown": PICTURED}
    page = pages.render_page(resource("audit.html"), f"{head['name']}: names", data, resource("audit.css"))
    write_atomic(out, page.encode())
    return out


def pictured_names(counts: Sequence[int], total: int) -> list[int]:
    """Divide pictures among sources: equal shares, and what small sources do not need for the others.

    Args:
        counts: Number of names of each source.
        total: Names that get pictures, of all sources together.

    Returns:
        The number for each source.
    """
    shares = [0] * len(counts)
    remaining, order = total, sorted(range(len(counts)), key=counts.__getitem__)
    for position, number in enumerate(order):
        shares[number] = min(counts[number], remaining // (len(order) - position))
        remaining -= shares[number]
    return shares


def name_pictures(
    audit: SourceAudit, opened: OpenSource, count: int, advance: Callable[[int], None]
) -> dict[str, list[JsonObject]]:
    """Pictures of the most frequent names of a source, each with the outline of what has the name.

    Args:
        audit: The names.
        opened: The source.
        count: Number of names.
        advance: Called with 1 after each scene.

    Returns:
        Name -> its pictures; scenes that cannot be read have none.
    """
    wanted: dict[int, list[str]] = defaultdict(list)
    for row in audit.rows[:count]:
        for number in row.examples:
            wanted[number].append(row.text)
    found: dict[str, list[JsonObject]] = defaultdict(list)
    for number, names in sorted(wanted.items()):
        try:
            scene = opened.other_scene(number)
            for name in names:
                if picture := _picture(scene, name):
                    found[name].append(picture)
        except DataError:
            pass  # the check reports it
        advance(1)
    return found


def _picture(scene: Scene, name: str) -> JsonObject | None:
    """The frame that shows most of what has a name, with its outline; None if nothing is to be seen."""
    regions = [region for region in scene.regions if name in region.names]
    unions = []
    for frame in range(len(scene.frames)):
        visible = [mask for region in regions if (mask := region.masks[frame]) is not None]
        unions.append(masks.union(visible) if visible else masks.empty(scene.size))
    areas = [masks.area(union) for union in unions]
    best = int(np.argmax(areas))
    if not areas[best]:
        return None
    rows, columns = window_around(masks.box(unions[best]), scene.size)
    pixels, bits = scene.frames[best].pixels()[rows, columns], masks.decode(unions[best])[rows, columns]
    return {**picture_thumbnail(pixels, bits, LONGEST, QUALITY), "scene": scene.key}


def window_around(box: masks.Box, size: tuple[int, int]) -> tuple[slice, slice]:
    """The part of a picture that is shown: what has the name and its surroundings, in the shape of the picture.

    Args:
        box: Left, top, width and height of what has the name, in pixels.
        size: (H, W) of the picture.

    Returns:
        Its rows and columns.
    """
    starts, sides = box[1::-1], box[:1:-1]
    share = min(1.0, max(LEAST_SHOWN, *(AROUND * side / whole for side, whole in zip(sides, size, strict=True))))
    found = []
    for start, side, whole in zip(starts, sides, size, strict=True):
        shown = max(1, round(share * whole))
        first = min(max(0, round(start + side / 2 - shown / 2)), whole - shown)
        found.append(slice(first, first + shown))
    return found[0], found[1]
