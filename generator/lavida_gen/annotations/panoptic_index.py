"""The compact index of a COCO panoptic JSON: made once, memory-mapped by every worker.

Format: https://cocodataset.org/#format-data (4. Panoptic Segmentation)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lavida_gen.annotations import coco_stuff_names, json_file, json_stream
from lavida_gen.annotations.index_masks import Label
from lavida_gen.common.errors import DataError, problem
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, Blobs, Texts

VERSION = 1


class Segment(NamedTuple):
    """One segment of a photo: its id in the PNG, its category, whether it is a crowd."""

    id: int
    label: Label
    crowd: bool


class PanopticIndex:
    """Random access to photos and their segments, in the order of the annotations."""

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        self.image_id = arrays["image_id"]
        self._photos, self._pngs, self._urls, names = (
            Texts(arrays[name], arrays[f"{name}_at"]) for name in ("photos", "pngs", "urls", "names")
        )
        self._first, self._segment = arrays["first"], arrays["segment"]
        things = arrays["category_thing"].tolist()
        self.labels = [
            coco_stuff_names.label(names[2 * at], names[2 * at + 1], bool(thing)) for at, thing in enumerate(things)
        ]

    def __len__(self) -> int:
        return len(self.image_id)

    def photo(self, at: int) -> str:
        """File name of the photo, as the JSON gives it; not checked."""
        return self._photos[at]

    def png(self, at: int) -> str:
        """File name of the segments' PNG, as the JSON gives it; not checked."""
        return self._pngs[at]

    def url(self, at: int) -> str:
        """Page of the photo, "" if the file gives none."""
        return self._urls[at]

    def segments(self, at: int) -> list[Segment]:
        """The photo's segments, in the order of the file."""
        rows = self._segment[self._first[at] : self._first[at + 1]].tolist()
        return [Segment(number, self.labels[place], bool(crowd)) for number, place, crowd in rows]


def open_index(path: Path) -> PanopticIndex:
    """The index of a panoptic JSON, made now if it was not yet. Raises DataError."""
    digest = cache.file_digest(path)
    return PanopticIndex(path, cache.arrays("panoptic", VERSION, [digest], lambda: _Maker(path).make()), digest)


@dataclass(slots=True)
class _Maker:
    path: Path
    photos: dict[int, tuple[str, str]] = field(default_factory=dict)
    categories: dict[int, tuple[str, str, bool]] = field(default_factory=dict)
    rows: list[tuple[int, str, list[tuple[int, int, bool]]]] = field(default_factory=list)

    def make(self) -> Arrays:
        """The arrays. Raises DataError."""
        for key, number, value in json_stream.members(self.path):
            where = f"{self.path}: {key}[{number}]"
            if number < 0:
                continue
            if key == "images":
                ident, name = self._get(value, "id", int, where), self._get(value, "file_name", str, where)
                self.photos[ident] = (name, str(value.get("flickr_url") or value.get("coco_url") or ""))
            elif key == "categories":
                ident, name = self._get(value, "id", int, where), self._get(value, "name", str, where)
                thing = bool(self._get(value, "isthing", int, where))
                self.categories[ident] = (name, str(value.get("supercategory") or ""), thing)
            elif key == "annotations":
                self._annotation(value, where)
        if not self.rows or not self.categories:
            raise DataError(problem(self.path, "has no annotations or no categories", "a COCO panoptic file"))
        return self._arrays()

    @staticmethod
    def _get(value: Any, key: str, kind: type, where: str) -> Any:
        return json_file.member(value, key, kind, where)

    def _annotation(self, value: Any, where: str) -> None:
        segments = []
        for number, one in enumerate(self._get(value, "segments_info", list, where)):
            at = f"{where}: segments_info[{number}]"
            ident, category = (self._get(one, key, int, at) for key in ("id", "category_id"))
            segments.append((ident, category, bool(one.get("iscrowd", 0))))
        image, png = self._get(value, "image_id", int, where), self._get(value, "file_name", str, where)
        self.rows.append((image, png, segments))

    def _arrays(self) -> Arrays:
        place = {number: at for at, number in enumerate(self.categories)}
        for number, (image, _, segments) in enumerate(self.rows):
            where = f"{self.path}: annotations[{number}]"
            if image not in self.photos:
                raise DataError(problem(where, f"image_id {image}", "an image of this file"))
            unknown = [category for _, category, _ in segments if category not in place]
            if unknown:
                raise DataError(problem(where, f"category_id {unknown[0]}", "a category of this file"))
        first = np.cumsum([0, *(len(segments) for _, _, segments in self.rows)])
        flat = [(ident, place[category], crowd) for _, _, segments in self.rows for ident, category, crowd in segments]
        made: Arrays = {
            "image_id": np.array([image for image, _, _ in self.rows], np.int64),
            "first": first.astype(np.int64),
            "segment": np.array(flat, np.int64).reshape(-1, 3),
            "category_thing": np.array([thing for _, _, thing in self.categories.values()], np.uint8),
        }
        texts = {
            "photos": [self.photos[image][0] for image, _, _ in self.rows],
            "urls": [self.photos[image][1] for image, _, _ in self.rows],
            "pngs": [png for _, png, _ in self.rows],
            "names": [text for name, group, _ in self.categories.values() for text in (name, group)],
        }
        for name, column in texts.items():
            made[name], made[f"{name}_at"] = Blobs.pack(text.encode() for text in column)
        return made
