"""COCO instances: images with masks of 80 categories. Other data in COCO's format: source `coco_json`.

Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014. https://cocodataset.org
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from lavida_gen.classes.coco_stuff_names import FIRST_STUFF, all_labels, make_label, related_names
from lavida_gen.classes.label import Label
from lavida_gen.coco.coco_index import CocoIndex, image_folder, open_index
from lavida_gen.common.errors import problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, SourceInfo, SourceOptions
from lavida_gen.sources._coco_images import CocoImageSource

LICENCE = "Flickr terms; annotations CC-BY-4.0"
UNKNOWN: dict[str, str] = {"licence": "unknown", "attribution": "unknown"}
"""Rights of files that are not COCO's."""


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


class CocoSource(CocoImageSource[CocoSourceOptions]):
    """COCO's images.

    A file with other categories than COCO's is somebody's own: its licence is not COCO's but unknown, nothing is known
    about what it does not annotate, and its keys are not COCO's. `coco_json` is the source for such files.
    """

    Options = CocoSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="COCO instances",
        page="https://cocodataset.org/#download",
        licence="annotations CC-BY-4.0; photos: Flickr terms, each its own licence, many of them non-commercial",
        use="noncommercial",
        attribution="COCO Consortium; photos: their Flickr authors, by the URL in each sample",
        pictures="photographed",
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
        required, split = RequiredFiles(options.root, "see `lavida-gen sources coco`"), options.split
        name = options.annotations or f"annotations/instances_{split}.json"
        hint = "give `split` or `annotations`; see `lavida-gen sources coco`"
        file = required.file(required.root / name, "annotations", hint)
        with required.collecting():
            images = image_folder(required.root, options.images, [split, f"images/{split}", "images"])
        required.raise_if_missing()
        index = open_index(file)
        self.is_coco = not _difference(index)
        super().__init__(options, index, images, "size" if self.is_coco else "stop", pieces=not self.is_coco)

    def rights(self) -> SourceInfo:
        """COCO's; unknown ones where the file is not COCO's."""
        if self.is_coco:
            return self.about
        title, page = "Images with a JSON that is not COCO's (source `coco_json` states whose)", "none: not known"
        licence, attribution = UNKNOWN["licence"], UNKNOWN["attribution"]
        return replace(
            self.about, title=title, page=page, cite="", use="forbidden", licence=licence, attribution=attribution,
            pictures="unknown",
        )  # fmt: skip

    def credit(self, number: int) -> tuple[str, str]:
        """Licence and author of the photo, as the file states them."""
        usual = (LICENCE, self.about.attribution) if self.is_coco else (UNKNOWN["licence"], UNKNOWN["attribution"])
        return self.index.licence(number) or usual[0], self.index.url(number) or usual[1]

    def key(self, number: int) -> str:
        """``coco/SPLIT/IMAGE_ID``; with the file's digest where it is not COCO's, so that no two sets share keys."""
        split = self.options.split if self.is_coco else f"{self.options.split}-{self.index.digest[:8]}"
        return f"coco/{split}/{self.index.ident(number)}"

    def group(self, number: int) -> str:
        """The photo: other data sets over COCO's photos give the same text."""
        return f"coco-photo/{int(self.index.image_id[number])}" if self.is_coco else self.key(number)

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """COCO annotates its categories completely; of other data it is not known."""
        return self.absence if self.is_coco else "unannotated"

    def label(self, row: int) -> Label:
        """Stuff of a panoptic file that was converted to instances is named and treated as `coco_panoptic` does."""
        if not self.is_coco:
            return super().label(row)
        name = self.index.categories[row]
        return make_label(name.text, name.group, int(self.index.category_id[row]) < FIRST_STUFF)

    def related(self) -> Mapping[str, Collection[str]]:
        """General classes of stuff, where there are any."""
        return related_names(self.labels) if self.is_coco else {}

    def findings(self) -> Iterator[Finding]:
        """Also whether the file is COCO's."""
        yield from super().findings()
        if not self.is_coco:
            got = f"is no file of COCO ({_difference(self.index)}), so that its rights are unknown: a corpus of it"
            todo = "for data of your own write `name: coco_json` in place of `name: coco`, with `licence` and `use`"
            yield Finding("note", problem(self.index.path, f"{got} cannot be published", todo=todo))


def _difference(index: CocoIndex) -> str:
    """How the categories differ from COCO's, "" if they do not. A panoptic file adds stuff to the things."""
    for number, name in zip(index.category_id, index.categories, strict=True):
        label = all_labels().get(number)
        if number < FIRST_STUFF and (label is None or label.name != name.text):
            return f"category {number} is {name.text!r}"
    return "" if any(number < FIRST_STUFF for number in index.category_id) else "it has no things"
