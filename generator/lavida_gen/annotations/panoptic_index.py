"""The compact index of a COCO panoptic JSON: made once, memory-mapped by every worker.

Format: https://cocodataset.org/#format-data (4. Panoptic Segmentation)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.json_file import flag, member
from lavida_gen.annotations.problem_list import LeftOut
from lavida_gen.classes import coco_stuff_names
from lavida_gen.classes.label import Label
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.large_json import json_stream
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 3


class PanopticSegment(NamedTuple):
    """One segment of an image: its id in the PNG, its category, whether it is a crowd."""

    id: int
    label: Label
    crowd: bool


class PanopticIndex:
    """Random access to images and their segments, numbered 0..len-1 in the order of the annotations.

    Attributes:
        path: The panoptic JSON.
        digest: SHA-256 of that file.
        image_id: (images,) int64.
        labels: The categories, in the order of the file.
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        self.image_id: NDArray[np.int64] = arrays["image_id"]
        self._images, self._pngs, self._urls, names = (
            PackedTexts(arrays[name], arrays[f"{name}_at"]) for name in ("photos", "pngs", "urls", "names")
        )
        self._first, self._segments = arrays["first"], arrays["segment"]
        self._left_out = PackedTexts(arrays["left_out"], arrays["left_out_at"]), arrays["left_out_scenes"]
        self.labels = [
            coco_stuff_names.make_label(names[2 * row], names[2 * row + 1], bool(is_thing))
            for row, is_thing in enumerate(arrays["category_thing"].tolist())
        ]

    def __len__(self) -> int:
        return len(self.image_id)

    def left_out(self) -> Iterator[Finding]:
        """Images, categories and annotations that cannot be used."""
        texts, scenes = self._left_out
        for text, count in zip(texts, scenes.tolist(), strict=True):
            yield Finding("dropped", f"{self.path}: {text}", count)

    def image(self, number: int) -> str:
        """File name of the image, as the JSON gives it; not checked."""
        return self._images[number]

    def png(self, number: int) -> str:
        """File name of the segments' PNG, as the JSON gives it; not checked."""
        return self._pngs[number]

    def url(self, number: int) -> str:
        """Web page of the image, "" if the file gives none."""
        return self._urls[number]

    def segments(self, number: int) -> list[PanopticSegment]:
        """The segments of an image, in the order of the file."""
        rows = self._segments[self._first[number] : self._first[number + 1]].tolist()
        return [PanopticSegment(ident, self.labels[category], bool(crowd)) for ident, category, crowd in rows]


def open_index(path: Path) -> PanopticIndex:
    """Open the index of a panoptic JSON; the first call makes it.

    Args:
        path: The panoptic JSON.

    Returns:
        The index.

    Raises:
        DataError: Nothing of the file can be used.
    """
    digest = cache.file_digest(path)
    return PanopticIndex(
        path, cache.cached_arrays("panoptic", VERSION, [digest], lambda: _PanopticReader(path).read()), digest
    )


class _Row(NamedTuple):
    """One annotation: its place, image id, file name of the PNG, and (id, category id, crowd) of each segment."""

    where: str
    image: int
    png: str
    segments: list[tuple[int, int, bool]]


@dataclass(slots=True)
class _PanopticReader:
    path: Path
    images: dict[int, tuple[str, str]] = field(default_factory=dict)
    categories: dict[int, tuple[str, str, bool]] = field(default_factory=dict)
    rows: list[_Row] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    def read(self) -> Arrays:
        """The arrays of the index. Raises DataError."""
        for key, number, value in json_stream.members(self.path, "a COCO panoptic file"):
            where = f"{key}[{number}]"
            if number < 0:
                continue
            try:
                if key == "images":
                    ident, name = member(value, "id", int, where), member(value, "file_name", str, where)
                    self.images[ident] = (name, _text(value, "flickr_url") or _text(value, "coco_url"))
                elif key == "categories":
                    ident, name = member(value, "id", int, where), member(value, "name", str, where)
                    stated = value.get("isthing") if isinstance(value, dict) else None
                    is_thing = stated if isinstance(stated, bool) else bool(member(value, "isthing", int, where))
                    self.categories[ident] = (name, _text(value, "supercategory"), is_thing)
                elif key == "annotations":
                    self._annotation(value, where)
            except DataError as error:
                self.left_out.add(f"{key} that cannot be used", str(error), key == "annotations")
        self._keep_known()
        if not self.rows or not self.categories:
            self.left_out.raise_all(self.path)
            raise DataError(problem(self.path, "has no annotations or no categories", "a COCO panoptic file"))
        return self._arrays()

    def _annotation(self, value: object, where: str) -> None:
        segments = []
        for number, segment in enumerate(member(value, "segments_info", list, where)):
            segment_where = f"{where}: segments_info[{number}]"
            ident, category = (member(segment, key, int, segment_where) for key in ("id", "category_id"))
            segments.append((ident, category, flag(segment.get("iscrowd"))))
        image, png = member(value, "image_id", int, where), member(value, "file_name", str, where)
        self.rows.append(_Row(where, image, png, segments))

    def _keep_known(self) -> None:
        """Leave out annotations whose image or categories the file does not have."""
        rows, self.rows = self.rows, []
        for row in rows:
            unknown = [category for _, category, _ in row.segments if category not in self.categories]
            if row.image not in self.images:
                text = problem(row.where, f"image_id {row.image}", "an image of this file")
            elif unknown:
                text = problem(row.where, f"category_id {unknown[0]}", "a category of this file")
            else:
                self.rows.append(row)
                continue
            self.left_out.add("annotations that cannot be used", text, 1)

    def _arrays(self) -> Arrays:
        category_rows = {ident: row for row, ident in enumerate(self.categories)}
        left_out = self.left_out.rows()
        first = np.cumsum([0, *(len(annotation.segments) for annotation in self.rows)])
        segments = [
            (ident, category_rows[category], crowd)
            for annotation in self.rows
            for ident, category, crowd in annotation.segments
        ]
        made: Arrays = {
            "image_id": np.array([annotation.image for annotation in self.rows], np.int64),
            "first": first.astype(np.int64),
            "segment": np.array(segments, np.int64).reshape(-1, 3),
            "category_thing": np.array([is_thing for _, _, is_thing in self.categories.values()], np.uint8),
            "left_out_scenes": np.array([scenes for _, scenes in left_out], np.int64),
        }
        texts = {
            "photos": [self.images[annotation.image][0] for annotation in self.rows],
            "urls": [self.images[annotation.image][1] for annotation in self.rows],
            "pngs": [annotation.png for annotation in self.rows],
            "left_out": [text for text, _ in left_out],
            "names": [text for name, group, _ in self.categories.values() for text in (name, group)],
        }
        for name, column in texts.items():
            made[name], made[f"{name}_at"] = PackedTexts.pack(column)
        return made


def _text(value: object, key: str) -> str:
    """An optional text member of a JSON object, "" if it is missing or null."""
    return str(value.get(key) or "") if isinstance(value, dict) else ""
