"""Reads an instances JSON once, checks all of it, and gives the columns that `coco_index` maps.

Format: https://cocodataset.org/#format-data. Masks are made run lengths here, by pycocotools itself, so that every
fault is found before any work and the hot path only slices bytes.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lavida_gen.annotations import json_stream
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import MAX_PIXELS
from lavida_gen.scenes.masks import RLE
from lavida_gen.storage.cache import Arrays, Blobs

SHOWN = 10
"""So many faults of a file are told in full; the rest is counted."""
NOTED = 100
"""So many of the annotations without a whole mask are kept in words; the rest is counted."""
_FAR = 10.0
"""Corners may lie outside the picture by so many of its longer sides; farther ones are no annotation, and would cost
gigabytes to draw."""


@dataclass(slots=True)
class Told:
    """Faults in words: the first `most`, and how many there are."""

    most: int
    shown: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, text: str) -> None:
        """One more."""
        self.count += 1
        if len(self.shown) < self.most:
            self.shown.append(text)

    def lines(self) -> list[str]:
        """Those shown, and a line that counts the others."""
        more = self.count - len(self.shown)
        return [*self.shown, f"... and {more:,} more"] if more else self.shown


@dataclass(slots=True)
class _Annotations:
    """Columns that grow; `counts` are the run lengths of all masks, `ends` where each ends."""

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
        """The columns sorted by image; within an image the order of the file stays."""
        place = np.frombuffer(self.image, np.int64)
        order = np.argsort(place, kind="stable")
        ends = np.frombuffer(self.ends, np.int64)
        starts = np.concatenate([[0], ends[:-1]])[: len(ends)]
        first = np.zeros(images + 1, np.int64)
        np.cumsum(np.bincount(place, minlength=images), out=first[1:])
        offsets = np.zeros(len(ends) + 1, np.int64)
        np.cumsum((ends - starts)[order], out=offsets[1:])
        counts, rows = memoryview(self.counts), zip(starts[order].tolist(), ends[order].tolist(), strict=True)
        return {
            "first": first,
            "ann_id": np.frombuffer(self.id, np.int64)[order],
            "ann_category": np.frombuffer(self.category, np.int64)[order],
            "ann_crowd": np.frombuffer(self.crowd, np.int8)[order].astype(np.uint8),
            "counts": np.frombuffer(b"".join(counts[start:end] for start, end in rows), np.uint8),
            "counts_at": offsets,
        }


@dataclass(slots=True)
class Reader:
    """One reading of a file; `read` is called once. Annotations that stand before the images cost a second pass."""

    path: Path
    images: list[tuple[int, int, int, str, str, Any]] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)
    categories: dict[int, tuple[str, str]] = field(default_factory=dict)
    licences: dict[Any, str] = field(default_factory=dict)
    annotations: _Annotations = field(default_factory=_Annotations)
    problems: Told = field(default_factory=lambda: Told(SHOWN))
    notes: Told = field(default_factory=lambda: Told(NOTED))

    def read(self) -> Arrays:
        """The arrays of the index. Raises DataError that lists the faults of the file."""
        seen: set[str] = set()
        late = False
        for key, number, value in json_stream.members(self.path):
            seen.add(key)
            if key == "annotations" and "images" not in seen:
                late = True
            elif number != -2:
                self._element(key, number, value)
        if late:
            for key, number, value in json_stream.members(self.path):
                if key == "annotations" and number != -2:
                    self._element(key, number, value)
        for key in ("images", "annotations", "categories"):
            if key not in seen:
                self.problems.add(
                    f"has no {key!r}; expected a COCO instances file; check which file `annotations` names"
                )
        if "categories" in seen:
            self._check_categories()
        if self.problems.count:
            raise DataError(f"{self.path}: " + "\n  ".join(self.problems.lines()))
        return self._arrays()

    def _element(self, key: str, number: int, value: Any) -> None:
        read = {"images": self._image, "categories": self._category, "annotations": self._annotation}.get(key)
        if read is None and key != "licenses":
            return
        where = f"{key}[{number}]" if number >= 0 else key
        try:
            if not isinstance(value, dict):
                raise DataError(f"is {str(value)[:40]!r}; expected {'an object' if number >= 0 else 'a list'}")
            if read is None:
                self.licences[str(value.get("id"))] = str(value.get("name") or value.get("url") or "")
            else:
                read(where, value)
        except DataError as error:
            ident = f" (id {value['id']})" if isinstance(value, dict) and "id" in value else ""
            self.problems.add(f"{where}{ident}: {error}")

    def _image(self, where: str, value: dict[str, Any]) -> None:
        number, height, width = (whole(value, key) for key in ("id", "height", "width"))
        file = value.get("file_name")
        if not isinstance(file, str) or not file:
            raise DataError(f"file_name is {file!r}; expected the name of the photo")
        if height < 1 or width < 1 or height * width > MAX_PIXELS:
            raise DataError(f"is {width} x {height} pixels; expected 1 to {MAX_PIXELS:,} pixels")
        if number in self.place:
            raise DataError(f"id {number} is that of images[{self.place[number]}] too; expected an id of its own")
        self.place[number] = len(self.images)
        url = str(value.get("flickr_url") or value.get("coco_url") or "")
        self.images.append((number, height, width, file, url, str(value.get("license"))))

    def _category(self, where: str, value: dict[str, Any]) -> None:
        number, name = whole(value, "id"), str(value.get("name") or "").strip()
        if not name:
            raise DataError("has no name; expected one that a prompt can list")
        if number in self.categories:
            raise DataError(f"id {number} stands twice; expected an id of its own")
        self.categories[number] = (name, str(value.get("supercategory") or ""))

    def _annotation(self, where: str, value: dict[str, Any]) -> None:
        ident, image, category = (whole(value, key) for key in ("id", "image_id", "category_id"))
        if image not in self.place:
            raise DataError(f"image_id {image} is no image of this file; expected the id of one")
        place = self.place[image]
        mask, left_out = segmentation(value.get("segmentation"), self.images[place][1:3])
        if left_out:
            self.notes.add(f"{where} (id {ident}): {left_out}")
        self.annotations.add(place, ident, category, bool(value.get("iscrowd")), mask.counts if mask else b"")

    def _check_categories(self) -> None:
        of = np.frombuffer(self.annotations.category, np.int64)
        for number in np.setdiff1d(of, list(self.categories)).tolist():
            first = self.annotations.id[int(np.argmax(of == number))]
            self.problems.add(
                f"annotation id {first}: category_id {number} is no category of this file; expected the id of one"
            )

    def _arrays(self) -> Arrays:
        made = self.annotations.by_image(len(self.images))
        at = np.array(list(self.categories), np.int64)
        order = np.argsort(at)
        made["ann_category"] = order[np.searchsorted(at, made["ann_category"], sorter=order)].astype(np.int32)
        licence = {key: number for number, key in enumerate(self.licences, start=1)}
        made["image_id"] = np.array([image[0] for image in self.images], np.int64)
        made["image_size"] = np.array([image[1:3] for image in self.images], np.int32).reshape(-1, 2)
        made["image_licence"] = np.array([licence.get(image[5], 0) for image in self.images], np.int32)
        made["category_id"] = at
        texts: dict[str, Sequence[str]] = {
            "files": [image[3] for image in self.images],
            "urls": [image[4] for image in self.images],
            "names": [text for pair in self.categories.values() for text in pair],
            "licences": ["", *self.licences.values()],
            "notes": self.notes.lines(),
        }
        for name, column in texts.items():
            made[name], made[f"{name}_at"] = Blobs.pack(text.encode("utf-8", "replace") for text in column)
        return made


def whole(value: dict[str, Any], key: str) -> int:
    """`value[key]` as a whole number. Raises DataError without a place."""
    found = value.get(key)
    if type(found) is int and -(2**63) <= found < 2**63:
        return found
    if key not in value:
        raise DataError(f"has no {key!r}")
    if isinstance(found, float) and found.is_integer() and abs(found) < 2**53:
        return int(found)
    raise DataError(f"{key} is {str(found)[:40]!r}; expected a whole number")


def segmentation(plain: Any, size: tuple[int, int]) -> tuple[RLE | None, str]:
    """The mask (H, W) = `size` of polygons, run lengths, compressed run lengths, or a list of those (refCLEF).

    Polygons of less than 3 corners are left out; the second value says so, and the mask is None if nothing is left.
    Raises DataError without a place.
    """
    if isinstance(plain, dict):
        return _runs(plain, size), ""
    if not isinstance(plain, list):
        raise DataError(f"segmentation is {str(plain)[:40]!r}; expected polygons or run lengths")
    if plain and all(isinstance(part, dict) for part in plain):
        return masks.union([_runs(part, size) for part in plain]), ""
    if not all(isinstance(part, list) for part in plain):
        raise DataError(f"segmentation {str(plain)[:40]!r}; expected a list of polygons, each a list x, y, x, y, ...")
    polygons = [polygon for polygon in plain if len(polygon) >= 6]
    for polygon in polygons:
        _check_corners(polygon, _FAR * max(size))
    left_out = len(plain) - len(polygons)
    why = f"{left_out} of {len(plain)} polygons have less than 3 corners and were left out" if left_out else ""
    if not polygons:
        return None, f"{why or 'has no polygon'}; nothing is left of its mask"
    return masks.from_polygons(polygons, size, "segmentation"), why


def _check_corners(polygon: list[Any], far: float) -> None:
    """All checks are written so that NaN fails them."""
    try:
        near = max(polygon) <= far and min(polygon) >= -far and math.isfinite(sum(polygon))
    except TypeError as error:
        raise DataError(f"segmentation has a corner that is no number ({error})") from error
    if near:
        return
    odd = next(x for x in polygon if not abs(x) <= far)
    raise DataError(
        f"segmentation has a corner at {str(odd)[:40]}; expected finite coordinates, at most {far:.0f} from the picture"
    )


def _runs(plain: dict[str, Any], size: tuple[int, int]) -> RLE:
    if plain.get("size") != list(size):
        raise DataError(f"run lengths of {plain.get('size')}; expected {list(size)}, the image's size")
    counts = plain.get("counts")
    if isinstance(counts, str):
        return masks.from_counts(counts, size, "segmentation")
    if not isinstance(counts, list) or not all(type(run) is int for run in counts):
        raise DataError(
            problem("segmentation", f"counts are {str(counts)[:40]!r}", "whole numbers, or COCO's compressed text")
        )
    return masks.from_runs(counts, size, "segmentation")
