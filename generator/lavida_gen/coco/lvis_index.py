"""The compact index of an LVIS v1 JSON: COCO's index, and what LVIS alone states.

LVIS is annotated federatedly: of each photo it lists the categories that people looked for and did not find
(`neg_category_ids`), and those of which not every object has a mask (`not_exhaustive_category_ids`). About all other
categories nothing is known. Each category has a synset of WordNet and its synonyms. Gupta et al., LVIS: A Dataset for
Large Vocabulary Instance Segmentation, CVPR 2019. https://github.com/lvis-dataset/lvis-api
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lavida_gen.coco.coco_index import VERSION as COCO_VERSION
from lavida_gen.coco.coco_index import CocoIndex
from lavida_gen.coco.fields import WholeFileError, identity
from lavida_gen.coco.instances_json import InstancesReader
from lavida_gen.common.errors import DataError
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 2
CATEGORIES = 1203
"""Categories of LVIS v1, with ids from 1; v0.5 has 1,230 with other ids."""
V1_ONLY = "LVIS v1, where ids go up to 1203; LVIS v0.5 has other categories: fetch v1"
NEEDED = ("height", "width", "neg_category_ids")


class LvisIndex(CocoIndex):
    """COCO's index with synsets in `categories`, and synonyms.

    Attributes:
        synonyms: For each category the other words that LVIS gives it.
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        super().__init__(path, arrays, digest)
        synsets = PackedTexts(arrays["synsets"], arrays["synsets_at"])[:]
        names = zip(self.categories, synsets, strict=True)
        self.categories = [replace(name, synset=synset) for name, synset in names]
        lines = PackedTexts(arrays["synonyms"], arrays["synonyms_at"])[:]
        self.synonyms: Sequence[list[str]] = [line.split("\n") if line else [] for line in lines]


def open_index(path: Path) -> LvisIndex:
    """Open the index of an LVIS v1 JSON; the first call makes it.

    Args:
        path: lvis_v1_train.json or lvis_v1_val.json.

    Returns:
        The index.

    Raises:
        DataError: The file is not LVIS v1, or nothing of it can be used; the message lists the problems.
    """
    digest = cache.file_digest(path)
    parts = [digest, str(COCO_VERSION)]
    return LvisIndex(path, cache.cached_arrays("lvis", VERSION, parts, lambda: _LvisReader(path).read()), digest)


@dataclass(slots=True)
class _LvisReader(InstancesReader):
    """Reads the members that LVIS adds to COCO's format, too."""

    synsets: list[str] = field(default_factory=list)
    synonyms: list[str] = field(default_factory=list)

    def _image(self, value: dict[str, object]) -> None:
        try:
            _check_image(value)
            photo = _photo(value)
        except DataError:
            self.lost_images.add(identity(value, "id"))
            raise
        InstancesReader._image(self, {**value, "file_name": photo})

    def _category(self, value: dict[str, object]) -> None:
        ident, synset, synonyms = value.get("id"), value.get("synset"), value.get("synonyms") or []
        if isinstance(ident, int) and ident > CATEGORIES:
            raise WholeFileError(f"expected {V1_ONLY}")
        if not isinstance(synset, str) or not isinstance(synonyms, list):
            raise WholeFileError(f"synset is {synset!r}; expected LVIS v1, whose categories have synset and synonyms")
        InstancesReader._category(self, value)
        if len(self.categories) == len(self.synsets):
            return  # listed twice
        self.synsets.append(synset)
        self.synonyms.append("\n".join(word for word in map(str, synonyms) if word != value.get("name")))

    def _arrays(self) -> Arrays:
        made = InstancesReader._arrays(self)
        for name, texts in (("synsets", self.synsets), ("synonyms", self.synonyms)):
            made[name], made[f"{name}_at"] = PackedTexts.pack(texts)
        return made


def _check_image(image: dict[str, object]) -> None:
    """Raises DataError if an image is not stated as LVIS v1 does."""
    for key in NEEDED:
        if image.get(key) is None:
            raise DataError(f"has no {key!r}; expected an image of LVIS v1; other data: source `coco` or `coco_json`")
    for key in ("neg_category_ids", "not_exhaustive_category_ids"):
        ids = image.get(key, [])
        if not isinstance(ids, list) or not all(type(ident) is int for ident in ids):
            raise DataError(f"{key} is {str(ids)[:40]!r}; expected a list of category ids, as in LVIS v1")


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
