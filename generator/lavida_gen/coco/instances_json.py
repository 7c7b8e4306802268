"""Reads a COCO JSON once, checks all of it, and returns the columns that `coco_index` memory-maps.

Format: https://cocodataset.org/#format-data. Masks are converted to run lengths here, so that every problem is found
before any work starts and reading a sample only slices bytes. What is wrong with one image or annotation costs that one
alone: it is left out and listed; a file of which nothing can be used raises DataError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.problem_list import MAX_NOTES, MAX_PROBLEMS, LeftOut, ProblemList
from lavida_gen.coco.columns import AnnotationColumns
from lavida_gen.coco.fields import IGNORE, Ident, ImageEntry, WholeFileError, file_name, flags, identity, pixel_size
from lavida_gen.coco.plain_annotations import PlainAnnotations
from lavida_gen.coco.segmentation import segmentation
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.text import counted
from lavida_gen.large_json import json_stream
from lavida_gen.storage.cache import Arrays, PackedTexts

NO_ID = -1
"""Id of an annotation that has no whole number as its own; nothing but refs asks for it."""
NO_IMAGE, NO_CATEGORY, NO_MASK, NO_USE = (
    "annotations of no image",
    "annotations of an unknown category",
    "annotations without a usable mask",
    "images that cannot be used",
)
"""Why something is left out."""
_EXPECTED = "an object with images, annotations and categories (results are a list)"
_REASONS = {"images": NO_USE, "annotations": NO_MASK, "categories": "categories that cannot be used"}


@dataclass(slots=True)
class InstancesReader:
    """Reads one file; call `read` once. Annotations that precede the images cost a second pass.

    Attributes:
        path: The file.
        sizes: (H, W) of image files whose entry has no size, read from the pictures.
        merges_files: Whether several images with the same file are one.
    """

    merges_files: ClassVar[bool] = True

    path: Path
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    file_rows: dict[str, int] = field(default_factory=dict)
    images: list[ImageEntry] = field(default_factory=list)
    image_rows: dict[Ident, int] = field(default_factory=dict)
    lost_images: set[Ident] = field(default_factory=set)
    unsized: list[str] = field(default_factory=list)
    categories: dict[int, tuple[str, str]] = field(default_factory=dict)
    text_ids: dict[str, int] = field(default_factory=dict)  # ids of categories that are texts -> numbers below zero
    licences: dict[str, str] = field(default_factory=dict)
    annotations: AnnotationColumns = field(default_factory=AnnotationColumns)
    plain: PlainAnnotations = field(init=False)
    stated_absent: list[tuple[int, int]] = field(default_factory=list)  # row of an image, id of a category
    stated_incomplete: list[tuple[int, int]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    problems: ProblemList = field(default_factory=lambda: ProblemList(MAX_PROBLEMS))
    left_out: LeftOut = field(default_factory=LeftOut)
    notes: ProblemList = field(default_factory=lambda: ProblemList(MAX_NOTES))

    def __post_init__(self) -> None:
        self.plain = PlainAnnotations(self.annotations, partial(self._element, "annotations"), self.outside)

    def read(self) -> Arrays:
        """Read the file.

        Returns:
            The arrays of a `CocoIndex`.

        Raises:
            DataError: Nothing of the file can be used; the message lists the problems.
        """
        seen: set[str] = set()
        annotations_first = False
        for key, first, values in json_stream.batches(self.path, _EXPECTED, "annotations"):
            seen.add(key)
            if key == "annotations" and "images" not in seen:
                annotations_first = True
            else:
                self._elements(key, first, values)
        if annotations_first:
            for key, first, values in json_stream.batches(self.path, _EXPECTED, "annotations"):
                if key == "annotations":
                    self._elements(key, first, values)
        self.plain.flush()
        for key in [key for key in ("images", "annotations", "categories") if key not in seen]:
            self.problems.add(f"has no {key!r}; expected a COCO instances file; check which file `annotations` names")
        self.problems.raise_if_any(self.path)
        if not self.categories or not (self.images or self.unsized):
            self.left_out.raise_all(self.path)
        if self.categories or not self.images:
            return self._arrays()
        raise DataError(problem(self.path, "has no category", "an id and a name for each kind of thing"))

    def _elements(self, key: str, first: int, values: list[object]) -> None:
        if key == "annotations" and first >= 0:
            self.plain.add(first, values, self.image_rows, self.images)
        else:
            self.plain.flush()
            for number, value in enumerate(values, first):
                self._element(key, number, value)

    def _element(self, key: str, number: int, value: object) -> None:
        if key not in ("images", "categories", "annotations", "licenses"):
            return
        if number < 0 and key == "licenses":
            return  # they are not needed
        if number < 0:
            self.problems.add(f"{key}: is {str(value)[:40]!r}; expected a list")
            return
        where = f"{key}[{number}]"
        try:
            if not isinstance(value, dict):
                raise DataError(f"is {str(value)[:40]!r}; expected an object")
            if key == "images":
                self._image(value)
            elif key == "categories":
                self._category(value)
            elif key == "annotations":
                self._annotation(where, value)
            else:
                self.licences[str(value.get("id"))] = str(value.get("name") or value.get("url") or "")
        except DataError as error:
            ident = f" (id {value['id']})" if isinstance(value, dict) and "id" in value else ""
            message = f"{where}{ident}: {error}"
            if isinstance(error, WholeFileError):
                self.problems.add(message)
            elif key in _REASONS:
                self.left_out.add(_REASONS[key], message, key == "images")

    def _image(self, value: dict[str, object]) -> None:
        ident = identity(value, "id")
        url = str(value.get("flickr_url") or value.get("coco_url") or "")
        try:
            file = file_name(value)
            height, width = self._size(value, file)
        except DataError:
            self.lost_images.add(ident)
            raise
        image = ImageEntry(ident, height, width, file, url, str(value.get("license")))
        row = self.image_rows.get(ident)
        if row is not None:
            if self.images[row] != image:
                raise WholeFileError(f"images[{row}] has the same id {ident}; expected unique ids")
            self.notes.add(f"image id {ident} is listed twice")
            return
        row = self._row_of_file(image)
        self.image_rows[ident] = row
        if row == len(self.images):
            self.images.append(image)
        self._statements(row, value)

    def _row_of_file(self, image: ImageEntry) -> int:
        """A new row, or the row of an image with the same file: all annotations of a picture belong together."""
        row = self.file_rows.setdefault(image.file, len(self.images)) if self.merges_files else len(self.images)
        if row < len(self.images):
            same = self.images[row]
            if (same.height, same.width) != (image.height, image.width):
                self.lost_images.add(image.id)
                got = f"is {image.width} x {image.height} pixels"
                raise DataError(f"{got}; expected the size of images[{row}], which has the same file")
            self.notes.add(f"image ids {same.id} and {image.id} are the same file {image.file}; taken as one image")
        return row

    def _size(self, value: dict[str, object], file: str) -> tuple[int, int]:
        """(H, W), from the picture where the entry has none. Raises DataError."""
        if not (value.get("height") and value.get("width")):
            if file in self.sizes:
                return self.sizes[file]
            self.unsized.append(file)
        return pixel_size(value)

    def _statements(self, row: int, value: dict[str, object]) -> None:
        """What the file states about categories of an image as LVIS does: absent ones, and ones without all masks."""
        lists = {"neg_category_ids": self.stated_absent, "not_exhaustive_category_ids": self.stated_incomplete}
        for key, found in lists.items():
            listed = value.get(key)
            if listed and isinstance(listed, list):
                found.extend((row, ident) for ident in listed if type(ident) is int)

    def _category(self, value: dict[str, object]) -> None:
        number, name = self._number(identity(value, "id")), str(value.get("name") or "").strip()
        if not name:
            raise DataError("has no name; expected one that a prompt can list")
        category = (name, str(value.get("supercategory") or ""))
        if self.categories.setdefault(number, category) != category:
            raise WholeFileError(f"id {value['id']} is used twice; expected unique ids")

    def _number(self, ident: Ident) -> int:
        """An id of a category as a number; texts get numbers below those that files use."""
        if isinstance(ident, int):
            return ident
        return self.text_ids.setdefault(ident, -(2**62) - len(self.text_ids))

    def _annotation(self, where: str, value: dict[str, object]) -> None:
        found = value.get("id")
        ident = found if type(found) is int and 0 <= found < 2**63 else NO_ID
        shown = f"{where} (id {found})"
        try:
            image_id = identity(value, "image_id")
            row = self.image_rows.get(image_id)
            if row is None:
                if image_id not in self.lost_images:
                    text = f"image_id {image_id} is not an image of this file; expected the id of one"
                    self.left_out.add(NO_IMAGE, f"{shown}: {text}")
                return
        except DataError as error:
            self.left_out.add(NO_IMAGE, f"{shown}: {error}")
            return
        try:
            category = self._number(identity(value, "category_id"))
        except DataError as error:
            self.left_out.add(NO_CATEGORY, f"{shown}: {error}")
            return
        image, counts = self.images[row], b""
        try:
            mask, note, leaves = segmentation(value.get("segmentation"), (image.height, image.width))
            if note:
                self.notes.add(f"{shown}: {note}")
            if leaves:
                self.outside.append(shown)
            if mask is not None:
                counts = mask.counts
        except DataError as error:  # the thing is there all the same
            self.left_out.add(NO_MASK, f"{shown}: {error}")
        self.annotations.add(row, ident, category, flags(value), counts)

    def _known(self) -> NDArray[np.bool_]:
        """Which annotations have a known category; the others are left out."""
        kept = self.annotations.are_of(list(self.categories))
        texts = {number: text for text, number in self.text_ids.items()}
        for row in np.flatnonzero(~kept).tolist():
            number = self.annotations.category[row]
            text = f"category_id {texts.get(number, number)} is not a category of this file; expected the id of one"
            self.left_out.add(NO_CATEGORY, f"annotation id {self.annotations.id[row]}: {text}")
        return kept

    def _arrays(self) -> Arrays:
        self.file_rows.clear()  # the sorted masks need the memory
        for row, category in self.stated_incomplete:  # it is there, but its mask would not be the whole one
            if category in self.categories:
                self.annotations.add(row, NO_ID, category, IGNORE, b"")
        made = self.annotations.by_image(len(self.images), self._known())
        self.annotations.counts.clear()
        ids = np.array(list(self.categories), np.int64)
        order = np.argsort(ids)
        made["ann_category"] = order[np.searchsorted(ids, made["ann_category"], sorter=order)].astype(np.int32)
        licence_rows = {key: number for number, key in enumerate(self.licences, start=1)}
        numbers = [image.id if isinstance(image.id, int) else NO_ID for image in self.images]
        made["image_id"] = np.array(numbers, np.int64)
        made["image_size"] = np.array([(image.height, image.width) for image in self.images], np.int32).reshape(-1, 2)
        made["image_licence"] = np.array([licence_rows.get(image.licence, 0) for image in self.images], np.int32)
        made["category_id"] = ids
        texts: dict[str, Sequence[str]] = {
            "files": [image.file for image in self.images],
            "urls": [image.url for image in self.images],
            "names": [text for pair in self.categories.values() for text in pair],
            "licences": ["", *self.licences.values()],
            "notes": [*self.notes.lines(), *self._counted_notes()],
        }
        for name, column in (texts | self._oddities(made)).items():
            made[name], made[f"{name}_at"] = PackedTexts.pack(column)
        return made

    def _counted_notes(self) -> Iterator[str]:
        if self.sizes:
            yield f"{counted(len(self.sizes), 'image')} without a size, which was read from the picture"
        if not self.annotations.image:
            yield "has no annotation, so that nothing of it can be the anomaly"
        if self.outside:
            count, first = counted(len(self.outside), "annotation"), self.outside[0]
            yield f"{count} with corners outside the image, such as {first}; cut off at its border"

    def _oddities(self, made: Arrays) -> dict[str, Sequence[str]]:
        """Columns that a file like COCO's has no use for; they are not written then."""
        texts: dict[str, Sequence[str]] = {}
        if any(isinstance(image.id, str) for image in self.images):
            texts["image_ids"] = [str(image.id) for image in self.images]
        if self.unsized:
            texts["unsized"] = self.unsized
        if self.left_out.reasons:
            rows = self.left_out.rows()
            texts["left_out"] = [message for message, _ in rows]
            made["left_out_scenes"] = np.array([scenes for _, scenes in rows], np.int64)
        if self.stated_absent:
            rows_of = {ident: row for row, ident in enumerate(self.categories)}
            absent = sorted((row, rows_of[ident]) for row, ident in self.stated_absent if ident in rows_of)
            made["absent"] = np.array(absent, np.int64).reshape(-1, 2)
        return texts
