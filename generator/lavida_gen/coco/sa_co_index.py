"""The compact index of an SA-Co Gold or Silver JSON: COCO's index, whose images are pairs of a picture and a phrase.

A picture has as many entries in `images` as people were asked phrases about it (`text_input`). A pair with annotations
is present in the picture; one without is not. https://github.com/facebookresearch/sam3 scripts/eval/gold
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lavida_gen.coco.coco_index import VERSION as COCO_VERSION
from lavida_gen.coco.coco_index import CocoIndex
from lavida_gen.coco.fields import Ident, identity
from lavida_gen.coco.instances_json import InstancesReader
from lavida_gen.common.errors import DataError
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 1


class PhraseIndex:
    """Pictures with their pairs; pictures are numbered in the order in which the file first names them.

    Attributes:
        pairs: The pairs, as images of a COCO file.
        phrases: The phrase of each pair.
    """

    def __init__(self, pairs: CocoIndex, arrays: Arrays) -> None:
        self.pairs = pairs
        self.phrases: Sequence[str] = PackedTexts(arrays["phrases"], arrays["phrases_at"])
        self._complete: NDArray[np.uint8] = arrays["complete"]
        self._present: NDArray[np.uint8] = arrays["present"]
        self._rows: NDArray[np.int64] = arrays["rows"]
        self._first: NDArray[np.int64] = arrays["pictures_at"]

    def __len__(self) -> int:
        return len(self._first) - 1

    def rows(self, picture: int) -> list[int]:
        """The pairs of a picture, in the order of the file."""
        start, stop = self._first[picture : picture + 2].tolist()
        rows: list[int] = self._rows[start:stop].tolist()
        return rows

    def first(self, picture: int) -> int:
        """The first pair of a picture."""
        return int(self._rows[int(self._first[picture])])

    def is_complete(self, pair: int) -> bool:
        """Whether the masks of a pair cover all that its phrase is true of."""
        return bool(self._complete[pair])

    def is_present(self, pair: int) -> bool:
        """Whether the file has annotations of a pair, usable or not."""
        return bool(self._present[pair])


def open_index(path: Path) -> PhraseIndex:
    """Open the index of an SA-Co Gold or Silver JSON; the first call makes it.

    Args:
        path: The JSON.

    Returns:
        The index.

    Raises:
        DataError: The file has problems, or is not of SA-Co; the message lists them.
    """
    digest = cache.file_digest(path)
    parts = [digest, str(COCO_VERSION)]
    arrays = cache.cached_arrays("sa_co", VERSION, parts, lambda: _PairReader(path).read())
    return PhraseIndex(CocoIndex(path, arrays, digest), arrays)


@dataclass(slots=True)
class _PairReader(InstancesReader):
    """Reads the members that SA-Co adds to COCO's format, too. An entry is a pair, so that files come again."""

    merges_files: ClassVar[bool] = False

    phrases: list[str] = field(default_factory=list)
    complete: list[bool] = field(default_factory=list)
    pictures: dict[str, int] = field(default_factory=dict)
    picture_sizes: list[tuple[object, object]] = field(default_factory=list)
    picture_of: list[int] = field(default_factory=list)
    annotated: set[Ident] = field(default_factory=set)

    def _image(self, value: dict[str, object]) -> None:
        phrase, file, size = value.get("text_input"), value.get("file_name"), (value.get("height"), value.get("width"))
        if not isinstance(phrase, str) or not phrase.strip():
            expected = "a noun phrase, as in SA-Co Gold and Silver; other data: source `coco_json`"
            raise DataError(f"text_input is {phrase!r}; expected {expected}")
        flags = [value.get(key) for key in ("is_instance_exhaustive", "is_pixel_exhaustive")]
        if flags == [None, None]:
            raise DataError("has neither is_instance_exhaustive nor is_pixel_exhaustive; expected one of them")
        known = self.pictures.get(str(file))
        if known is not None and self.picture_sizes[known] != size:
            raise DataError(
                f"height, width are {size}; expected {self.picture_sizes[known]}, as for other phrases of {file}"
            )
        before = len(self.images)
        InstancesReader._image(self, value)
        if len(self.images) == before:  # listed twice
            return
        self.picture_of.append(self.pictures.setdefault(str(file), len(self.pictures)))
        if known is None:
            self.picture_sizes.append(size)
        self.phrases.append(" ".join(phrase.split()))
        self.complete.append(any(flag in (1, True) for flag in flags))

    def _annotation(self, where: str, value: dict[str, object]) -> None:
        if "image_id" in value:
            self.annotated.add(identity(value, "image_id"))
        InstancesReader._annotation(self, where, value)

    def _arrays(self) -> Arrays:
        annotated = set(self.annotations.image)
        present = [row in annotated or image.id in self.annotated for row, image in enumerate(self.images)]
        made = InstancesReader._arrays(self)
        made["present"] = np.array(present, np.uint8)
        picture_of = np.array(self.picture_of, np.int64)
        made["complete"] = np.array(self.complete, np.uint8)
        made["rows"] = np.argsort(picture_of, kind="stable").astype(np.int64)
        counts = np.bincount(picture_of, minlength=len(self.pictures))
        made["pictures_at"] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        made["phrases"], made["phrases_at"] = PackedTexts.pack(self.phrases)
        return made
