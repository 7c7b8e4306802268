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

from lavida_gen.annotations.coco_json import InstancesReader
from lavida_gen.annotations.files import path_inside
from lavida_gen.annotations.problem_list import MAX_PROBLEMS
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 2


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of an image.

    Attributes:
        id: Its id in the file.
        category: Index into `CocoIndex.categories`.
        crowd: Whether one mask covers many objects.
        mask: (H, W) of the image; None where the file has no polygon that could be drawn.
    """

    id: int
    category: int
    crowd: bool
    mask: RLE | None


class CocoIndex:
    """Random access to images and annotations. Images are numbered 0..len-1, in the order of the file.

    Attributes:
        path: The instances JSON.
        digest: SHA-256 of that file.
        categories: (name, supercategory) as Names, in the file's order.
        category_id: Their ids.
        image_id: (images,) int64.
        first: (images + 1,) int64: the annotations of image i are rows first[i] .. first[i + 1] of `ann_id`.
        ann_id: (annotations,) int64.
        ann_category: (annotations,) int32, indices into `categories`.
        licences: Names of the image licences.
        notes: Messages about annotations that lost polygons or their whole mask.
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        self.image_id: NDArray[np.int64] = arrays["image_id"]
        self.first: NDArray[np.int64] = arrays["first"]
        self.ann_id: NDArray[np.int64] = arrays["ann_id"]
        self.ann_category: NDArray[np.int32] = arrays["ann_category"]
        self._ann_crowd = arrays["ann_crowd"]
        self._counts, self._count_ends = arrays["counts"], arrays["counts_at"]
        self._size, self._licence = arrays["image_size"], arrays["image_licence"]
        self._files = PackedTexts(arrays["files"], arrays["files_at"])
        self._urls = PackedTexts(arrays["urls"], arrays["urls_at"])
        names = PackedTexts(arrays["names"], arrays["names_at"])[:]
        self.categories = [Name(n, n, g) for n, g in zip(names[::2], names[1::2], strict=True)]
        self.category_id: list[int] = arrays["category_id"].tolist()
        self.licences: list[str] = PackedTexts(arrays["licences"], arrays["licences_at"])[:]
        self.notes = PackedTexts(arrays["notes"], arrays["notes_at"])

    def __len__(self) -> int:
        return len(self.image_id)

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
        crowds = self._ann_crowd[start:stop].tolist()
        annotations = []
        for row, ident in enumerate(idents):
            own = counts[ends[row] - offset : ends[row + 1] - offset]
            mask = RLE(height, width, own) if own else None
            annotations.append(Annotation(ident, categories[row], crowds[row] == 1, mask))
        return annotations

    def annotation_categories(self, image: int) -> list[tuple[int, bool]]:
        """(category, whether it has a mask) of each annotation of an image, in the order of the file."""
        start, stop = self.first[image : image + 2].tolist()
        has_mask = np.diff(self._count_ends[start : stop + 1]) > 0
        return list(zip(self.ann_category[start:stop].tolist(), has_mask.tolist(), strict=True))

    def where(self, image: int) -> str:
        """Names the image in errors."""
        return f"{self.path}: image id {int(self.image_id[image])}"

    def frame(self, folder: Path, image: int) -> Frame:
        """An image as a Frame; its file is opened when somebody reads it.

        Args:
            folder: Folder of the image files.
            image: Number of the image.

        Returns:
            The frame.

        Raises:
            DataError: The file name leaves the folder.
        """
        return image_frame(
            path_inside(folder, self.file(image), self.where(image)), self.size(image), self.where(image)
        )

    def findings(self) -> Iterator[Finding]:
        """Notes on annotations that lost polygons or their whole mask."""
        yield from (Finding("note", f"{self.path}: {note}") for note in self.notes)

    def missing(self, folder: Path, images: Sequence[int] | None = None) -> Iterator[Finding]:
        """Images whose files are missing or whose file names leave the folder.

        Args:
            folder: Folder of the image files.
            images: Which images to look for; None for all.

        Yields:
            A finding for each of the first missing files, then one for all others.
        """
        missing = 0
        checked = range(len(self)) if images is None else images
        for image in checked:
            try:
                path = path_inside(folder, self.file(image), self.where(image))
                if path.is_file():
                    continue
                text = problem(self.where(image), f"no file {path}", todo="fetch it again")
            except DataError as error:
                text = str(error)
            missing += 1
            if missing <= MAX_PROBLEMS:
                yield Finding("dropped", text, 1)
        if missing > MAX_PROBLEMS:
            text = f"{missing:,} of {len(checked):,} images are missing, including these {MAX_PROBLEMS}"
            yield Finding("dropped", f"{self.path}: {text}; fetch them again", missing - MAX_PROBLEMS)


def image_frame(path: Path, size: tuple[int, int], where: str) -> Frame:
    """An image file as a Frame whose errors also name the annotations that refer to it.

    Args:
        path: The image file; it is opened when somebody reads the frame.
        size: (H, W) in pixels, which the file must have.
        where: The annotations that refer to it.

    Returns:
        The frame.
    """

    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            got = f"cannot be read ({error.strerror})"
            todo = "fetch it again, or check `images`"
            raise DataError(problem(f"{where}: {path}", got, "its image file", todo)) from error

    return Frame.encoded_by(read, size, str(path))


def open_index(path: Path) -> CocoIndex:
    """Open the index of an instances JSON; the first call makes it.

    Args:
        path: The instances JSON.

    Returns:
        The index.

    Raises:
        DataError: The file has problems; the message lists them.
    """
    digest = cache.file_digest(path)
    arrays = cache.cached_arrays("coco", VERSION, [digest], lambda: InstancesReader(path).read())
    return CocoIndex(path, arrays, digest)


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
