"""The referring expressions of one split, indexed once: which image, which annotations, which words.

Reads what the refer API publishes (https://github.com/lichengunc/refer: pickles `refs(SPLIT_BY).p`) and gRefCOCO
(https://github.com/henghuiding/gRefCOCO: `grefs(SPLIT_BY).json`, whose expressions may have several targets or none).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations import json_stream, safe_pickle
from lavida_gen.annotations.coco_index import CocoIndex, place_of
from lavida_gen.annotations.coco_json import NOTED, SHOWN, Told, whole
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, Blobs, Texts

VERSION = 1


class ReferIndex:
    """Random access to the images of a split that have expressions.

    image  (scenes,) int64: place of each scene's photo in the CocoIndex, ascending
    names  every distinct (expression, category), as Names
    notes  expressions that were left out, in words
    """

    def __init__(self, arrays: Arrays, coco: CocoIndex, digest: str) -> None:
        self.digest = digest
        self.image: NDArray[np.int64] = arrays["image"]
        self.names = Expressions(Texts(arrays["texts"], arrays["texts_at"]), arrays["text_category"], coco.categories)
        self._first, self._row, self._name = arrays["first"], arrays["link_row"], arrays["link_name"]
        self._absent_first = arrays["absent_first"]
        self._absent = Texts(arrays["absent"], arrays["absent_at"])
        self.notes = Texts(arrays["notes"], arrays["notes_at"])

    def __len__(self) -> int:
        return len(self.image)

    def expressions(self, scene: int) -> dict[int, list[str]]:
        """Expressions of each annotation that has some, by the annotation's place within its image."""
        start, stop = self._first[scene : scene + 2].tolist()
        found: dict[int, list[str]] = {}
        for row, name in zip(self._row[start:stop].tolist(), self._name[start:stop].tolist(), strict=True):
            found.setdefault(row, []).append(self.names.texts[name])
        return found

    def absent(self, scene: int) -> list[str]:
        """Expressions that the data set says have no target in the photo."""
        start, stop = self._absent_first[scene : scene + 2].tolist()
        return self._absent[start:stop]


class Expressions(Sequence[Name]):
    """Names that are made when asked for; the texts stay in the mapped file."""

    def __init__(self, texts: Texts, category: NDArray[np.int32], categories: Sequence[Name]) -> None:
        self.texts, self._category, self._categories = texts, category, categories

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, at: int) -> Name: ...
    @overload
    def __getitem__(self, at: slice) -> list[Name]: ...
    def __getitem__(self, at: int | slice) -> Name | list[Name]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        kind = self._categories[int(self._category[at])]
        return Name(self.texts[at], kind.text, kind.group)


def open_refs(path: Path, coco: CocoIndex, split: str) -> ReferIndex:
    """The index of the refs file at `path` (.p or .json), made now if it was not yet.

    Raises DataError that lists the file's faults, or says which splits there are.
    """
    digest = cache.file_digest(path)
    arrays = cache.arrays("refer", VERSION, [digest, coco.digest, split], lambda: _Reader(path, coco, split).read())
    return ReferIndex(arrays, coco, digest)


def in_split(of_ref: str, wanted: str) -> bool:
    """As the refer API has it: `testAB` belongs to `testA` and `testB`; `test` takes all that begin with it."""
    if wanted in ("testA", "testB", "testC"):
        return of_ref.startswith("test") and wanted[-1] in of_ref[4:]
    return of_ref.startswith("test") if wanted == "test" else of_ref == wanted


