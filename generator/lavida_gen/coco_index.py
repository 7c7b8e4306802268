"""The compact index of a COCO instances JSON: made once, memory-mapped by every worker.

train2017 (118,287 images, 860,001 annotations, 450 MB) shrinks to the run lengths of its masks and a few numbers. All
checks are made while indexing, so that the hot path only slices bytes. Masks are rasterised by pycocotools itself.
Format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_gen import cache, json_stream, masks
from lavida_gen.cache import Arrays, Blobs, Texts
from lavida_gen.errors import DataError, fault
from lavida_gen.masks import RLE
from lavida_gen.scene import Name

VERSION = 1
SHOWN = 10
"""So many faults of a file are told in full; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of an image."""

    id: int
    category: int
    crowd: bool
    mask: RLE


class CocoIndex:
    """Random access to images and annotations, by the image's place in the file."""

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest, self._arrays = path, digest, arrays
        self.image_id: NDArray[np.int64] = arrays["image_id"]
        self._size, self._licence = arrays["image_size"], arrays["image_licence"]
        self._files = Texts(arrays["files"], arrays["files_at"])
        self._urls = Texts(arrays["urls"], arrays["urls_at"])
        self._first = arrays["first"]
        self._ann_id, self._ann_category, self._ann_crowd = (arrays[f"ann_{x}"] for x in ("id", "category", "crowd"))
        self._counts = Blobs(arrays["counts"], arrays["counts_at"])
        names = Texts(arrays["names"], arrays["names_at"])[:]
        self.categories = [Name(n, n, g) for n, g in zip(names[::2], names[1::2], strict=True)]
        self.category_id: list[int] = arrays["category_id"].tolist()
        self.licences: list[str] = Texts(arrays["licences"], arrays["licences_at"])[:]
        self.skipped = Texts(arrays["skipped"], arrays["skipped_at"])[:]
        """Parts of annotations that no mask can be made of, in words; they were left out."""

    def __len__(self) -> int:
        return len(self.image_id)

    def file(self, image: int) -> str:
        """File name as the annotations give it; not checked."""
        return self._files[image]

    def size(self, image: int) -> tuple[int, int]:
        """(H, W)."""
        height, width = self._size[image].tolist()
        return height, width

    def licence(self, image: int) -> str:
        """Name of the photo's licence, "" if the file gives none."""
        return self.licences[int(self._licence[image])]

    def url(self, image: int) -> str:
        """Page of the photo, "" if the file gives none."""
        return self._urls[image]

    def annotations(self, image: int) -> list[Annotation]:
        """The image's annotations, in the order of the file."""
        start, stop = self._first[image : image + 2].tolist()
        size = self.size(image)
        columns = (self._ann_id, self._ann_category, self._ann_crowd)
        rows = zip(*(column[start:stop].tolist() for column in columns), strict=True)
        return [
            Annotation(number, category, bool(crowd), RLE(*size, self._counts[start + at]))
            for at, (number, category, crowd) in enumerate(rows)
        ]


def open_index(path: Path) -> CocoIndex:
    """The index of an instances JSON, made now if it was not yet. Raises DataError that lists the file's faults."""
    digest = cache.file_digest(path)
    arrays = cache.arrays("coco", VERSION, [digest], lambda: _Maker(path).make())
    return CocoIndex(path, arrays, digest)


