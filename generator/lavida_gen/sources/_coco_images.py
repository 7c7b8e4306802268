"""The common part of sources whose images and annotations are listed in a JSON of COCO's format."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

from lavida_gen.classes.label import Label
from lavida_gen.coco.coco_index import Annotation, CocoIndex, open_index
from lavida_gen.coco.photo_files import picture_sizes
from lavida_gen.coco.photo_findings import unusable_photos
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.common.text import counted
from lavida_gen.scenes import masks
from lavida_gen.scenes.image_header import Exif
from lavida_gen.scenes.mask_pieces import is_one_piece
from lavida_gen.scenes.scene import Kind, Name, Region, Scene, no_names
from lavida_gen.sources._base import OptionsT_co, Source

SAMPLE = 50
"""Images whose masks are looked at when a data set is opened."""


class CocoImageSource(Source[OptionsT_co]):
    """Each image of the JSON is a scene; each annotation a region.

    Crowds are regions of their category, but as "stuff", since they are not one thing. An annotation without a mask,
    or one that is to be ignored, is present, but never the anomaly. A category without annotations that is the
    supercategory of others, as the root of an export, is no name.

    Attributes:
        index: The images and annotations.
        images: Folder of the image files.
        exif: What the annotations have to do with the EXIF orientation of the files.
        pieces: Whether a crowd in one piece is a thing: programs mark every mask as a crowd that is no polygon.
    """

    def __init__(self, options: OptionsT_co, index: CocoIndex, images: Path, exif: Exif, pieces: bool) -> None:
        """Keep the index; if images have no size in it, it is made anew with the sizes of the pictures.

        Args:
            options: The source's options.
            index: The images and annotations.
            images: Folder of the image files.
            exif: What the annotations have to do with the EXIF orientation of the files.
            pieces: Whether a crowd in one piece is a thing.

        Raises:
            DataError: Nothing of the JSON can be used.
        """
        super().__init__(options)
        self.images, self.exif, self.pieces = images, exif, pieces
        if index.unsized:
            index = open_index(index.path, picture_sizes(images, index.unsized, exif))
        self.index: CocoIndex = index
        if len(index.ann_id) and not index.has_masks and not any(index.left_out()):
            got, todo = f"none of its {len(index.ann_id):,} annotations has a mask", "export instance segmentation"
            raise DataError(problem(index.path, got, "polygons or run lengths, not boxes alone", todo))
        areas = [
            masks.area(annotation.mask)
            for image in range(min(len(index), SAMPLE))
            for annotation in index.annotations(image)
            if annotation.mask is not None
        ]
        if areas and max(areas) <= 1:
            got = f"no mask of the first {counted(min(len(index), SAMPLE), 'image')} covers more than a pixel"
            todo = "multiply fractions by the width and height of their image"
            raise DataError(problem(index.path, got, "corners in pixels", todo))

    @abstractmethod
    def credit(self, number: int) -> tuple[str, str]:
        """Licence and attribution of a scene."""

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.index)

    def scene(self, number: int) -> Scene:
        """The image with every annotation as a region."""
        index = self.index
        regions = []
        for annotation in index.annotations(number):
            label, mask = self.labels[annotation.category], annotation.mask
            candidate = label.candidate and mask is not None and not annotation.ignore
            kind = "stuff" if label.kind == "stuff" else self._kind(annotation)
            regions.append(Region((label.name,), (mask,), label.name, kind, candidate))
        licence, attribution = self.credit(number)
        return Scene(
            key=self.key(number),
            frames=(index.frame(self.images, number, self.exif),),
            size=index.size(number),
            regions=tuple(regions),
            licence=licence,
            group=self.group(number),
            attribution=attribution,
            absent=partial(self.stated_absent, number) if index.states_absence else no_names,
        )

    @cached_property
    def labels(self) -> list[Label]:
        """The categories, in the order of the file."""
        return [self.label(row) for row in range(len(self.index.categories))]

    def label(self, row: int) -> Label:
        """What a category of the JSON stands for; its name by default.

        Args:
            row: Its place in the file.
        """
        name = self.index.categories[row]
        return Label(name.text, group=name.group)

    def _kind(self, annotation: Annotation) -> Literal["thing", "stuff"]:
        if not annotation.crowd or (self.pieces and annotation.mask is not None and is_one_piece(annotation.mask)):
            return "thing"
        return "stuff"

    def stated_absent(self, number: int) -> Iterator[str]:
        """Categories that the JSON states as absent from an image (LVIS' `neg_category_ids`)."""
        return (self.labels[row].name for row in self.index.absent(number))

    def annotations_without_masks(self, number: int) -> Sequence[Region]:
        """As `scene`, without masks."""
        regions = []
        for row, usable in self.index.annotation_categories(number):
            label = self.labels[row]
            regions.append(Region((label.name,), (None,), label.name, candidate=label.candidate and usable))
        return regions

    def vocabulary(self) -> Sequence[Name]:
        """The categories, in the order of the file."""
        roots = self.index.roots()
        rows = enumerate(zip(self.index.categories, self.labels, strict=True))
        names = (
            replace(label.as_name(), group=name.group, synset=name.synset)
            for row, (name, label) in rows
            if row not in roots
        )
        return list(dict.fromkeys(names))

    def fingerprint(self) -> str:
        """Digest of the JSON."""
        return self.index.digest

    def left_out(self) -> Iterator[Finding]:
        """Images and annotations that cannot be used."""
        yield from self.index.left_out()

    def findings(self) -> Iterator[Finding]:
        """What is left out or odd in the JSON; image files that are missing, truncated or of another size."""
        yield from super().findings()
        yield from self.index.findings()
        yield from unusable_photos(self.index, self.images, range(len(self)), self.exif)
