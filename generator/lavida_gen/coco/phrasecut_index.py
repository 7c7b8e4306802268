"""The compact index of PhraseCut: made once, memory-mapped by every worker.

`image_data_split.json` has the sizes of all pictures; `refer_SPLIT.json` is a list of tasks, each a phrase about a
picture with the polygons of every instance that it means. https://github.com/ChenyunWu/PhraseCutDataset
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.problem_list import LeftOut
from lavida_gen.coco.fields import integer
from lavida_gen.coco.segmentation import segmentation
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.common.input_file import MAX_PIXELS
from lavida_gen.large_json import json_stream
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedBytes, PackedTexts

VERSION = 1
NO_PICTURE, NO_TASK, NO_MASK = (
    "pictures that cannot be used",
    "tasks that cannot be used",
    "instances without a usable mask",
)
"""Why something is left out."""


class PhraseNames(Sequence[Name]):
    """The categories and phrases, each with its category; nothing is copied."""

    def __init__(self, texts: PackedTexts, category: NDArray[np.int32]) -> None:
        self._texts, self._category = texts, category

    def __len__(self) -> int:
        return len(self._category)

    @overload
    def __getitem__(self, index: int) -> Name: ...
    @overload
    def __getitem__(self, index: slice) -> list[Name]: ...
    def __getitem__(self, index: int | slice) -> Name | list[Name]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]  # resolves negative indices
        category = int(self._category[number])
        return Name(self._texts[number], self._texts[category] if category >= 0 else "")


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance that a phrase means.

    Attributes:
        name: Its phrase, with the category.
        mask: (H, W) of the picture; None where its polygons cannot be used.
    """

    name: Name
    mask: RLE | None


