"""COCO panoptic: COCO's images with every pixel in one segment, 80 classes of things and 53 of stuff.

Kirillov et al., Panoptic Segmentation, CVPR 2019. https://cocodataset.org/#panoptic-2020
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from lavida_gen.annotations import files, index_masks, picture_headers
from lavida_gen.annotations.panoptic_index import PanopticIndex, open_index
from lavida_gen.classes import coco_stuff_names
from lavida_gen.classes.coco_stuff_names import related_names
from lavida_gen.coco.coco_index import image_folder
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.findings import Finding
from lavida_gen.scenes import masks
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, Source, SourceInfo, SourceOptions

VOID = 0


class CocoPanopticSourceOptions(SourceOptions):
    """Options of `coco_panoptic`."""

    root: LocalPath = Field(description="folder that contains annotations/ and the images")
    split: str = Field(default="train2017", description="reads annotations/panoptic_SPLIT.json, its PNGs and images")
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the images, relative to root or absolute"
    )


class CocoPanopticSource(Source[CocoPanopticSourceOptions]):
    """Each image is a scene; each segment a region (crowds as "stuff", since they are not one thing).

    Every pixel has one of the 133 classes (or is void), so that their absence is "exhaustive", but for materials, which
    other things are made of.
    """

    Options = CocoPanopticSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="COCO panoptic",
        page="https://cocodataset.org/#download",
        licence="annotations CC-BY-4.0; each photo its own Flickr licence, some non-commercial",
        use="noncommercial",
        attribution="COCO Consortium; photos: their Flickr authors, by the URL in each sample",
        pictures="photographed",
        get=(
            "Fetch 2017 Panoptic Train/Val annotations, 2017 Train images and 2017 Val images from the page and unzip\n"
            "them, then unzip annotations/panoptic_train2017.zip, which lies inside."
        ),
        layout=(
            "ROOT/annotations/panoptic_train2017.json\n"
            "ROOT/annotations/panoptic_train2017/000000000009.png ...   id = R + 256 G + 65536 B, 0 void\n"
            "ROOT/train2017/000000000009.jpg ...   (or ROOT/images/train2017)"
        ),
        cite=(
            "@inproceedings{kirillov2019panoptic, title={Panoptic Segmentation}, "
            "author={Kirillov, Alexander and others},\n  booktitle={CVPR}, year={2019}}"
        ),
    )

    def __init__(self, options: CocoPanopticSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        super().__init__(options)
        required, split = RequiredFiles(options.root, "see `lavida-gen sources coco_panoptic`"), options.split
        annotations = required.root / "annotations"
        file = required.file(annotations / f"panoptic_{split}.json", "split")
        self._pngs: Path = required.folder(annotations / f"panoptic_{split}", "split")
        with required.collecting():
            self._images: Path = image_folder(required.root, options.images, [split, f"images/{split}", "images"])
        required.raise_if_missing()
        self.index: PanopticIndex = open_index(file)

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.index)

    def key(self, number: int) -> str:
        """``coco_panoptic/SPLIT/IMAGE_ID``."""
        return f"coco_panoptic/{self.options.split}/{self.index.image_id[number]:012d}"

    def group(self, number: int) -> str:
        """The photo, as in `coco`."""
        return f"coco-photo/{self.index.image_id[number]}"

    def _files(self, number: int) -> tuple[Path, Path]:
        """Image and PNG."""
        where = f"{self.index.path}: image id {self.index.image_id[number]}"
        image = path_inside(self._images, self.index.image(number), where)
        return image, path_inside(self._pngs, self.index.png(number), where)

    def scene(self, number: int) -> Scene:
        """The image with every segment as a region."""
        image, png = self._files(number)
        plane = index_masks.read_colours(png)
        segments = masks.from_values(plane, png)
        segments.pop(VOID, None)
        regions = []
        for ident, label, crowd in self.index.segments(number):
            if ident not in segments:
                expected = f"the segment that {self.index.path.name} lists"
                raise DataError(problem(png, f"no pixel has id {ident}", expected))
            kind = "stuff" if crowd else label.kind
            regions.append(Region((label.name,), (segments.pop(ident),), label.name, kind, label.candidate))
        if segments:
            expected = f"only ids that {self.index.path.name} lists for it"
            raise DataError(problem(png, f"holds id {min(segments)}", expected))
        size = (int(plane.shape[0]), int(plane.shape[1]))
        return Scene(
            key=self.key(number),
            frames=(Frame.file(image, size),),
            size=size,
            regions=tuple(regions),
            licence=self.about.licence,
            group=self.group(number),
            attribution=self.index.url(number) or self.about.attribution,
        )

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """As everything that is annotated completely, but for materials."""
        return "unannotated" if name.text in coco_stuff_names.MADE_OF else "exhaustive"

    def vocabulary(self) -> Sequence[Name]:
        """The categories, each name once, in the order of the file."""
        return list({label.name: label.as_name() for label in self.index.labels}.values())

    def related(self) -> Mapping[str, Collection[str]]:
        """General classes of stuff, as in `coco_stuff`."""
        return related_names(self.index.labels)

    @cached_property
    def _digest(self) -> str:
        names = (self.index.png(number) for number in range(len(self)))
        return files.names_and_sizes_digest(self._pngs, names, self.index.digest)

    def fingerprint(self) -> str:
        """Digest of the JSON, and of the PNGs' names and sizes."""
        return self._digest

    def left_out(self) -> Iterator[Finding]:
        """Images and annotations that cannot be used."""
        yield from self.index.left_out()

    def findings(self) -> Iterator[Finding]:
        """Missing images and PNGs, and those that do not fit."""
        yield from super().findings()
        pairs = [self._files(number) for number in range(len(self))]
        yield from files.missing_files(pairs)
        yield from picture_headers.unusable_pictures([(pair,) for pair in pairs], len(pairs))