@dataclass(slots=True)
class _Maker:
    """Reads the JSON once; annotations may come before the images they belong to."""

    path: Path
    images: list[tuple[int, int, int, str, str, Any]] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)
    categories: dict[int, tuple[str, str]] = field(default_factory=dict)
    licences: dict[Any, str] = field(default_factory=dict)
    annotations: list[tuple[int, int, int, bool, bytes]] = field(default_factory=list)
    early: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def make(self) -> Arrays:
        """The arrays. Raises DataError."""
        for key, number, value in json_stream.members(self.path):
            self.seen.add(key)
            if number == -2:
                continue
            where = f"{key}[{number}]"
            if key in ("images", "categories", "licenses", "annotations") and not isinstance(value, dict):
                self.faults.append(f"{where}: is {value!r}; expected an object")
            elif key == "images":
                self._image(where, value)
            elif key == "categories":
                self._category(where, value)
            elif key == "licenses":
                self.licences[value.get("id")] = str(value.get("name") or value.get("url") or "")
            elif key == "annotations":
                # Needs its image's size, which most files give first.
                if "images" in self.seen and value.get("image_id") in self.place:
                    self._annotation(number, value)
                else:
                    self.early.append((number, value))
        for number, value in self.early:
            self._annotation(number, value)
        for key in ("images", "annotations", "categories"):
            if key not in self.seen:
                self.faults.append(f"has no {key!r}; expected a COCO instances file")
        self._unknown_categories()
        if self.faults:
            more = f"\n  ... and {len(self.faults) - SHOWN} more" if len(self.faults) > SHOWN else ""
            raise DataError(f"{self.path}: " + "\n  ".join(self.faults[:SHOWN]) + more)
        return self._arrays()

    def _image(self, where: str, value: dict[str, Any]) -> None:
        try:
            number, height, width = (_whole(value[key]) for key in ("id", "height", "width"))
            file = str(value["file_name"])
        except (KeyError, ValueError) as error:
            self.faults.append(f"{where}: {_told(error)}; expected id, file_name, height and width")
            return
        if height < 1 or width < 1:
            self.faults.append(f"{where}: is {width} x {height} pixels")
        elif number in self.place:
            self.faults.append(f"{where}: id {number} stands twice")
        else:
            self.place[number] = len(self.images)
            url = str(value.get("flickr_url") or value.get("coco_url") or "")
            self.images.append((number, height, width, file, url, value.get("license")))

    def _category(self, where: str, value: dict[str, Any]) -> None:
        try:
            number, name = _whole(value["id"]), str(value["name"]).strip()
        except (KeyError, ValueError) as error:
            self.faults.append(f"{where}: {_told(error)}; expected id and name")
            return
        if not name:
            self.faults.append(f"{where}: has a blank name")
        self.categories[number] = (name, str(value.get("supercategory") or ""))

    def _annotation(self, number: int, value: dict[str, Any]) -> None:
        try:
            ident, image, category = (_whole(value[key]) for key in ("id", "image_id", "category_id"))
            where = f"annotations[{number}] (id {ident})"
            if image not in self.place:
                self.faults.append(f"{where}: image_id {image} is no image of this file")
                return
            _, height, width, *_ = self.images[self.place[image]]
            crowd = bool(value.get("iscrowd", 0))
            mask = self._mask(value["segmentation"], (height, width), where)
        except (KeyError, ValueError, TypeError) as error:
            self.faults.append(f"annotations[{number}]: {_told(error)}")
            return
        if mask is not None:
            self.annotations.append((self.place[image], ident, category, crowd, mask.counts))

    def _mask(self, plain: Any, size: tuple[int, int], where: str) -> RLE | None:
        """Polygons, uncompressed or compressed run lengths. None (and a note) for what has no area at all."""
        if isinstance(plain, dict):
            if [int(side) for side in plain["size"]] != list(size):
                raise DataError(f"{where}: run lengths of {plain['size']}; expected {list(size)}, the image's size")
            if isinstance(plain["counts"], list):
                return masks.from_runs([int(run) for run in plain["counts"]], size, where)
            return masks.from_counts(plain["counts"], size, where)
        polygons = [polygon for polygon in plain if len(polygon) >= 6]
        if len(polygons) < len(plain) or not plain:
            self.skipped.append(
                f"{where}: {len(plain) - len(polygons)} of {len(plain)} polygons have less than 3 corners"
            )
        if not polygons:
            return None
        if not all(math.isfinite(x) for polygon in polygons for x in polygon):
            raise DataError(f"{where}: a corner is not finite")
        return masks.from_polygons(polygons, size, where)

    def _unknown_categories(self) -> None:
        unknown = sorted({row[2] for row in self.annotations} - set(self.categories))
        if unknown and "categories" in self.seen:
            first = next(row[1] for row in self.annotations if row[2] == unknown[0])
            self.faults.append(f"annotation id {first}: category_id {unknown[0]} is no category of this file")

    def _arrays(self) -> Arrays:
        rows = sorted(self.annotations, key=lambda row: row[0])  # stable: the file's order within an image
        place = {number: at for at, number in enumerate(self.categories)}
        licence_place = {key: at for at, key in enumerate(self.licences, start=1)}
        first = np.zeros(len(self.images) + 1, np.int64)
        np.cumsum(np.bincount([row[0] for row in rows], minlength=len(self.images)), out=first[1:])
        made: Arrays = {
            "image_id": np.array([image[0] for image in self.images], np.int64),
            "image_size": np.array([image[1:3] for image in self.images], np.int32).reshape(-1, 2),
            "image_licence": np.array([licence_place.get(image[5], 0) for image in self.images], np.int32),
            "first": first,
            "ann_id": np.array([row[1] for row in rows], np.int64),
            "ann_category": np.array([place[row[2]] for row in rows], np.int32),
            "ann_crowd": np.array([row[3] for row in rows], np.uint8),
            "category_id": np.array(list(self.categories), np.int64),
        }
        texts: dict[str, Sequence[str]] = {
            "files": [image[3] for image in self.images],
            "urls": [image[4] for image in self.images],
            "names": [text for pair in self.categories.values() for text in pair],
            "licences": ["", *self.licences.values()],
            "skipped": self.skipped,
        }
        for name, column in texts.items():
            made[name], made[f"{name}_at"] = Blobs.pack(text.encode() for text in column)
        made["counts"], made["counts_at"] = Blobs.pack(row[4] for row in rows)
        return made


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _told(error: Exception) -> str:
    return f"has no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)


def place_of(index: CocoIndex) -> dict[int, int]:
    """Image id -> its place in the index."""
    return {number: at for at, number in enumerate(index.image_id.tolist())}


def image_folder(root: Path, given: str | None, split: str, where: str) -> Path:
    """Where the photos lie: `given` below `root`, or the usual places. Raises DataError."""
    tried = [root / given] if given is not None else [root / split, root / "images" / split, root / "images"]
    for folder in tried:
        if folder.is_dir():
            return folder
    looked = ", ".join(str(folder) for folder in tried)
    raise DataError(fault(where, f"no folder of photos; looked for {looked}", todo="give `images`, relative to root"))
