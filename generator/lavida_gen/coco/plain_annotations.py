"""Annotations as most files write nearly all of theirs: known image, whole numbers, polygons. Many are drawn together.

Whatever is odd about an annotation, and so every message, is the business of `instances_json`, one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.json_file import flag
from lavida_gen.coco.columns import AnnotationColumns
from lavida_gen.coco.fields import MARKS, Ident, ImageEntry
from lavida_gen.coco.segmentation import MAX_DISTANCE, ROUNDING
from lavida_gen.large_json.json_pieces import Lazy, Numbers, plain
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.polygon_masks import MAX_SIDE, draw

_FULL = 40_000
"""Coordinates that are drawn together; with more of them, memory is slower than the drawing."""
_MANY = 1000
"""Other annotations that wait at most."""

_Longs = NDArray[np.int64]
_Row = tuple[int, int, int, int, int, int]
"""Number in the file, row of the image, id, id of the category, flags, number of polygons."""


@dataclass(slots=True)
class PlainAnnotations:
    """Annotations in the order of the file: plain ones that wait to be drawn, and others between them.

    Attributes:
        columns: Where the plain ones go.
        one: Handles one of the others, by number and value.
        outside: Gets number and id of each plain annotation that has a corner outside its image.
    """

    columns: AnnotationColumns
    one: Callable[[int, object], None]
    outside: list[str]
    _others: list[tuple[int, int, object]] = field(default_factory=list)  # how many plain ones precede, number, value
    _rows: list[_Row] = field(default_factory=list)
    _lengths: list[int] = field(default_factory=list)  # coordinates of each polygon
    _coordinates: bytearray = field(default_factory=bytearray)  # float64
    _sizes: _Longs = field(default_factory=lambda: np.zeros((0, 2), np.int64))  # H, W of all images

    def add(self, first: int, values: list[object], known: Mapping[Ident, int], images: Sequence[ImageEntry]) -> None:
        """Add annotations that follow each other in the file.

        Args:
            first: Number of the first of them.
            values: The JSON values; only `json_pieces.Lazy` ones can be plain.
            known: Rows of `images` by id.
            images: The images.
        """
        if len(self._sizes) != len(images):
            self._sizes = np.array([(image.height, image.width) for image in images], np.int64).reshape(-1, 2)
        before, taken = len(self._rows), _Taken(known)
        others = [
            (before + len(taken.rows), number, plain(value))
            for number, value in enumerate(values, first)
            if not (isinstance(value, Lazy) and taken.take(number, value))
        ]
        coordinates = b"".join(taken.coordinates)
        if taken.rows and not _are_near(np.frombuffer(coordinates), self._sizes[[row[1] for row in taken.rows]]):
            self._others += [(before, number, plain(value)) for number, value in enumerate(values, first)]
        else:
            self._rows += taken.rows
            self._lengths += taken.lengths
            self._coordinates += coordinates
            self._others += others
        if len(self._coordinates) >= 8 * _FULL or len(self._others) >= _MANY:
            self.flush()

    def flush(self) -> None:
        """Hand all annotations on, in their order."""
        count, start = len(self._rows), 0
        if count:
            columns = [np.fromiter(column, np.int64, count) for column in zip(*self._rows, strict=True)]
            number, image, ident, category, flags, parts = columns
            text, ends, leaves = self._drawn(self._sizes[image], parts)
        for stop, other, value in [*self._others, (count, -1, None)]:
            if start < stop:
                rows = slice(start, stop)
                counts, own = text[ends[start] : ends[stop]], ends[start + 1 : stop + 1] - ends[start]
                self.columns.extend(image[rows], ident[rows], category[rows], flags[rows], counts, own)
                for row in np.flatnonzero(leaves[rows]).tolist():
                    self.outside.append(f"annotations[{number[start + row]}] (id {ident[start + row]})")
                start = stop
            if other >= 0:
                self.one(other, value)
        self._others, self._rows, self._lengths, self._coordinates = [], [], [], bytearray()

    def _drawn(self, sizes: _Longs, parts: _Longs) -> tuple[bytes, _Longs, NDArray[np.bool_]]:
        """The run lengths of all plain annotations, where each begins and ends, and which have a corner outside."""
        lengths, last = np.array(self._lengths) // 2, np.cumsum(parts)
        x, y = np.frombuffer(self._coordinates).reshape(-1, 2).T.copy()
        starts, size = np.cumsum(lengths) - lengths, np.repeat(sizes, parts, axis=0)
        leaves = np.minimum(np.minimum.reduceat(x, starts), np.minimum.reduceat(y, starts)) < -ROUNDING
        leaves |= np.maximum.reduceat(x, starts) > size[:, 1] + ROUNDING
        leaves |= np.maximum.reduceat(y, starts) > size[:, 0] + ROUNDING
        text, widths = _merge(*draw(x, y, lengths, size), sizes, parts)
        return text, np.append(0, np.cumsum(widths)), np.logical_or.reduceat(leaves, last - parts)


@dataclass(slots=True)
class _Taken:
    """Plain annotations of one batch; nearly all of them have the same keys in the same order."""

    known: Mapping[Ident, int]
    rows: list[_Row] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    coordinates: list[bytes] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    marks: list[str] | None = None  # those of the keys that stand for flags; None if a key comes twice

    def take(self, number: int, value: Lazy) -> bool:
        """Take an annotation if it is plain."""
        if (keys := [*value]) != self.keys:
            self.keys, self.marks = keys, [key for key in MARKS if key in keys] if len({*keys}) == len(keys) else None
        if self.marks is None:
            return False
        try:
            image, ident, category, parts = value["image_id"], value["id"], value["category_id"], value["segmentation"]
        except KeyError:
            return False
        if not (type(image) is int and type(ident) is int and type(category) is int and type(parts) is Numbers):
            return False
        if image not in self.known or not 0 <= ident < 2**63 or not -(2**62) < category < 2**62:
            return False
        polygons: Any = parts
        lengths = []
        try:
            for polygon in polygons:
                if (length := len(polygon)) < 6 or length & 1:
                    return False
                lengths.append(length)
            coordinates = parts.as_buffer(of_type="d")
        except TypeError:  # not all are lists of numbers
            return False
        flags = 0
        for key in self.marks:
            if (found := value[key]) and flag(found):
                flags |= MARKS[key]
        if not lengths:
            return False
        self.rows.append((number, self.known[image], ident, category, flags, len(lengths)))
        self.lengths += lengths
        self.coordinates.append(coordinates)
        return True


def _are_near(coordinates: NDArray[np.float64], sizes: _Longs) -> bool:
    """Whether coordinates are surely near their images, and no image is too large to be drawn together."""
    limit = MAX_DISTANCE * sizes.max(axis=1).min()
    return bool(-limit <= coordinates.min() and coordinates.max() <= limit and sizes.max() <= MAX_SIDE)


def _merge(text: bytes, widths: _Longs, sizes: _Longs, parts: _Longs) -> tuple[bytes, _Longs]:
    """Run lengths of polygons to those of annotations: the union of its polygons where one has several."""
    ends, last = np.append(0, np.cumsum(widths)), np.cumsum(parts)
    merged, found, done = np.add.reduceat(widths, last - parts), [], 0
    for row in np.flatnonzero(parts > 1).tolist():
        cuts = ends[last[row] - parts[row] : last[row] + 1].tolist()
        height, width = sizes[row].tolist()
        union = masks.union([RLE(height, width, text[start:end]) for start, end in itertools.pairwise(cuts)]).counts
        found += [text[done : cuts[0]], union]
        merged[row], done = len(union), cuts[-1]
    return b"".join([*found, text[done:]]), merged
