"""The compact index of a COCO instances JSON: made once, memory-mapped by every worker.

train2017 (118,287 images, 860,001 annotations, 450 MB) shrinks to the run lengths of its masks and a few numbers. Any
source in COCO's format can use it: `index = open_index(path)`, then `index.annotations(image)`. `python
benchmarks/coco_index.py` measures it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.coco_json import SHOWN, Reader, Told
from lavida_gen.annotations.files import inside
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, Texts

VERSION = 2


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of an image.

    category  its place in `CocoIndex.categories`
    crowd     one mask for many of them
    mask      (H, W) of the image; None where the file gives no polygon that could be drawn
    """

    id: int
    category: int
    crowd: bool
    mask: RLE | None


class CocoIndex:
    """Random access to images and annotations, by the image's place in the file.

    categories   (name, supercategory) as Names, in the file's order
    category_id  their ids
    image_id     (images,) int64
    first        (images + 1,) int64: annotations of image i are rows first[i] .. first[i + 1] of `ann_id`
    ann_id       (annotations,) int64
    notes        annotations that lost polygons (or their whole mask), in words
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        self.image_id: NDArray[np.int64] = arrays["image_id"]
        self.first: NDArray[np.int64] = arrays["first"]
        self.ann_id: NDArray[np.int64] = arrays["ann_id"]
        self.ann_category: NDArray[np.int32] = arrays["ann_category"]
        self._ann_crowd, self._counts, self._counts_at = (arrays[x] for x in ("ann_crowd", "counts", "counts_at"))
        self._size, self._licence = arrays["image_size"], arrays["image_licence"]
        self._files = Texts(arrays["files"], arrays["files_at"])
        self._urls = Texts(arrays["urls"], arrays["urls_at"])
        names = Texts(arrays["names"], arrays["names_at"])[:]
        self.categories = [Name(n, n, g) for n, g in zip(names[::2], names[1::2], strict=True)]
        self.category_id: list[int] = arrays["category_id"].tolist()
        self.licences: list[str] = Texts(arrays["licences"], arrays["licences_at"])[:]
        self.notes = Texts(arrays["notes"], arrays["notes_at"])

    def __len__(self) -> int:
        return len(self.image_id)

    def file(self, image: int) -> str:
        """File name as the annotations give it; not checked."""
        return self._files[image]

    def size(self, image: int) -> tuple[int, int]:
        """(H, W)."""
        height, width = self._size[image].tolist()
        return height, width

    def licence(self, image: int) -> str:
        """Name of the photo's licence, "" if the file gives none."""
        return self.licences[int(self._licence[image])]

    def url(self, image: int) -> str:
        """Page of the photo, "" if the file gives none."""
        return self._urls[image]

    def annotations(self, image: int) -> list[Annotation]:
        """The image's annotations, in the order of the file."""
        start, stop = self.first[image : image + 2].tolist()
        height, width = self.size(image)
        ends = self._counts_at[start : stop + 1].tolist()
        data, base = self._counts[ends[0] : ends[-1]].tobytes(), ends[0]
        columns = (self.ann_id, self.ann_category, self._ann_crowd)
        rows = zip(*(column[start:stop].tolist() for column in columns), ends, ends[1:], strict=False)
        return [
            Annotation(ident, category, crowd == 1, RLE(height, width, data[a - base : b - base]) if a < b else None)
            for ident, category, crowd, a, b in rows
        ]

    def kinds(self, image: int) -> list[tuple[int, bool]]:
        """(category, whether it has a mask) of the image's annotations, in the order of the file."""
        start, stop = self.first[image : image + 2].tolist()
        masked = np.diff(self._counts_at[start : stop + 1]) > 0
        return list(zip(self.ann_category[start:stop].tolist(), masked.tolist(), strict=True))

    def where(self, image: int) -> str:
        """Names the image in errors."""
        return f"{self.path}: image id {int(self.image_id[image])}"

    def frame(self, folder: Path, image: int) -> Frame:
        """The photo below `folder`, opened when asked for. Raises DataError if its name leaves the folder."""
        return photo(inside(folder, self.file(image), self.where(image)), self.size(image), self.where(image))

    def missing(self, folder: Path, images: Sequence[int] | None = None) -> Iterator[str]:
        """Photos (of `images`, else all) that are not below `folder`, or whose names leave it.

        Some of them in full, then how many.
        """
        told, asked = Told(SHOWN), range(len(self)) if images is None else images
        for image in asked:
            try:
                path = inside(folder, self.file(image), self.where(image))
                if not path.is_file():
                    told.add(f"{self.where(image)}: no file {path}")
            except DataError as error:
                told.add(str(error))
        yield from told.lines()
        if told.count:
            yield f"{self.path}: {told.count:,} of {len(asked):,} photos are not to be had; fetch them again"


def photo(path: Path, size: tuple[int, int], where: str) -> Frame:
    """An image file of (H, W) = `size`; errors name the annotations that speak of it too."""

    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            got = f"cannot be read ({error.strerror})"
            raise DataError(
                problem(f"{where}: {path}", got, "its photo", "fetch it again, or check `images`")
            ) from error

    return Frame.encoded_by(read, size, str(path))


def open_index(path: Path) -> CocoIndex:
    """The index of an instances JSON, made now if it was not yet. Raises DataError that lists the file's faults."""
    digest = cache.file_digest(path)
    arrays = cache.arrays("coco", VERSION, [digest], lambda: Reader(path).read())
    return CocoIndex(path, arrays, digest)


def place_of(index: CocoIndex) -> dict[int, int]:
    """Image id -> the image's place in the index."""
    return {ident: at for at, ident in enumerate(index.image_id.tolist())}


def image_folder(root: Path, given: Path | None, tried: list[str]) -> Path:
    """Where the photos lie: `given` (below `root` or absolute), else the first of `tried`. Raises DataError."""
    folders = [root / given] if given is not None else [root / name for name in tried]
    for folder in folders:
        if folder.is_dir():
            return folder
    looked = ", ".join(str(folder) for folder in folders)
    raise DataError(
        problem("images", "no folder of photos", f"one of {looked}", "give `images`, relative to root or absolute")
    )