class PhraseCutIndex:
    """Pictures with the instances of their phrases; pictures are numbered in the order of their first task.

    Attributes:
        digest: Digest of both files.
        names: Every category and every phrase, distinct.
        image_id: (pictures,) int64: the picture's number in Visual Genome.
        coco_id: (pictures,) int64: its number in COCO, 0 if it is not one of COCO's.
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.digest, self._path = digest, path
        self.image_id: NDArray[np.int64] = arrays["image_id"]
        self.coco_id: NDArray[np.int64] = arrays["coco_id"]
        self._size = arrays["size"]
        self._first, self._name = arrays["first"], arrays["name"]
        self._counts = PackedBytes(arrays["counts"], arrays["counts_at"])
        self.names = PhraseNames(PackedTexts(arrays["names"], arrays["names_at"]), arrays["category"])
        self._left_out = PackedTexts(arrays["left_out"], arrays["left_out_at"])
        self._left_out_scenes: NDArray[np.int64] = arrays["left_out_scenes"]

    def __len__(self) -> int:
        return len(self.image_id)

    def size(self, picture: int) -> tuple[int, int]:
        """(H, W) in pixels."""
        height, width = self._size[picture].tolist()
        return height, width

    def instances(self, picture: int) -> Iterator[Instance]:
        """The instances of a picture, in the order of the file."""
        start, stop = self._first[picture : picture + 2].tolist()
        for row in range(start, stop):
            counts = self._counts[row]
            mask = RLE(*self.size(picture), counts) if counts else None
            yield Instance(self.names[int(self._name[row])], mask)

    def left_out(self) -> Iterator[Finding]:
        """Tasks and instances that cannot be used."""
        for text, scenes in zip(self._left_out, self._left_out_scenes.tolist(), strict=True):
            yield Finding("dropped", f"{self._path}: {text}", scenes)


def open_index(tasks: Path, pictures: Path) -> PhraseCutIndex:
    """Open the index of a split; the first call makes it.

    Args:
        tasks: refer_SPLIT.json.
        pictures: image_data_split.json.

    Returns:
        The index.

    Raises:
        DataError: Nothing of the files can be used; the message lists the problems.
    """
    digests = [cache.file_digest(tasks), cache.file_digest(pictures)]
    arrays = cache.cached_arrays("phrasecut", VERSION, digests, lambda: _Reader(tasks, pictures).read())
    return PhraseCutIndex(tasks, arrays, "+".join(digests))


@dataclass(slots=True)
class _Reader:
    """Reads both files; call `read` once."""

    tasks: Path
    pictures: Path
    known: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # number -> H, W, number in COCO
    rows: dict[int, int] = field(default_factory=dict)
    names: dict[tuple[str, str], int] = field(default_factory=dict)
    instances: list[tuple[int, int, bytes]] = field(default_factory=list)  # picture, name, run lengths
    left_out: LeftOut = field(default_factory=LeftOut)

    def read(self) -> Arrays:
        """The arrays of a PhraseCutIndex. Raises DataError."""
        for number, value in enumerate(json_stream.elements(self.pictures)):
            try:
                self._picture(value)
            except DataError as error:
                self.left_out.add(NO_PICTURE, f"{self.pictures.name}[{number}]: {error}")
        for number, value in enumerate(json_stream.elements(self.tasks)):
            where = f"[{number}]"
            try:
                self._task(value, where)
            except DataError as error:
                self.left_out.add(NO_TASK, f"{where}: {error}")
        if not self.rows:
            self.left_out.raise_all(self.tasks)
        return self._arrays()

    def _picture(self, value: object) -> None:
        plain = _object(value)
        number, height, width = (integer(plain, key) for key in ("image_id", "height", "width"))
        if height < 1 or width < 1 or height * width > MAX_PIXELS:
            raise DataError(f"is {width} x {height} pixels; expected 1 to {MAX_PIXELS:,} pixels")
        coco = plain.get("coco_id")
        self.known[number] = height, width, coco if type(coco) is int and 0 < coco < 2**62 else 0

    def _task(self, value: object, where: str) -> None:
        plain = _object(value)
        number, phrase, structure = integer(plain, "image_id"), plain.get("phrase"), plain.get("phrase_structure")
        if not isinstance(phrase, str) or not phrase.strip():
            raise DataError(f"phrase is {str(phrase)[:40]!r}; expected some words")
        if number not in self.known:
            raise DataError(f"image_id {number} is no picture of {self.pictures.name}")
        things = plain.get("Polygons")
        if not isinstance(things, list) or not things:
            raise DataError(f"Polygons is {str(things)[:40]!r}; expected a list of polygons for each instance")
        category = structure.get("name") if isinstance(structure, dict) else None
        kind = " ".join(category.split()) if isinstance(category, str) else ""
        if kind:
            self.names.setdefault((kind, kind), len(self.names))
        name = self.names.setdefault((" ".join(phrase.split()), kind), len(self.names))
        row = self.rows.setdefault(number, len(self.rows))
        for at, polygons in enumerate(things):
            try:
                mask = segmentation(_flat(polygons), self.known[number][:2]).mask
            except DataError as error:  # the thing is there all the same
                self.left_out.add(NO_MASK, f"{where} instance {at}: {error}")
                mask = None
            self.instances.append((row, name, mask.counts if mask is not None else b""))

    def _arrays(self) -> Arrays:
        self.instances.sort(key=lambda instance: instance[0])
        known = [self.known[number] for number in self.rows]
        counts = np.bincount([row for row, _, _ in self.instances], minlength=len(self.rows))
        left_out = self.left_out.rows()
        made: Arrays = {
            "image_id": np.array(list(self.rows), np.int64),
            "coco_id": np.array([coco for _, _, coco in known], np.int64),
            "size": np.array([(height, width) for height, width, _ in known], np.int32).reshape(-1, 2),
            "first": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            "name": np.array([name for _, name, _ in self.instances], np.int32),
            "category": np.array([self.names[kind, kind] if kind else -1 for _, kind in self.names], np.int32),
            "left_out_scenes": np.array([scenes for _, scenes in left_out], np.int64),
        }
        made["counts"], made["counts_at"] = PackedBytes.pack(counts for _, _, counts in self.instances)
        texts: dict[str, Sequence[str]] = {
            "names": [text for text, _ in self.names],
            "left_out": [message for message, _ in left_out],
        }
        for key, column in texts.items():
            made[key], made[f"{key}_at"] = PackedTexts.pack(column)
        return made


def _object(value: object) -> dict[str, object]:
    """Raises DataError."""
    if not isinstance(value, dict):
        raise DataError(f"is {str(value)[:40]!r}; expected an object")
    return value


def _flat(polygons: object) -> list[list[object]]:
    """Polygons as [x, y, x, y, ...], of lists of points. Raises DataError."""
    if not isinstance(polygons, list) or not all(isinstance(polygon, list) for polygon in polygons):
        raise DataError(problem("Polygons", f"{str(polygons)[:40]!r}", "polygons, each a list of points [x, y]"))
    points = [point for polygon in polygons for point in polygon]
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise DataError("Polygons has a point that is not [x, y]")
    return [[x for point in polygon for x in point] for polygon in polygons]
