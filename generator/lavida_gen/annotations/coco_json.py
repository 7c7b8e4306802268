"""Reads an instances JSON once, checks all of it, and returns the columns that `coco_index` memory-maps.

Format: https://cocodataset.org/#format-data. Masks are converted to run lengths here, by pycocotools itself, so that
every problem is found before any work starts and reading a sample only slices bytes.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lavida_gen.annotations import json_stream
from lavida_gen.annotations.problem_list import MAX_NOTES, MAX_PROBLEMS, ProblemList
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import MAX_PIXELS
from lavida_gen.scenes.masks import RLE
from lavida_gen.storage.cache import Arrays, PackedBytes

_MAX_DISTANCE = 10.0
"""Corners may lie outside the image by this multiple of its longer side. Farther corners are annotation errors, and
drawing them would take gigabytes."""


@dataclass(slots=True)
class _Annotations:
    """Columns that grow; `counts` are the run lengths of all masks, `ends` the offsets where each mask ends."""

    image: array[int] = field(default_factory=lambda: array("q"))
    id: array[int] = field(default_factory=lambda: array("q"))
    category: array[int] = field(default_factory=lambda: array("q"))
    crowd: array[int] = field(default_factory=lambda: array("b"))
    counts: bytearray = field(default_factory=bytearray)
    ends: array[int] = field(default_factory=lambda: array("q"))

    def add(self, image: int, ident: int, category: int, crowd: bool, counts: bytes) -> None:
        self.image.append(image)
        self.id.append(ident)
        self.category.append(category)
        self.crowd.append(crowd)
        self.counts += counts
        self.ends.append(len(self.counts))

    def by_image(self, images: int) -> Arrays:
        """The columns sorted by image; the annotations of one image keep the order of the file."""
        image = np.frombuffer(self.image, np.int64)
        order = np.argsort(image, kind="stable")
        ends = np.frombuffer(self.ends, np.int64)
        starts = np.concatenate([[0], ends[:-1]])[: len(ends)]
        first = np.zeros(images + 1, np.int64)
        np.cumsum(np.bincount(image, minlength=images), out=first[1:])
        offsets = np.zeros(len(ends) + 1, np.int64)
        np.cumsum((ends - starts)[order], out=offsets[1:])
        counts = memoryview(self.counts)
        rows = zip(starts[order].tolist(), ends[order].tolist(), strict=True)
        return {
            "first": first,
            "ann_id": np.frombuffer(self.id, np.int64)[order],
            "ann_category": np.frombuffer(self.category, np.int64)[order],
            "ann_crowd": np.frombuffer(self.crowd, np.int8)[order].astype(np.uint8),
            "counts": np.frombuffer(b"".join(counts[start:end] for start, end in rows), np.uint8),
            "counts_at": offsets,
        }


class _Image(NamedTuple):
    """One entry of `images`; `licence` is the id of an entry of `licenses`, as text."""

    id: int
    height: int
    width: int
    file: str
    url: str
    licence: str


@dataclass(slots=True)
class InstancesReader:
    """Reads one instances file; call `read` once. Annotations that precede the images cost a second pass."""

    path: Path
    images: list[_Image] = field(default_factory=list)
    image_rows: dict[int, int] = field(default_factory=dict)
    categories: dict[int, tuple[str, str]] = field(default_factory=dict)
    licences: dict[str, str] = field(default_factory=dict)
    annotations: _Annotations = field(default_factory=_Annotations)
    problems: ProblemList = field(default_factory=lambda: ProblemList(MAX_PROBLEMS))
    notes: ProblemList = field(default_factory=lambda: ProblemList(MAX_NOTES))

    def read(self) -> Arrays:
        """Read the file.

        Returns:
            The arrays of a `CocoIndex`.

        Raises:
            DataError: The file has problems; the message lists them.
        """
        seen: set[str] = set()
        annotations_first = False
        for key, number, value in json_stream.members(self.path):
            seen.add(key)
            if key == "annotations" and "images" not in seen:
                annotations_first = True
            elif number != json_stream.EMPTY:
                self._element(key, number, value)
        if annotations_first:
            for key, number, value in json_stream.members(self.path):
                if key == "annotations" and number != json_stream.EMPTY:
                    self._element(key, number, value)
        for key in ("images", "annotations", "categories"):
            if key not in seen:
                self.problems.add(
                    f"has no {key!r}; expected a COCO instances file; check which file `annotations` names"
                )
        if "categories" in seen:
            self._check_categories()
        self.problems.raise_if_any(self.path)
        return self._arrays()

    def _element(self, key: str, number: int, value: object) -> None:
        if key not in ("images", "categories", "annotations", "licenses"):
            return
        where = f"{key}[{number}]" if number >= 0 else key
        if not isinstance(value, dict):
            expected = "an object" if number >= 0 else "a list"
            self.problems.add(f"{where}: is {str(value)[:40]!r}; expected {expected}")
            return
        try:
            if key == "images":
                self._image(value)
            elif key == "categories":
                self._category(value)
            elif key == "annotations":
                self._annotation(where, value)
            else:
                self.licences[str(value.get("id"))] = str(value.get("name") or value.get("url") or "")
        except DataError as error:
            ident = f" (id {value['id']})" if "id" in value else ""
            self.problems.add(f"{where}{ident}: {error}")

    def _image(self, value: dict[str, object]) -> None:
        number, height, width = (integer(value, key) for key in ("id", "height", "width"))
        file = value.get("file_name")
        if not isinstance(file, str) or not file:
            raise DataError(f"file_name is {file!r}; expected the name of the image file")
        if height < 1 or width < 1 or height * width > MAX_PIXELS:
            raise DataError(f"is {width} x {height} pixels; expected 1 to {MAX_PIXELS:,} pixels")
        if number in self.image_rows:
            raise DataError(f"images[{self.image_rows[number]}] has the same id {number}; expected unique ids")
        self.image_rows[number] = len(self.images)
        url = str(value.get("flickr_url") or value.get("coco_url") or "")
        self.images.append(_Image(number, height, width, file, url, str(value.get("license"))))

    def _category(self, value: dict[str, object]) -> None:
        number, name = integer(value, "id"), str(value.get("name") or "").strip()
        if not name:
            raise DataError("has no name; expected one that a prompt can list")
        if number in self.categories:
            raise DataError(f"id {number} is used twice; expected unique ids")
        self.categories[number] = (name, str(value.get("supercategory") or ""))

    def _annotation(self, where: str, value: dict[str, object]) -> None:
        ident, image_id, category = (integer(value, key) for key in ("id", "image_id", "category_id"))
        if image_id not in self.image_rows:
            raise DataError(f"image_id {image_id} is not an image of this file; expected the id of one")
        row = self.image_rows[image_id]
        image = self.images[row]
        mask, note = segmentation(value.get("segmentation"), (image.height, image.width))
        if note:
            self.notes.add(f"{where} (id {ident}): {note}")
        self.annotations.add(row, ident, category, bool(value.get("iscrowd")), mask.counts if mask else b"")

    def _check_categories(self) -> None:
        used = np.frombuffer(self.annotations.category, np.int64)
        for number in np.setdiff1d(used, list(self.categories)).tolist():
            first = self.annotations.id[int(np.argmax(used == number))]
            self.problems.add(
                f"annotation id {first}: category_id {number} is not a category of this file; expected the id of one"
            )

    def _arrays(self) -> Arrays:
        made = self.annotations.by_image(len(self.images))
        ids = np.array(list(self.categories), np.int64)
        order = np.argsort(ids)
        made["ann_category"] = order[np.searchsorted(ids, made["ann_category"], sorter=order)].astype(np.int32)
        licence_rows = {key: number for number, key in enumerate(self.licences, start=1)}
        made["image_id"] = np.array([image.id for image in self.images], np.int64)
        made["image_size"] = np.array([(image.height, image.width) for image in self.images], np.int32).reshape(-1, 2)
        made["image_licence"] = np.array([licence_rows.get(image.licence, 0) for image in self.images], np.int32)
        made["category_id"] = ids
        texts: dict[str, Sequence[str]] = {
            "files": [image.file for image in self.images],
            "urls": [image.url for image in self.images],
            "names": [text for pair in self.categories.values() for text in pair],
            "licences": ["", *self.licences.values()],
            "notes": self.notes.lines(),
        }
        for name, column in texts.items():
            made[name], made[f"{name}_at"] = PackedBytes.pack(text.encode("utf-8", "replace") for text in column)
        return made


def integer(value: dict[str, object], key: str) -> int:
    """An integer member of a JSON object, also where the file writes 480.0.

    Args:
        value: The JSON object.
        key: Its key.

    Returns:
        The integer.

    Raises:
        DataError: The key is missing or is not an integer; the message does not name the file.
    """
    found = value.get(key)
    if type(found) is int and -(2**63) <= found < 2**63:
        return found
    if key not in value:
        raise DataError(f"has no {key!r}")
    if isinstance(found, float) and found.is_integer() and abs(found) < 2**53:
        return int(found)
    raise DataError(f"{key} is {str(found)[:40]!r}; expected an integer")


def segmentation(value: object, size: tuple[int, int]) -> tuple[RLE | None, str]:
    """The mask of a `segmentation`: polygons, run lengths, compressed run lengths, or a list of those (refCLEF).

    Args:
        value: The JSON value.
        size: (H, W) of the image.

    Returns:
        The mask, None if no polygon is left; and a note on polygons with less than 3 corners, which are left out.

    Raises:
        DataError: The segmentation is malformed; the message does not name the file.
    """
    if isinstance(value, dict):
        return _run_lengths(value, size), ""
    if not isinstance(value, list):
        raise DataError(f"segmentation is {str(value)[:40]!r}; expected polygons or run lengths")
    if value and all(isinstance(part, dict) for part in value):
        return masks.union([_run_lengths(part, size) for part in value]), ""
    if not all(isinstance(part, list) for part in value):
        raise DataError(f"segmentation {str(value)[:40]!r}; expected a list of polygons, each a list x, y, x, y, ...")
    polygons = [polygon for polygon in value if len(polygon) >= 6]
    for polygon in polygons:
        _check_corners(polygon, _MAX_DISTANCE * max(size))
    left_out = len(value) - len(polygons)
    note = f"{left_out} of {len(value)} polygons have less than 3 corners and were left out" if left_out else ""
    if not polygons:
        return None, f"{note or 'has no polygon'}; nothing is left of its mask"
    return masks.from_polygons(polygons, size, "segmentation"), note


def _check_corners(polygon: list[float], limit: float) -> None:
    """Raises DataError for corners farther than `limit`; NaN fails every comparison here."""
    try:
        inside = max(polygon) <= limit and min(polygon) >= -limit and math.isfinite(sum(polygon))
    except TypeError as error:
        raise DataError(f"segmentation has a corner that is not a number ({error})") from error
    if inside:
        return
    outlier = next(x for x in polygon if not abs(x) <= limit)
    raise DataError(
        f"segmentation has a corner at {str(outlier)[:40]}; "
        f"expected finite coordinates, at most {limit:.0f} from the image"
    )


def _run_lengths(value: dict[str, object], size: tuple[int, int]) -> RLE:
    if value.get("size") != list(size):
        raise DataError(f"run lengths of size {value.get('size')}; expected {list(size)}, the image's size")
    counts = value.get("counts")
    if isinstance(counts, str):
        return masks.from_counts(counts, size, "segmentation")
    if not isinstance(counts, list) or not all(type(run) is int for run in counts):
        raise DataError(
            problem("segmentation", f"counts are {str(counts)[:40]!r}", "integers, or COCO's compressed text")
        )
    return masks.from_runs(counts, size, "segmentation")