@dataclass(slots=True)
class _Reader:
    """One reading of a refs file."""

    path: Path
    coco: CocoIndex
    split: str
    place: dict[int, int] = field(default_factory=dict)  # image id -> place
    row: dict[int, int] = field(default_factory=dict)  # annotation id -> row
    doubled: set[int] = field(default_factory=set)  # annotation ids that stand twice
    names: dict[tuple[str, int], int] = field(default_factory=dict)
    links: list[tuple[int, int, int]] = field(default_factory=list)  # image, row within it, name
    absent: list[tuple[int, str]] = field(default_factory=list)
    images: set[int] = field(default_factory=set)
    splits: dict[str, int] = field(default_factory=dict)
    problems: Told = field(default_factory=lambda: Told(SHOWN))
    notes: Told = field(default_factory=lambda: Told(NOTED))

    def read(self) -> Arrays:
        """The arrays of the index. Raises DataError."""
        self.place = place_of(self.coco)
        for at, ident in enumerate(self.coco.ann_id.tolist()):
            if self.row.setdefault(ident, at) != at:
                self.doubled.add(ident)
        refs: Iterable[Any] = (
            json_stream.elements(self.path) if self.path.suffix == ".json" else safe_pickle.load(self.path, list)
        )
        for number, ref in enumerate(refs):
            try:
                self._ref(f"refs[{number}]", ref)
            except DataError as error:
                ident = f" (ref_id {ref['ref_id']})" if isinstance(ref, dict) and "ref_id" in ref else ""
                self.problems.add(f"refs[{number}]{ident}: {error}")
        if self.problems.count:
            raise DataError(f"{self.path}: " + "\n  ".join(self.problems.lines()))
        if not self.images:
            there = ", ".join(f"{name} ({count:,})" for name, count in self.splits.items()) or "nothing at all"
            raise DataError(problem(self.path, f"has no refs of split {self.split!r}", f"one of its own: {there}"))
        return self._arrays()

    def _ref(self, where: str, ref: Any) -> None:
        if not isinstance(ref, dict) or not isinstance(ref.get("split"), str):
            raise DataError("has no split; expected a ref as the refer API publishes it")
        self.splits[ref["split"]] = self.splits.get(ref["split"], 0) + 1
        if not in_split(ref["split"], self.split):
            return
        ident = whole(ref, "image_id")
        if ident not in self.place:
            raise DataError(f"image_id {ident} is no image of {self.coco.path}")
        image = self.place[ident]
        rows = [self._target(one, image) for one in _targets(ref)]
        self.images.add(image)
        for text in self._texts(where, ref):
            if not rows:
                self.absent.append((image, text))
            for row in rows:
                kind = int(self.coco.ann_category[row])
                if text == self.coco.categories[kind].text:
                    continue  # the region is called so anyway
                name = self.names.setdefault((text, kind), len(self.names))
                self.links.append((image, row - int(self.coco.first[image]), name))

    def _target(self, ident: int, image: int) -> int:
        row = self.row.get(ident)
        if row is None:
            raise DataError(f"ann_id {ident} is no annotation of {self.coco.path}")
        if ident in self.doubled:
            raise DataError(f"ann_id {ident} stands twice in {self.coco.path}; expected one annotation")
        if not self.coco.first[image] <= row < self.coco.first[image + 1]:
            raise DataError(f"ann_id {ident} belongs to another image than image_id {self.coco.image_id[image]}")
        return row

    def _texts(self, where: str, ref: dict[Any, Any]) -> list[str]:
        """Wordings without needless spaces; blank ones are noted and left out."""
        sentences = ref.get("sentences")
        if not isinstance(sentences, list) or not all(isinstance(one, dict) for one in sentences):
            raise DataError("sentences are missing; expected a list of {'sent': ..., 'raw': ...}")
        found = []
        for sentence in sentences:
            text = sentence.get("sent", sentence.get("raw"))
            if not isinstance(text, str):
                raise DataError(f"a sentence is {text!r}; expected its words as text under 'sent'")
            if text.strip():
                found.append(" ".join(text.split()))
            else:
                self.notes.add(f"{where}: a blank expression was left out")
        return found

    def _arrays(self) -> Arrays:
        image = np.array(sorted(self.images), np.int64)
        links = sorted(dict.fromkeys(self.links), key=lambda link: link[0])  # stable: the order of the file
        texts = [text for text, _ in self.names]
        said = {(at, texts[name]) for at, _, name in links}
        absent = [pair for pair in dict.fromkeys(self.absent) if pair not in said]
        for at, text in dict.fromkeys(self.absent):
            if (at, text) in said:
                ident = self.coco.image_id[at]
                self.notes.add(f"image id {ident}: {text!r} is said to have no target, and to have one; taken as there")
        absent.sort(key=lambda pair: pair[0])
        made: Arrays = {
            "image": image,
            "text_category": np.array([category for _, category in self.names], np.int32),
            "first": np.searchsorted([link[0] for link in links], np.append(image, len(self.coco))).astype(np.int64),
            "link_row": np.array([link[1] for link in links], np.int32),
            "link_name": np.array([link[2] for link in links], np.int32),
            "absent_first": np.searchsorted([at for at, _ in absent], np.append(image, len(self.coco))).astype(
                np.int64
            ),
        }
        columns = {"texts": texts, "absent": [text for _, text in absent], "notes": self.notes.lines()}
        for name, column in columns.items():
            made[name], made[f"{name}_at"] = Blobs.pack(text.encode("utf-8", "replace") for text in column)
        return made


def _targets(ref: dict[Any, Any]) -> list[int]:
    """Annotation ids; none if the ref says so (no_target, an empty list, or -1 as gRefCOCO writes it)."""
    idents = ref.get("ann_id")
    listed = idents if isinstance(idents, list) else [idents]
    found = [whole({"ann_id": ident}, "ann_id") for ident in listed]
    if ref.get("no_target") and any(ident >= 0 for ident in found):
        raise DataError(f"is marked no_target but names annotations {found}; expected one or the other")
    return [] if found == [-1] or ref.get("no_target") else list(dict.fromkeys(found))
