"""The referring expressions of one split, indexed once: which image, which annotations, which text.

Reads what the refer API publishes (https://github.com/lichengunc/refer: pickles `refs(SPLIT_BY).p`) and gRefCOCO
(https://github.com/henghuiding/gRefCOCO: `grefs(SPLIT_BY).json`, whose expressions may have several targets or none).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations import contained_pickle
from lavida_gen.annotations.problem_list import MAX_NOTES, LeftOut, ProblemList
from lavida_gen.coco.coco_index import CocoIndex, image_numbers
from lavida_gen.coco.fields import integer
from lavida_gen.coco.instances_json import NO_ID
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.large_json import json_stream
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 2


class ReferIndex:
    """Random access to the images of a split that have expressions. Scenes are numbered 0..len-1.

    Attributes:
        path: The refs file.
        digest: SHA-256 of that file.
        image: (scenes,) int64: number of each scene's image in the CocoIndex, ascending.
        names: Every distinct (expression, category), as Names.
        notes: Messages about expressions that were left out.
    """

    def __init__(self, path: Path, arrays: Arrays, coco: CocoIndex, digest: str) -> None:
        self.path, self.digest = path, digest
        self.image: NDArray[np.int64] = arrays["image"]
        self.names = Expressions(
            PackedTexts(arrays["texts"], arrays["texts_at"]), arrays["text_category"], coco.categories
        )
        self._first, self._row, self._name = arrays["first"], arrays["link_row"], arrays["link_name"]
        self._absent_first = arrays["absent_first"]
        self._absent = PackedTexts(arrays["absent"], arrays["absent_at"])
        self._doubtful_first = arrays["doubtful_first"]
        self._doubtful = PackedTexts(arrays["doubtful"], arrays["doubtful_at"])
        self.notes = PackedTexts(arrays["notes"], arrays["notes_at"])
        self._left_out = PackedTexts(arrays["left_out"], arrays["left_out_at"]), arrays["left_out_scenes"]

    def __len__(self) -> int:
        return len(self.image)

    def expressions(self, scene: int) -> dict[int, list[str]]:
        """The expressions of a scene by annotation: the annotation's number within its image -> expressions."""
        start, stop = self._first[scene : scene + 2].tolist()
        expressions: dict[int, list[str]] = {}
        for row, name in zip(self._row[start:stop].tolist(), self._name[start:stop].tolist(), strict=True):
            expressions.setdefault(row, []).append(self.names.texts[name])
        return expressions

    def absent(self, scene: int) -> list[str]:
        """Expressions that have no target in the image, according to the data set."""
        start, stop = self._absent_first[scene : scene + 2].tolist()
        return self._absent[start:stop]

    def doubtful(self, scene: int) -> list[str]:
        """Expressions of refs that were left out: they may be true of something in the image."""
        start, stop = self._doubtful_first[scene : scene + 2].tolist()
        return self._doubtful[start:stop]

    def left_out(self) -> Iterator[Finding]:
        """Refs that cannot be used."""
        texts, scenes = self._left_out
        for text, count in zip(texts, scenes.tolist(), strict=True):
            yield Finding("dropped", f"{self.path}: {text}", count)


class Expressions(Sequence[Name]):
    """Names that are made when they are asked for; the texts stay in the memory-mapped file."""

    def __init__(self, texts: PackedTexts, category: NDArray[np.int32], categories: Sequence[Name]) -> None:
        self.texts, self._category, self._categories = texts, category, categories

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> Name: ...
    @overload
    def __getitem__(self, index: slice) -> list[Name]: ...
    def __getitem__(self, index: int | slice) -> Name | list[Name]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        category = self._categories[int(self._category[index])]
        return Name(self.texts[index], category.text, category.group)


def open_refs(path: Path, coco: CocoIndex, split: str) -> ReferIndex:
    """Open the index of a refs file; the first call makes it.

    Args:
        path: The refs file, .p or .json.
        coco: Index of the instances that the refs point to.
        split: Name of the split.

    Returns:
        The index.

    Raises:
        DataError: No ref can be used, and the message lists the problems; or there is no such split, and the message
            lists the splits.
    """
    digest = cache.file_digest(path)
    arrays = cache.cached_arrays(
        "refer", VERSION, [digest, coco.digest, split], lambda: _RefsReader(path, coco, split).read()
    )
    return ReferIndex(path, arrays, coco, digest)


