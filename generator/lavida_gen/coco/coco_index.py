"""The compact index of a COCO instances JSON: made once, memory-mapped by every worker.

train2017 (118,287 images, 860,001 annotations, 450 MB) shrinks to the run lengths of its masks and a few numbers. Any
source in COCO's format can use it: `index = open_index(path)`, then `index.annotations(image)`. `python
benchmarks/coco_index.py` measures it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations.problem_list import LeftOut
from lavida_gen.coco.fields import CROWD, IGNORE
from lavida_gen.coco.instances_json import InstancesReader
from lavida_gen.coco.photo_files import PhotoFiles
from lavida_gen.common import digests
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.images import Exif, Frame
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 5


class Annotation(NamedTuple):
    """One annotation of an image.

    Attributes:
        id: Its id in the file, -1 if it has no number.
        category: Index into `CocoIndex.categories`.
        crowd: Whether one mask covers many objects.
        mask: (H, W) of the image; None where the file has no mask that could be drawn.
        ignore: Whether the file marks it to be ignored by evaluations.
    """

    id: int
    category: int
    crowd: bool
    mask: RLE | None
    ignore: bool = False


class CocoIndex:
    """Random access to images and annotations. Images are numbered 0..len-1, in the order of the file.

    Attributes:
        path: The instances JSON.
        digest: SHA-256 of that file.
        categories: (name, supercategory) as Names, in the file's order.
        category_id: Their ids.
        image_id: (images,) int64; -1 for ids that are texts, which `ident` gives.
        first: (images + 1,) int64: the annotations of image i are rows first[i] .. first[i + 1] of `ann_id`.
        ann_id: (annotations,) int64.
        ann_category: (annotations,) int32, indices into `categories`.
        licences: Names of the image licences.
        notes: Messages about annotations that lost polygons or their whole mask, and other harmless oddities.
        unsized: Files of images whose entry has no size, and which are left out unless their sizes are given.
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        self.image_id: NDArray[np.int64] = arrays["image_id"]
        self.first: NDArray[np.int64] = arrays["first"]
        self.ann_id: NDArray[np.int64] = arrays["ann_id"]
        self.ann_category: NDArray[np.int32] = arrays["ann_category"]
        self._ann_flags = arrays["ann_flags"]
        self._counts, self._count_ends = arrays["counts"], arrays["counts_at"]
        self._size, self._licence = arrays["image_size"], arrays["image_licence"]
        self._files = PackedTexts(arrays["files"], arrays["files_at"])
        self._urls = PackedTexts(arrays["urls"], arrays["urls_at"])
        names = PackedTexts(arrays["names"], arrays["names_at"])[:]
        self.categories = [Name(n, n, g) for n, g in zip(names[::2], names[1::2], strict=True)]
        self.category_id: list[int] = arrays["category_id"].tolist()
        self.licences: list[str] = PackedTexts(arrays["licences"], arrays["licences_at"])[:]
        self.notes = PackedTexts(arrays["notes"], arrays["notes_at"])
        self._idents, self.unsized, self._left_out = (
            PackedTexts(arrays[name], arrays[f"{name}_at"]) if name in arrays else []
            for name in ("image_ids", "unsized", "left_out")
        )
        self._left_out_scenes: NDArray[np.int64] = arrays.get("left_out_scenes", np.zeros(0, np.int64))
        self._absent: NDArray[np.int64] = arrays.get("absent", np.zeros((0, 2), np.int64))
        self._folders: dict[Path, PhotoFiles] = {}

    def __len__(self) -> int:
        return len(self.image_id)

    def ident(self, image: int) -> str:
        """The id of an image as text; ids of at most 12 digits have exactly 12, so that they sort as numbers."""
        return self._idents[image] if self._idents else f"{int(self.image_id[image]):012d}"

    def file(self, image: int) -> str:
        """The file name in the annotations; not checked."""
        return self._files[image]

    def size(self, image: int) -> tuple[int, int]:
        """(H, W) in pixels."""
        height, width = self._size[image].tolist()
        return height, width

    def licence(self, image: int) -> str:
        """Name of the image's licence, "" if the file gives none."""
        return self.licences[int(self._licence[image])]

    def url(self, image: int) -> str:
        """Web page of the image, "" if the file gives none."""
        return self._urls[image]

    def annotations(self, image: int) -> list[Annotation]:
        """The annotations of an image, in the order of the file."""
        start, stop = self.first[image : image + 2].tolist()
        height, width = self.size(image)
        ends = self._count_ends[start : stop + 1].tolist()
        offset = ends[0]
        counts = self._counts[offset : ends[-1]].tobytes()
        idents = self.ann_id[start:stop].tolist()
        categories = self.ann_category[start:stop].tolist()
        flags = self._ann_flags[start:stop].tolist()
        annotations = []
        for row, ident in enumerate(idents):
            own = counts[ends[row] - offset : ends[row + 1] - offset]
            mask = RLE(height, width, own) if own else None
            flag = flags[row]
            annotations.append(Annotation(ident, categories[row], flag & CROWD != 0, mask, flag & IGNORE != 0))
        return annotations

    def annotation_categories(self, image: int) -> list[tuple[int, bool]]:
        """(category, whether it has a mask and is not to be ignored) of each annotation of an image, in order."""
        start, stop = self.first[image : image + 2].tolist()
        ends = self._count_ends[start : stop + 1].tolist()
        categories, flags = self.ann_category[start:stop].tolist(), self._ann_flags[start:stop].tolist()
        return [
            (category, ends[row] < ends[row + 1] and flags[row] < IGNORE) for row, category in enumerate(categories)
        ]

    @property
    def has_masks(self) -> bool:
        """Whether any annotation has a mask."""
        return len(self._counts) > 0

    @property
    def states_absence(self) -> bool:
        """Whether the file states categories as absent from any image."""
        return len(self._absent) > 0

    def absent(self, image: int) -> list[int]:
        """Categories (indices) that the file states as absent from an image and does not annotate there."""
        rows = slice(*np.searchsorted(self._absent[:, 0], (image, image + 1)).tolist())
        present = {category for category, _ in self.annotation_categories(image)}
        return [category for category in self._absent[rows, 1].tolist() if category not in present]

    def roots(self) -> frozenset[int]:
        """Categories (indices) that group others and have no annotation, such as the root that exports add."""
        used = set(np.flatnonzero(np.bincount(self.ann_category)).tolist())
        groups = {name.group for name in self.categories if name.group != name.text}
        return frozenset(row for row, name in enumerate(self.categories) if name.text in groups and row not in used)

    def where(self, image: int) -> str:
        """Names the image in errors."""
        ident = self._idents[image] if self._idents else int(self.image_id[image])
        return f"{self.path}: image id {ident}"

    def _photos(self, folder: Path) -> PhotoFiles:
        """The image files below a folder."""
        if folder not in self._folders:
            self._folders[folder] = PhotoFiles(folder, lambda: self._files)
        return self._folders[folder]

    def frame(self, folder: Path, image: int, exif: Exif = "size") -> Frame:
        """An image as a Frame; its file is opened when somebody reads it.

        Args:
            folder: Folder of the image files.
            image: Number of the image.
            exif: What the annotations have to do with the EXIF orientation of the file.

        Returns:
            The frame.

        Raises:
            DataError: The file name leaves the folder.
        """
        return self._photos(folder).frame(self.file(image), self.size(image), self.where(image), exif)

    def photo(self, folder: Path, image: int) -> Path:
        """The file of an image.

        Args:
            folder: Folder of the image files.
            image: Number of the image.

        Returns:
            An existing file.

        Raises:
            DataError: There is none, or its name leaves the folder.
        """
        where, photos = self.where(image), self._photos(folder)
        path = photos.path(self.file(image), where)
        found = path if path.is_file() else photos.find(self.file(image))
        if found is None:
            raise DataError(problem(where, f"no file {path}", todo=photos.todo(self.file(image))))
        return found

    def left_out(self) -> Iterator[Finding]:
        """Images and annotations that cannot be used. An annotation without a usable mask keeps its place, unmasked."""
        for text, scenes in zip(self._left_out, self._left_out_scenes.tolist(), strict=True):
            yield Finding("dropped", f"{self.path}: {text}", scenes)

    def findings(self) -> Iterator[Finding]:
        """Notes on annotations that lost polygons or their whole mask, and on other harmless oddities."""
        yield from (Finding("note", f"{self.path}: {note}") for note in self.notes)

    def missing(self, folder: Path, images: Sequence[int] | None = None) -> Iterator[Finding]:
        """Images whose files are missing or whose file names leave the folder.

        Args:
            folder: Folder of the image files.
            images: Which images to look for; None for all.

        Yields:
            A finding for each of the first missing files, then one for all others.
        """
        left_out = LeftOut()
        for image in range(len(self)) if images is None else images:
            try:
                self.photo(folder, image)
            except DataError as error:
                left_out.add("images are missing", str(error), 1)
        yield from (Finding("dropped", text, scenes) for text, scenes in left_out.rows())


