"""COCO instances: photos with masks of 80 categories, and whatever else comes as an instances JSON.

Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014. https://cocodataset.org
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lavida_gen.coco_index import CocoIndex, image_folder, open_index
from lavida_gen.images import Frame
from lavida_gen.scene import Kind, Name, Region, Scene
from lavida_gen.source import About, Place, Source, SourceOptions, inside, need_file, need_folder


class Coco(Source):
    """Each photo of an instances JSON is a scene; each annotation a region (crowds too: they belong to their kind)."""

    class Options(SourceOptions):
        """Options of `coco`."""

        root: Place = Field(description="folder that holds annotations/ and the photos")
        split: str = Field(default="train2017", description="names annotations/instances_SPLIT.json and its photos")
        annotations: str | None = Field(default=None, description="another instances JSON, relative to root")
        images: str | None = Field(default=None, description="folder of the photos, relative to root")

    about: ClassVar[About] = About(
        title="COCO instances",
        page="https://cocodataset.org/#download",
        licence="annotations CC-BY-4.0; each photo its own Flickr licence, some non-commercial",
        use="noncommercial",
        attribution="COCO Consortium; photos: their Flickr authors, by the URL in each sample",
        get="Fetch 2017 Train images, 2017 Val images and 2017 Train/Val annotations from the page and unzip them.",
        layout=(
            "ROOT/annotations/instances_train2017.json\n"
            "ROOT/train2017/000000000009.jpg ...   (ROOT/images/train2017 is found too)"
        ),
        cite=(
            "@inproceedings{lin2014coco, title={Microsoft {COCO}: Common Objects in Context}, "
            "author={Lin, Tsung-Yi and others}, booktitle={ECCV}, year={2014}}"
        ),
    )

    options: Options

    def __init__(self, options: Options) -> None:
        """Open (the first time: make) the index. Raises DataError."""
        super().__init__(options)
        root = need_folder(options.root, "root", "see `lavida-gen sources coco`")
        name = options.annotations or f"annotations/instances_{options.split}.json"
        file = need_file(root / name, "annotations", "give `split` or `annotations`; see `lavida-gen sources coco`")
        self.index: CocoIndex = open_index(file)
        self.images: Path = image_folder(root, options.images, options.split, "images")

    @property
    def kind(self) -> Kind:
        """Photos."""
        return "image"

    def __len__(self) -> int:
        return len(self.index)

    def key(self, number: int) -> str:
        """``coco/SPLIT/IMAGE_ID``."""
        return f"coco/{self.options.split}/{self.index.image_id[number]:012d}"

    def group(self, number: int) -> str:
        """The photo: other data sets over COCO's photos give the same text."""
        return f"coco-photo/{self.index.image_id[number]}"

    def scene(self, number: int) -> Scene:
        """The photo with every annotation as a region."""
        index, size = self.index, self.index.size(number)
        where = f"{index.path}: image id {index.image_id[number]}"
        regions = []
        for annotation in index.annotations(number):
            category = index.categories[annotation.category].text
            regions.append(Region((category,), (annotation.mask,), category))
        return Scene(
            key=self.key(number),
            frames=(Frame.file(inside(self.images, index.file(number), where), size),),
            size=size,
            regions=tuple(regions),
            licence=index.licence(number) or self.about.licence,
            group=self.group(number),
            attribution=index.url(number) or self.about.attribution,
        )

    def vocabulary(self) -> Sequence[Name]:
        """The categories, in the order of the file."""
        return self.index.categories

    def fingerprint(self) -> str:
        """Digest of the instances JSON."""
        return self.index.digest

    def faults(self) -> Iterator[str]:
        """Annotations that were left out, missing photos, names that leave the folder."""
        yield from self.index.skipped
        for number in range(len(self)):
            name = self.index.file(number)
            path = inside(self.images, name, f"{self.index.path}: image id {self.index.image_id[number]}")
            if not path.is_file():
                yield f"image id {self.index.image_id[number]}: no file {path}"
