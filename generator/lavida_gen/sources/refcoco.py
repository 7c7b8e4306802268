"""Referring expressions over COCO photos: RefCOCO, RefCOCO+, RefCOCOg, RefCLEF and gRefCOCO.

Kazemzadeh et al., ReferItGame, EMNLP 2014; Yu et al., Modeling Context in Referring Expressions, ECCV 2016; Mao et al.,
CVPR 2016; Liu et al., GRES: Generalized Referring Expression Segmentation, CVPR 2023.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.coco_index import open_index
from lavida_gen.errors import DataError, fault
from lavida_gen.images import Frame
from lavida_gen.refs import Said, open_refs
from lavida_gen.scene import Kind, Name, Region, Scene
from lavida_gen.source import About, Place, Source, SourceOptions, inside, need_file, need_folder

SPLIT_BY = {"refcoco": "unc", "refcoco+": "unc", "refcocog": "umd", "refclef": "unc", "grefcoco": "unc"}
PHOTOS = {
    "refclef": ("images/saiapr_tc-12", "saiapr_tc-12"),
    "": ("images/mscoco/images/train2014", "images/train2014", "mscoco/images/train2014", "train2014"),
}


class RefCoco(Source):
    """Each photo of the split is a scene: all its annotations, with the expressions that name them."""

    class Options(SourceOptions):
        """Options of `refcoco`."""

        root: Place = Field(description="folder that holds refcoco/, refcoco+/, ... and images/")
        dataset: Literal["refcoco", "refcoco+", "refcocog", "refclef", "grefcoco"] = Field(
            default="refcoco", description="which of them"
        )
        split_by: str | None = Field(default=None, description="unc, google, umd or berkeley [the usual one]")
        split: str = Field(default="train", description="train, val, test, testA, testB")
        images: str | None = Field(default=None, description="folder of the photos, relative to root")

    about: ClassVar[About] = About(
        title="RefCOCO, RefCOCO+, RefCOCOg, RefCLEF, gRefCOCO",
        page="https://github.com/lichengunc/refer (gRefCOCO: https://github.com/henghuiding/gRefCOCO)",
        licence="expressions: research use (gRefCOCO: CC-BY-NC-SA-4.0); photos: their own licences",
        use="noncommercial",
        attribution="UNC Vision Lab, Google and FudanCVL; COCO Consortium; photos: their authors",
        get=(
            "Fetch refcoco.zip, refcoco+.zip, refcocog.zip, refclef.zip from the refer page, gRefCOCO's JSON from its\n"
            "own page, COCO's 2014 train photos, and for refclef the saiapr_tc-12 photos; unzip them into one folder."
        ),
        layout=(
            "ROOT/refcoco/refs(unc).p          ROOT/refcoco/instances.json      the same in refcoco+/, refclef/\n"
            "ROOT/refcocog/refs(umd).p         ROOT/refcocog/instances.json\n"
            "ROOT/grefcoco/grefs(unc).json     ROOT/grefcoco/instances.json\n"
            "ROOT/images/mscoco/images/train2014/COCO_train2014_000000000009.jpg   (images/train2014 is found too)\n"
            "ROOT/images/saiapr_tc-12/...      for refclef"
        ),
        cite=(
            "@inproceedings{yu2016modeling, title={Modeling Context in Referring Expressions}, author={Yu, Licheng and "
            "others},\n  booktitle={ECCV}, year={2016}}"
        ),
    )

    options: Options

    def __init__(self, options: Options) -> None:
        """Open (the first time: make) the indices. Raises DataError."""
        super().__init__(options)
        hint = "see `lavida-gen sources refcoco`"
        folder = need_folder(options.root / options.dataset, "root", hint)
        by = options.split_by or SPLIT_BY[options.dataset]
        name = f"grefs({by}).json" if options.dataset == "grefcoco" else f"refs({by}).p"
        self.index = open_index(need_file(folder / "instances.json", "root", hint))
        self.refs = open_refs(need_file(folder / name, "root", hint), options.split, self.index)
        self.images = self._photos()

    def _photos(self) -> Path:
        options = self.options
        usual = PHOTOS.get(options.dataset, PHOTOS[""])
        tried = [options.root / name for name in ([options.images] if options.images is not None else usual)]
        for folder in tried:
            if folder.is_dir():
                return folder
        looked = ", ".join(str(folder) for folder in tried)
        raise DataError(fault("images", f"no folder of photos; looked for {looked}", todo="give `images`"))

    @property
    def kind(self) -> Kind:
        """Photos."""
        return "image"

    def __len__(self) -> int:
        return len(self.refs.images)

    def key(self, number: int) -> str:
        """``refcoco/SPLIT/IMAGE_ID``, the data set's own name in front."""
        return f"{self.options.dataset}/{self.options.split}/{self._image_id(number):012d}"

    def group(self, number: int) -> str:
        """The photo; COCO's are shared by all data sets over them."""
        family = "saiapr-photo" if self.options.dataset == "refclef" else "coco-photo"
        return f"{family}/{self._image_id(number)}"

    def _image_id(self, number: int) -> int:
        return int(self.index.image_id[self.refs.images[number]])

    def scene(self, number: int) -> Scene:
        """The photo with all its annotations, the expressions with those that they name."""
        index, image = self.index, int(self.refs.images[number])
        size, said = index.size(image), list(self.refs.said(number))
        regions = []
        for annotation in index.annotations(image):
            category = index.categories[annotation.category].text
            own = dict.fromkeys(one.text for one in said if annotation.id in one.annotations)
            regions.append(
                Region((category, *(text for text in own if text != category)), (annotation.mask,), category)
            )
        where = f"{index.path}: image id {self._image_id(number)}"
        return Scene(
            key=self.key(number),
            frames=(Frame.file(inside(self.images, index.file(image), where), size),),
            size=size,
            regions=tuple(regions),
            licence=index.licence(image) or self.about.licence,
            group=self.group(number),
            attribution=index.url(image) or self.about.attribution,
            absent=lambda: _meaning_nothing(said),
        )

    def vocabulary(self) -> Sequence[Name]:
        """The split's expressions with the categories of what they name."""
        return self.refs.vocabulary

    def fingerprint(self) -> str:
        """Digests of both files."""
        return f"{self.index.digest} {self.refs.digest} {self.options.split}"

    def faults(self) -> Iterator[str]:
        """Annotations that were left out, missing photos."""
        yield from self.index.skipped
        for image in self.refs.images.tolist():
            where = f"{self.index.path}: image id {self.index.image_id[image]}"
            path = inside(self.images, self.index.file(image), where)
            if not path.is_file():
                yield f"image id {self.index.image_id[image]}: no file {path}"


def _meaning_nothing(said: Sequence[Said]) -> Iterator[str]:
    return (one.text for one in said if not one.annotations)