def open_index(path: Path, sizes: Mapping[str, tuple[int, int]] | None = None) -> CocoIndex:
    """Open the index of an instances JSON; the first call makes it.

    Args:
        path: The instances JSON.
        sizes: (H, W) of image files whose entry in the JSON has no size.

    Returns:
        The index.

    Raises:
        DataError: Nothing of the file can be used; the message lists its problems.
    """
    digest, known = cache.file_digest(path), sizes or {}
    parts = [digest, *(f"{file} {size}" for file, size in sorted(known.items()))]
    arrays = cache.cached_arrays("coco", VERSION, parts, lambda: InstancesReader(path, known).read())
    return CocoIndex(path, arrays, digests.sha256("\n".join(parts)) if known else digest)


def image_numbers(index: CocoIndex) -> dict[int, int]:
    """Image id -> number of the image in the index.

    Args:
        index: An index.

    Returns:
        A mapping with one entry for each image.
    """
    return {ident: number for number, ident in enumerate(index.image_id.tolist())}


def image_folder(root: Path, given: Path | None, candidates: list[str]) -> Path:
    """The folder of the image files.

    Args:
        root: Folder of the data set.
        given: The user's `images` option, relative to `root` or absolute; None if it is not set.
        candidates: Usual folders below `root`, tried in this order where `given` is None.

    Returns:
        The first folder that exists.

    Raises:
        DataError: None exists.
    """
    folders = [root / given] if given is not None else [root / name for name in candidates]
    for folder in folders:
        if folder.is_dir():
            return folder
    expected = f"one of {', '.join(str(folder) for folder in folders)}"
    todo = "give `images`, relative to root or absolute"
    raise DataError(problem("images", "the folder of images does not exist", expected, todo))
