"""COCO instances: images with masks of 80 categories, and any other data set with an instances JSON.

Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014. https://cocodataset.org
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations.coco_index import CocoIndex, image_folder, open_index
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, Source, SourceInfo, SourceOptions

LICENCE = "Flickr terms; annotations CC-BY-4.0"


class CocoSourceOptions(SourceOptions):
    """Options of `coco`."""

    root: LocalPath = Field(description="folder that contains annotations/ and the images")
    split: str = Field(default="train2017", description="reads annotations/instances_SPLIT.json and its images")
    annotations: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="another instances JSON, relative to root or absolute"
    )
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the images, relative to root or absolute"
    )


class CocoSource(Source[CocoSourceOptions]):
    """Each image of an instances JSON is a scene; each annotation a region.

    Crowds are regions of their category, but as "stuff", since they are not one thing.
    """

    Options = CocoSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="COCO instances",
        page="https://cocodataset.org/#download",
        licence="annotations CC-BY-4.0; photos: Flickr terms, each its own licence, many of them non-commercial",
        use="noncommercial",
        attribution="COCO Consortium; photos: their Flickr authors, by the URL in each sample",
        get="Fetch 2017 Train images, 2017 Val images and 2017 Train/Val annotations from the page and unzip them.",
        layout=(
            "ROOT/annotations/instances_train2017.json\n"
            "ROOT/train2017/000000000009.jpg ...   (or ROOT/images/train2017)"
        ),
        cite=(
            "@inproceedings{lin2014coco, title={Microsoft {COCO}: Common Objects in Context}, "
            "author={Lin, Tsung-Yi and Maire, Michael and Belongie, Serge and Hays, James and Perona, Pietro and "
            "Ramanan, Deva and Doll{\\'a}r, Piotr and Zitnick, C. Lawrence}, booktitle={ECCV}, year={2014}}"
        ),
    )

    def __init__(self, options: CocoSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        super().__init__(options)
        required, split = RequiredFiles(options.root, "see `lavida-gen sources coco`"), options.split
        name = options.annotations or f"annotations/instances_{split}.json"
        hint = "give `split` or `annotations`; see `lavida-gen sources coco`"
        file = required.file(required.root / name, "annotations", hint)
        with required.collecting():
            self.images: Path = image_folder(required.root, options.images, [split, f"images/{split}", "images"])
        required.raise_if_missing()
        self.index: CocoIndex = open_index(file)

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.index)

    def key(self, number: int) -> str:
        """``coco/SPLIT/IMAGE_ID``."""
        return f"coco/{self.options.split}/{int(self.index.image_id[number]):012d}"

    def group(self, number: int) -> str:
        """The photo: other data sets over COCO's photos give the same text."""
        return f"coco-photo/{int(self.index.image_id[number])}"

    def scene(self, number: int) -> Scene:
        """The image with every annotation as a region; one without a mask is present, but never the anomaly."""
        index = self.index
        regions = []
        for annotation in index.annotations(number):
            category, mask = index.categories[annotation.category].text, annotation.mask
            kind: Literal["thing", "stuff"] = "stuff" if annotation.crowd else "thing"
            regions.append(Region((category,), (mask,), category, kind, candidate=mask is not None))
        return Scene(
            key=self.key(number),
            frames=(index.frame(self.images, number),),
            size=index.size(number),
            regions=tuple(regions),
            licence=index.licence(number) or LICENCE,
            group=self.group(number),
            attribution=index.url(number) or self.about.attribution,
        )

    def annotations_without_masks(self, number: int) -> Sequence[Region]:
        """As `scene`, without masks."""
        regions = []
        for row, has_mask in self.index.annotation_categories(number):
            category = self.index.categories[row].text
            regions.append(Region((category,), (None,), category, candidate=has_mask))
        return regions

    def vocabulary(self) -> Sequence[Name]:
        """The categories, in the order of the file."""
        return list(dict.fromkeys(self.index.categories))

    def fingerprint(self) -> str:
        """Digest of the instances JSON."""
        return self.index.digest

    def findings(self) -> Iterator[Finding]:
        """Annotations that lost polygons, missing images, file names that leave the folder."""
        yield from super().findings()
        yield from self.index.findings()
        yield from self.index.missing(self.images)
