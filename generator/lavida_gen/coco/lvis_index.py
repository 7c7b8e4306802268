"""The compact index of an LVIS v1 JSON: COCO's index, and what LVIS alone states.

LVIS is annotated federatedly: of each photo it lists the categories that people looked for and did not find
(`neg_category_ids`), and those of which not every object has a mask (`not_exhaustive_category_ids`). About all other
categories nothing is known. Each category has a synset of WordNet and its synonyms. Gupta et al., LVIS: A Dataset for
Large Vocabulary Instance Segmentation, CVPR 2019. https://github.com/lvis-dataset/lvis-api
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_gen.coco.coco_index import VERSION as COCO_VERSION
from lavida_gen.coco.coco_index import CocoIndex
from lavida_gen.coco.instances_json import InstancesReader
from lavida_gen.common.errors import DataError
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedBytes, PackedTexts

VERSION = 1
CATEGORIES = 1203
"""Categories of LVIS v1, with ids from 1; v0.5 has 1,230 with other ids."""
V1_ONLY = "LVIS v1, where ids go up to 1203; LVIS v0.5 has other categories: fetch v1"


class LvisIndex:
    """Random access to what an LVIS v1 file states; images are numbered as in `photos`.

    Attributes:
        photos: The images and annotations.
        categories: The categories as Names with their synsets, in the order of the file.
        synonyms: For each category the other words that LVIS gives it.
    """

    def __init__(self, photos: CocoIndex, arrays: Arrays) -> None:
        self.photos = photos
        synsets = PackedTexts(arrays["synsets"], arrays["synsets_at"])[:]
        self.categories: Sequence[Name] = [
            replace(name, synset=synset) for name, synset in zip(photos.categories, synsets, strict=True)
        ]
        self.synonyms = [
            text.split("\n") if text else [] for text in PackedTexts(arrays["synonyms"], arrays["synonyms_at"])[:]
        ]
        self._negative = arrays["negative"], arrays["negative_at"]
        self._incomplete = arrays["incomplete"], arrays["incomplete_at"]

    def negative(self, image: int) -> list[int]:
        """Categories (indices into `categories`) that people looked for in an image and did not find."""
        return _slice(self._negative, image)

    def incomplete(self, image: int) -> list[int]:
        """Categories (indices into `categories`) of which not every object in an image has a mask."""
        return _slice(self._incomplete, image)


def _slice(rows: tuple[NDArray[np.int64], NDArray[np.int64]], image: int) -> list[int]:
    start, stop = rows[1][image : image + 2].tolist()
    found: list[int] = rows[0][start:stop].tolist()
    return found


def open_index(path: Path) -> LvisIndex:
    """Open the index of an LVIS v1 JSON; the first call makes it.

    Args:
        path: lvis_v1_train.json or lvis_v1_val.json.

    Returns:
        The index.

    Raises:
        DataError: The file has problems, or is not LVIS v1; the message lists them.
    """
    digest = cache.file_digest(path)
    parts = [digest, str(COCO_VERSION)]
    arrays = cache.cached_arrays("lvis", VERSION, parts, lambda: _LvisReader(path).read())
    return LvisIndex(CocoIndex(path, arrays, digest), arrays)


@dataclass(slots=True)
class _Lists:
    """Lists of category ids, one for each image."""

    ids: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q", [0]))

    def add(self, ids: Sequence[int]) -> None:
        self.ids.extend(ids)
        self.ends.append(len(self.ids))


@dataclass(slots=True)
class _LvisReader(InstancesReader):
    """Reads the members that LVIS adds to COCO's format, too."""

    negative: _Lists = field(default_factory=_Lists)
    incomplete: _Lists = field(default_factory=_Lists)
    synsets: list[str] = field(default_factory=list)
    synonyms: list[str] = field(default_factory=list)

    def _image(self, value: dict[str, object]) -> None:
        negative, incomplete = _category_ids(value, "neg_category_ids"), []
        if "not_exhaustive_category_ids" in value:
            incomplete = _category_ids(value, "not_exhaustive_category_ids")
        InstancesReader._image(self, {**value, "file_name": _photo(value)})
        self.negative.add(negative)
        self.incomplete.add(incomplete)

    def _category(self, value: dict[str, object]) -> None:
        ident, synset, synonyms = value.get("id"), value.get("synset"), value.get("synonyms") or []
        if isinstance(ident, int) and ident > CATEGORIES:
            raise DataError(f"expected {V1_ONLY}")
        if not isinstance(synset, str) or not isinstance(synonyms, list):
            raise DataError(f"synset is {synset!r}; expected LVIS v1, whose categories have synset and synonyms")
        InstancesReader._category(self, value)
        self.synsets.append(synset)
        self.synonyms.append("\n".join(word for word in map(str, synonyms) if word != value.get("name")))

    def _arrays(self) -> Arrays:
        self._note_contradictions()
        made = InstancesReader._arrays(self)
        row_of = {ident: row for row, ident in enumerate(self.categories)}
        for name, lists in (("negative", self.negative), ("incomplete", self.incomplete)):
            unknown = next((ident for ident in lists.ids if ident not in row_of), None)
            if unknown is not None:
                image = int(np.searchsorted(np.array(lists.ends), lists.ids.index(unknown), "right")) - 1
                key = "neg_category_ids" if name == "negative" else "not_exhaustive_category_ids"
                got = f"{key} of image id {self.images[image].id} has {unknown}, which is not a category of this file"
                raise DataError(f"{self.path}: {got}; expected {V1_ONLY}")
            made[name] = np.array([row_of[ident] for ident in lists.ids], np.int64)
            made[f"{name}_at"] = np.array(lists.ends, np.int64)
        for name, texts in (("synsets", self.synsets), ("synonyms", self.synonyms)):
            made[name], made[f"{name}_at"] = PackedBytes.pack(text.encode("utf-8", "replace") for text in texts)
        return made

    def _note_contradictions(self) -> None:
        """Categories that an image lists as absent although it has annotations of them: they count as present."""
        images = np.repeat(np.arange(len(self.images)), np.diff(np.array(self.negative.ends)))
        listed = images * (CATEGORIES + 1) + np.array(self.negative.ids, np.int64)
        drawn = np.array(self.annotations.image, np.int64) * (CATEGORIES + 1) + self.annotations.category
        for pair in np.intersect1d(listed, drawn).tolist():
            image, ident = self.images[pair // (CATEGORIES + 1)], pair % (CATEGORIES + 1)
            got = f"neg_category_ids has {ident}, of which there is an annotation"
            self.notes.add(f"image id {image.id}: {got}; it counts as present")


def _category_ids(image: dict[str, object], key: str) -> list[int]:
    """A list of category ids of an image. Raises DataError."""
    ids = image.get(key)
    if not isinstance(ids, list) or not all(type(ident) is int for ident in ids):
        got = f"{key} is {str(ids)[:40]!r}" if key in image else f"has no {key!r}"
        raise DataError(f"{got}; expected a list of category ids, as in LVIS v1; other data: source `coco`")
    return ids


def _photo(image: dict[str, object]) -> str:
    """The photo below the folder of COCO's photos: the last two parts of its address. Raises DataError."""
    file, url = image.get("file_name"), image.get("coco_url")
    if isinstance(file, str) and file.startswith("COCO_"):
        raise DataError(f"file_name is {file!r}, as in LVIS v0.5; expected {V1_ONLY}")
    parts = url.split("/")[-2:] if isinstance(url, str) else []
    if len(parts) < 2 or not all(parts):
        raise DataError(f"coco_url is {url!r}; expected an address that ends with FOLDER/FILE, such as {_EXAMPLE}")
    return "/".join(parts)


_EXAMPLE = "http://images.cocodataset.org/train2017/000000391895.jpg"
