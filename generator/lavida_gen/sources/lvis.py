"""LVIS v1: COCO's photos with masks of 1,203 categories, and which of them people looked for in vain in each photo.

Gupta, Dollar, Girshick, LVIS: A Dataset for Large Vocabulary Instance Segmentation, CVPR 2019.
https://www.lvisdataset.org
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lavida_gen.coco.coco_index import image_folder
from lavida_gen.coco.lvis_index import open_index
from lavida_gen.names import wordnet
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, SourceInfo, SourceOptions
from lavida_gen.sources._coco_images import CocoImageSource

SEE = "see `lavida-gen sources lvis`"


class LvisSourceOptions(SourceOptions):
    """Options of `lvis`."""

    root: LocalPath = Field(description="folder that contains lvis_v1_train.json and COCO's folders of photos")
    split: Literal["train", "val"] = Field(default="train", description="train or val: reads lvis_v1_SPLIT.json")
    annotations: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="the LVIS v1 JSON, relative to root or absolute"
    )
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder that contains train2017/ and val2017/, relative to root or absolute"
    )


class LvisSource(CocoImageSource[LvisSourceOptions]):
    """Each photo is a scene; each annotation a region.

    What LVIS states for a photo decides about its categories: one that people looked for in vain is verified to be
    absent (`Scene.absent`); one whose objects do not all have a mask is present, but never the anomaly; of one that is
    not mentioned nothing is known, so that its absence is "unannotated".
    """

    Options = LvisSourceOptions

    least_evidence: ClassVar[FalseEvidence | None] = "verified"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="LVIS v1",
        page="https://www.lvisdataset.org/dataset",
        licence="annotations CC-BY-4.0 (by a mirror; LVIS' own page was not seen); photos: Flickr terms, each its own",
        use="noncommercial",
        attribution="LVIS (Gupta, Dollar, Girshick 2019); COCO Consortium; photos: their Flickr authors, by the URL",
        pictures="photographed",
        get=(
            "Fetch the training and validation set of v1 (lvis_v1_train.json.zip, lvis_v1_val.json.zip) from the\n"
            "page, and 2017 Train images and 2017 Val images from https://cocodataset.org/#download. LVIS has another\n"
            "split than COCO: most of its val photos lie in train2017, so both folders are needed for val. Not\n"
            "verified: the licence page of LVIS itself; v0.5 has other categories and is refused."
        ),
        layout=(
            "ROOT/lvis_v1_train.json                  ROOT/lvis_v1_val.json     (or in ROOT/annotations)\n"
            "ROOT/train2017/000000000009.jpg ...      ROOT/val2017/...          (or in ROOT/images)"
        ),
        cite=(
            "@inproceedings{gupta2019lvis, title={{LVIS}: A Dataset for Large Vocabulary Instance Segmentation}, "
            "author={Gupta, Agrim and Doll{\\'a}r, Piotr and Girshick, Ross}, booktitle={CVPR}, year={2019}}"
        ),
    )

    def __init__(self, options: LvisSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        required = RequiredFiles(options.root, SEE)
        file = required.file(_annotations(required.root, options), "annotations", f"give `annotations`; {SEE}")
        with required.collecting():
            images = _photos(required.root, options.images)
        required.raise_if_missing()
        lvis = open_index(file)
        super().__init__(options, lvis, images, "size", pieces=False)
        self._synonyms = lvis.synonyms

    def key(self, number: int) -> str:
        """``lvis/SPLIT/IMAGE_ID``."""
        return f"lvis/{self.options.split}/{self.index.ident(number)}"

    def group(self, number: int) -> str:
        """The photo: other data sets over COCO's photos give the same text."""
        return f"coco-photo/{int(self.index.image_id[number])}"

    def credit(self, number: int) -> tuple[str, str]:
        """Licence and author of the photo, as the file states them."""
        return self.index.licence(number) or self.about.licence, self.index.url(number) or self.about.attribution

    def stated_absent(self, number: int) -> Iterator[str]:
        """Names that people looked for and did not find; not those that are annotated in spite of that.

        A bird is there where a crow is, whatever the list states; no crow may be there where a bird is.
        """
        present = {category for category, _ in self.index.annotation_categories(number)}
        implied = frozenset[int]().union(*(self._kinds(category) for category in present))
        for category in self.index.absent(number):
            if implied.isdisjoint(self._senses(category)):
                yield self.index.categories[category].text

    def _senses(self, category: int) -> tuple[int, ...]:
        return wordnet.synset(self.index.categories[category].synset).senses

    def _kinds(self, category: int) -> frozenset[int]:
        """Everything that a category is a kind of, itself included."""
        return frozenset(kind for sense in self._senses(category) for kind in wordnet.kinds(sense))

    def related(self) -> Mapping[str, Collection[str]]:
        """LVIS' own synonyms: names of other sources that mean a category."""
        pairs = zip(self.index.categories, self._synonyms, strict=True)
        return {name.text: synonyms for name, synonyms in pairs if synonyms}


def _annotations(root: Path, options: LvisSourceOptions) -> Path:
    """The JSON of the split: as the option names it, in the root, or in annotations/."""
    if options.annotations is not None:
        return root / options.annotations
    name = f"lvis_v1_{options.split}.json"
    inside = root / "annotations" / name
    return inside if inside.is_file() else root / name


def _photos(root: Path, given: Path | None) -> Path:
    """The folder that contains COCO's folders of photos. Raises DataError."""
    if given is not None:
        return image_folder(root, given, [])
    usual = [f"{parent}{folder}" for parent in ("", "images/", "coco/") for folder in ("train2017", "val2017")]
    return image_folder(root, None, usual).parent
