"""Referring expressions over COCO annotations, read once into arrays that every worker memory-maps.

Two layouts: the refer API's pickles (`refs(unc).p`: a list of refs, each one annotation with several sentences), and
gRefCOCO's JSON (`grefs(unc).json`: several annotations per sentence, or none: a no-target expression).
https://github.com/lichengunc/refer, https://github.com/henghuiding/gRefCOCO
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from lavida_gen import cache, safe_pickle
from lavida_gen.cache import Arrays, Blobs, Texts
from lavida_gen.coco_index import CocoIndex, place_of
from lavida_gen.errors import DataError, fault
from lavida_gen.scene import Name

VERSION = 1


class Said(NamedTuple):
    """An expression of an image and the annotation ids that it names; none: nothing in the image is meant."""

    text: str
    annotations: tuple[int, ...]


class Refs:
    """The images of a split that have expressions, in ascending order of their place in the instances file."""

    def __init__(self, arrays: Arrays, index: CocoIndex, digest: str) -> None:
        self.digest = digest
        self.images = arrays["images"]
        self._first, self._targets, self._target_at = arrays["first"], arrays["targets"], arrays["target_at"]
        self._texts = Texts(arrays["texts"], arrays["texts_at"])
        self.vocabulary = Expressions(arrays, index)

    def said(self, number: int) -> Iterator[Said]:
        """Expressions of image `number` of this split."""
        for at in range(int(self._first[number]), int(self._first[number + 1])):
            ids = self._targets[self._target_at[at] : self._target_at[at + 1]].tolist()
            yield Said(self._texts[at], tuple(ids))


class Expressions(Sequence[Name]):
    """Distinct (expression, category) pairs of a split, as names; nothing is held in memory but offsets."""

    def __init__(self, arrays: Arrays, index: CocoIndex) -> None:
        self._texts = Texts(arrays["names"], arrays["names_at"])
        self._category, self._categories = arrays["name_category"], index.categories

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, at: int) -> Name: ...
    @overload
    def __getitem__(self, at: slice) -> list[Name]: ...
    def __getitem__(self, at: int | slice) -> Name | list[Name]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        category = self._categories[int(self._category[at])]
        return Name(self._texts[at], category.text, category.group)


def open_refs(path: Path, split: str, index: CocoIndex) -> Refs:
    """The refs of a split. Raises DataError for a broken file, or a split that it does not have."""
    digest = cache.file_digest(path)
    arrays = cache.arrays("refs", VERSION, [digest, index.digest, split], lambda: _make(path, split, index))
    return Refs(arrays, index, digest)


@dataclass(slots=True)
class _Rows:
    texts: list[str] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    targets: list[tuple[int, ...]] = field(default_factory=list)


def _make(path: Path, split: str, index: CocoIndex) -> Arrays:
    place, rows, splits = place_of(index), _Rows(), dict[str, int]()
    for number, ref in enumerate(_read(path)):
        where = f"{path}: ref {number}"
        try:
            image, own, sentences = ref["image_id"], str(ref["split"]), ref["sentences"]
            # the refer API gives one annotation, gRefCOCO a list; -1 or an empty list means: nothing is meant
            given = ref["ann_id"] if isinstance(ref["ann_id"], list | tuple) else [ref["ann_id"]]
            ids = tuple(int(one) for one in given if int(one) >= 0)
            texts = [str(sentence["sent"]).strip() for sentence in sentences]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                fault(where, f"is odd ({error!r})", "image_id, ann_id, split and sentences with sent")
            ) from error
        splits[own] = splits.get(own, 0) + 1
        if own != split:
            continue
        if image not in place:
            raise DataError(fault(where, f"image_id {image} is no image of {index.path}"))
        for text in texts:
            if text:
                rows.texts.append(text)
                rows.images.append(place[image])
                rows.targets.append(ids)
    if not rows.texts:
        known = ", ".join(f"{name} ({count})" for name, count in sorted(splits.items()))
        raise DataError(fault(path, f"has no ref of split {split!r}", known or "refs"))
    return _arrays(path, rows, index)


def _read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".json":
        try:
            plain = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(fault(path, f"is no whole JSON ({error})", "gRefCOCO's list of refs")) from error
    else:
        plain = safe_pickle.load(path)
    if not isinstance(plain, list) or not all(isinstance(ref, dict) for ref in plain):
        raise DataError(fault(path, f"holds a {type(plain).__name__}", "a list of refs, each a mapping"))
    return plain


def _arrays(path: Path, rows: _Rows, index: CocoIndex) -> Arrays:
    order = sorted(range(len(rows.texts)), key=lambda at: rows.images[at])
    images, counts = np.unique([rows.images[at] for at in order], return_counts=True)
    categories = {a.id: a.category for image in images.tolist() for a in index.annotations(image)}
    names: dict[tuple[str, int], None] = {}
    for at in order:
        for ident in rows.targets[at]:
            if ident not in categories:
                raise DataError(
                    fault(path, f"{rows.texts[at]!r} names annotation {ident}", f"an annotation of {index.path}")
                )
            names[rows.texts[at], categories[ident]] = None
    made: Arrays = {
        "images": images.astype(np.int64),
        "first": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "targets": np.array([ident for at in order for ident in rows.targets[at]], np.int64),
        "target_at": np.concatenate([[0], np.cumsum([len(rows.targets[at]) for at in order])]).astype(np.int64),
        "name_category": np.array([category for _, category in names], np.int32),
    }
    made["texts"], made["texts_at"] = Blobs.pack(rows.texts[at].encode() for at in order)
    made["names"], made["names_at"] = Blobs.pack(text.encode() for text, _ in names)
    return made