def in_split(ref_split: str, split: str) -> bool:
    """Whether a ref belongs to a split, as the refer API defines it.

    Args:
        ref_split: The ref's own split; `testAB` belongs to `testA` and to `testB`.
        split: The split asked for; `test` takes every ref whose split starts with it.

    Returns:
        Whether the ref belongs to the split.
    """
    if split in ("testA", "testB", "testC"):
        return ref_split.startswith("test") and split[-1] in ref_split[4:]
    return ref_split.startswith("test") if split == "test" else ref_split == split


class _Link(NamedTuple):
    """An expression of an annotation: number of the image, row of the annotation within it, number of the name."""

    image: int
    row: int
    name: int


@dataclass(slots=True)
class _RefsReader:
    """Reads one refs file; call `read` once."""

    path: Path
    coco: CocoIndex
    split: str
    image_numbers: dict[int, int] = field(default_factory=dict)  # image id -> number
    annotation_rows: dict[int, int] = field(default_factory=dict)  # annotation id -> row
    repeated: set[int] = field(default_factory=set)  # annotation ids that are used twice
    names: dict[tuple[str, int], int] = field(default_factory=dict)
    links: list[_Link] = field(default_factory=list)
    absent: list[tuple[int, str]] = field(default_factory=list)  # number of the image, expression
    images: set[int] = field(default_factory=set)
    splits: dict[str, int] = field(default_factory=dict)
    doubtful: list[tuple[int, str]] = field(default_factory=list)  # number of the image, expression
    left_out: LeftOut = field(default_factory=LeftOut)
    notes: ProblemList = field(default_factory=lambda: ProblemList(MAX_NOTES))

    def read(self) -> Arrays:
        """The arrays of the index. Raises DataError."""
        self.image_numbers = image_numbers(self.coco)
        for row, ident in enumerate(self.coco.ann_id.tolist()):
            if ident != NO_ID and self.annotation_rows.setdefault(ident, row) != row:
                self.repeated.add(ident)
        refs: Iterable[object] = (
            json_stream.elements(self.path) if self.path.suffix == ".json" else contained_pickle.load(self.path, list)
        )
        for number, ref in enumerate(refs):
            try:
                self._ref(f"refs[{number}]", ref)
            except DataError as error:
                ident = f" (ref_id {ref['ref_id']})" if isinstance(ref, dict) and "ref_id" in ref else ""
                self.left_out.add("refs that cannot be used", f"refs[{number}]{ident}: {error}")
                self._keep_doubtful(ref)
        for image in dict.fromkeys(image for image, _ in self.doubtful if image not in self.images):
            text = f"image id {self.coco.image_id[image]}: none of its refs can be used"
            self.left_out.add("images none of whose refs can be used", text, 1)
        if not self.images:
            self.left_out.raise_all(self.path)
            available = ", ".join(f"{name} ({count:,})" for name, count in self.splits.items()) or "none"
            expected = f"one of its splits: {available}"
            raise DataError(problem(self.path, f"has no refs of split {self.split!r}", expected))
        return self._arrays()

    def _ref(self, where: str, ref: object) -> None:
        if not isinstance(ref, dict) or not isinstance(ref.get("split"), str):
            raise DataError("has no split; expected a ref as the refer API publishes it")
        self.splits[ref["split"]] = self.splits.get(ref["split"], 0) + 1
        if not in_split(ref["split"], self.split):
            return
        ident = integer(ref, "image_id")
        if ident not in self.image_numbers:
            raise DataError(f"image_id {ident} is not an image of {self.coco.path}")
        image = self.image_numbers[ident]
        rows = [self._target_row(target, image) for target in _targets(ref)]
        texts = self._expressions(where, ref)
        self.images.add(image)
        for text in texts:
            if not rows:
                self.absent.append((image, text))
            for row in rows:
                category = int(self.coco.ann_category[row])
                if text == self.coco.categories[category].text:
                    continue  # the category is a name of the region anyway
                name = self.names.setdefault((text, category), len(self.names))
                self.links.append(_Link(image, row - int(self.coco.first[image]), name))

    def _keep_doubtful(self, ref: object) -> None:
        """Keep the expressions of a ref that is left out: they are not absent from its image."""
        try:
            if isinstance(ref, dict):
                image = self.image_numbers.get(integer(ref, "image_id"))
                if image is not None:
                    self.doubtful += [(image, text) for text in self._expressions("", ref)]
        except DataError:
            pass  # it has no image or no expressions

    def _target_row(self, ident: int, image: int) -> int:
        row = self.annotation_rows.get(ident)
        if row is None:
            raise DataError(f"ann_id {ident} is not an annotation of {self.coco.path}")
        if ident in self.repeated:
            raise DataError(f"ann_id {ident} is used twice in {self.coco.path}; expected one annotation")
        if not self.coco.first[image] <= row < self.coco.first[image + 1]:
            raise DataError(f"ann_id {ident} belongs to another image than image_id {self.coco.image_id[image]}")
        return row

    def _expressions(self, where: str, ref: dict[str, object]) -> list[str]:
        """The texts of a ref, with single spaces; blank ones are noted and left out."""
        sentences = ref.get("sentences")
        if not isinstance(sentences, list) or not all(isinstance(sentence, dict) for sentence in sentences):
            raise DataError("sentences are missing; expected a list of {'sent': ..., 'raw': ...}")
        texts = []
        for sentence in sentences:
            text = sentence.get("sent", sentence.get("raw"))
            if not isinstance(text, str):
                raise DataError(f"a sentence is {text!r}; expected its text under 'sent'")
            if text.strip():
                texts.append(" ".join(text.split()))
            else:
                self.notes.add(f"{where}: a blank expression was left out")
        return texts

    def _arrays(self) -> Arrays:
        image = np.array(sorted(self.images), np.int64)
        links = sorted(dict.fromkeys(self.links), key=lambda link: link.image)  # stable: keeps the order of the file
        texts = [text for text, _ in self.names]
        absent = self._verified_absent({(link.image, texts[link.name]) for link in links})
        doubtful = sorted(pair for pair in set(self.doubtful) if pair[0] in self.images)
        left_out = self.left_out.rows()
        bounds = np.append(image, len(self.coco))
        made: Arrays = {
            "image": image,
            "text_category": np.array([category for _, category in self.names], np.int32),
            "first": np.searchsorted([link.image for link in links], bounds).astype(np.int64),
            "link_row": np.array([link.row for link in links], np.int32),
            "link_name": np.array([link.name for link in links], np.int32),
            "absent_first": np.searchsorted([number for number, _ in absent], bounds).astype(np.int64),
            "doubtful_first": np.searchsorted([number for number, _ in doubtful], bounds).astype(np.int64),
            "left_out_scenes": np.array([scenes for _, scenes in left_out], np.int64),
        }
        columns = {
            "texts": texts,
            "absent": [text for _, text in absent],
            "doubtful": [text for _, text in doubtful],
            "left_out": [text for text, _ in left_out],
            "notes": self.notes.lines(),
        }
        for name, column in columns.items():
            made[name], made[f"{name}_at"] = PackedTexts.pack(column)
        return made

    def _verified_absent(self, present: set[tuple[int, str]]) -> list[tuple[int, str]]:
        """(image, expression) without a target, by image. One that also has a target is noted and left out."""
        absent = []
        for image, text in dict.fromkeys(self.absent):
            if (image, text) in present:
                ident = self.coco.image_id[image]
                self.notes.add(
                    f"image id {ident}: {text!r} is annotated both with and without a target; treated as present"
                )
            else:
                absent.append((image, text))
        return sorted(absent, key=lambda pair: pair[0])


def _targets(ref: dict[str, object]) -> list[int]:
    """Annotation ids; none if the ref has no target (no_target, an empty list, or -1 as gRefCOCO writes it)."""
    value = ref.get("ann_id")
    listed = value if isinstance(value, list) else [value]
    idents = [integer({"ann_id": ident}, "ann_id") for ident in listed]
    if ref.get("no_target"):
        if any(ident >= 0 for ident in idents):
            raise DataError(f"is marked no_target but names annotations {idents}; expected one or the other")
        return []
    return [] if idents == [-1] else list(dict.fromkeys(idents))
