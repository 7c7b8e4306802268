"""Referring expressions: refCOCO, refCOCO+, refCOCOg, refCLEF and gRefCOCO.

Kazemzadeh et al., ReferItGame, EMNLP 2014; Yu et al., Modeling Context in Referring Expressions, ECCV 2016; Mao et al.,
Generation and Comprehension of Unambiguous Object Descriptions, CVPR 2016; Liu et al., GRES, CVPR 2023. The layout is
that of the refer API (https://github.com/lichengunc/refer).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lavida_gen.coco.coco_index import CocoIndex, image_folder, open_index
from lavida_gen.coco.photo_findings import unusable_photos
from lavida_gen.coco.refer_index import ReferIndex, open_refs
from lavida_gen.common.findings import Finding
from lavida_gen.names.name_rows import JoinedNames
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, Source, SourceInfo, SourceOptions

SPLIT_BY = {"refcoco": "unc", "refcoco+": "unc", "refcocog": "umd", "refclef": "unc", "grefcoco": "unc"}
"""The split of each data set that papers report on."""
COCO_FOLDERS = ["images/train2014", "images/mscoco/images/train2014", "mscoco/images/train2014", "train2014"]
CLEF_FOLDERS = ["images/saiapr_tc-12", "saiapr_tc-12", "images/refclef"]
SEE = "see `lavida-gen sources refcoco`"


class RefCocoSourceOptions(SourceOptions):
    """Options of `refcoco`."""

    root: LocalPath = Field(description="folder that contains refcoco/, refcoco+/, ... and images/")
    dataset: Literal["refcoco", "refcoco+", "refcocog", "refclef", "grefcoco"] = Field(
        default="refcoco", description="refcoco, refcoco+, refcocog, refclef or grefcoco"
    )
    split_by: Literal["unc", "google", "umd", "berkeley"] | None = Field(
        default=None, description="who made the split: unc, google, umd, berkeley [umd for refcocog, else unc]"
    )
    split: str = Field(default="train", description="train, val, test, testA, testB, ...")
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the images, relative to root or absolute"
    )


class RefCocoSource(Source[RefCocoSourceOptions]):
    """Each image with expressions of the split is a scene; all its annotations are regions with their expressions."""

    Options = RefCocoSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="refCOCO, refCOCO+, refCOCOg, refCLEF, gRefCOCO: referring expressions",
        page="https://github.com/lichengunc/refer (gRefCOCO: https://github.com/henghuiding/gRefCOCO)",
        licence=(
            "expressions: for research (gRefCOCO: CC-BY-NC-SA-4.0); masks CC-BY-4.0 (COCO); photos: Flickr terms, "
            "each its own licence, many non-commercial (refCLEF: IAPR TC-12, free without copyright restrictions)"
        ),
        use="noncommercial",
        attribution="Kazemzadeh et al. 2014, Yu et al. 2016, Mao et al. 2016, Liu et al. 2023; COCO; IAPR TC-12",
        pictures="photographed",
        get=(
            "Fetch refcoco.zip, refcoco+.zip, refcocog.zip, refclef.zip and the images of refCLEF as the refer page\n"
            "describes, grefs(unc).json and instances.json of gRefCOCO from its page, and 2014 Train images from\n"
            "https://cocodataset.org/#download."
        ),
        layout=(
            "ROOT/refcoco/refs(unc).p             ROOT/refcoco/instances.json\n"
            "ROOT/refcoco+/refs(unc).p            ROOT/refcoco+/instances.json\n"
            "ROOT/refcocog/refs(umd).p            ROOT/refcocog/instances.json\n"
            "ROOT/refclef/refs(unc).p             ROOT/refclef/instances.json\n"
            "ROOT/grefcoco/grefs(unc).json        ROOT/grefcoco/instances.json\n"
            "ROOT/images/train2014/COCO_train2014_000000000009.jpg ...   (or images/mscoco/images/train2014)\n"
            "ROOT/images/saiapr_tc-12/25.jpg ...                         (refCLEF)"
        ),
        cite=(
            "@inproceedings{kazemzadeh2014referitgame, title={{ReferItGame}: Referring to Objects in Photographs of "
            "Natural Scenes}, author={Kazemzadeh, Sahar and others}, booktitle={EMNLP}, year={2014}}\n"
            "@inproceedings{yu2016modeling, title={Modeling Context in Referring Expressions}, "
            "author={Yu, Licheng and others}, booktitle={ECCV}, year={2016}}\n"
            "@inproceedings{mao2016generation, title={Generation and Comprehension of Unambiguous Object "
            "Descriptions}, author={Mao, Junhua and others}, booktitle={CVPR}, year={2016}}\n"
            "@inproceedings{liu2023gres, title={{GRES}: Generalized Referring Expression Segmentation}, "
            "author={Liu, Chang and Ding, Henghui and Jiang, Xudong}, booktitle={CVPR}, year={2023}}"
        ),
    )

    def __init__(self, options: RefCocoSourceOptions) -> None:
        """Open the indices, which are made on the first call. Raises DataError."""
        super().__init__(options)
        required = RequiredFiles(options.root, SEE)
        folder = required.root / options.dataset
        self.split_by = options.split_by or SPLIT_BY[options.dataset]
        self.is_clef = options.dataset == "refclef"
        refs = required.file(*_refs_file(folder, self.split_by))
        instances = required.file(folder / "instances.json", "root")
        with required.collecting():
            candidates = CLEF_FOLDERS if self.is_clef else COCO_FOLDERS
            self.images: Path = image_folder(required.root, options.images, candidates)
        required.raise_if_missing()
        self.index: CocoIndex = open_index(instances)
        self._categories = frozenset(category.text for category in self.index.categories if category.text)
        self.refs: ReferIndex = open_refs(refs, self.index, options.split)

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.refs)

    def _image_id(self, number: int) -> int:
        return int(self.index.image_id[self.refs.image[number]])

    def key(self, number: int) -> str:
        """``refcoco/DATASET-SPLIT_BY-SPLIT/IMAGE_ID``."""
        return f"refcoco/{self.options.dataset}-{self.split_by}-{self.options.split}/{self._image_id(number):012d}"

    def group(self, number: int) -> str:
        """The image; other data sets over COCO's images return the same text. refCLEF has its own images."""
        return f"{'saiapr' if self.is_clef else 'coco'}-photo/{self._image_id(number)}"

    def scene(self, number: int) -> Scene:
        """The image with every annotation as a region, named by its category, then its expressions.

        An expression for several annotations is a name of each. A crowd is "stuff", as in `coco`. `absent` are
        expressions without a target.
        """
        index, image = self.index, int(self.refs.image[number])
        regions = list(self.annotations_without_masks(number))
        for row, annotation in enumerate(index.annotations(image)):
            kind: Literal["thing", "stuff"] = "stuff" if annotation.crowd else "thing"
            regions[row] = replace(regions[row], masks=(annotation.mask,), kind=kind)
        return Scene(
            key=self.key(number),
            frames=(index.frame(self.images, image),),
            size=index.size(image),
            regions=tuple(regions),
            licence=self._licence(image),
            group=self.group(number),
            attribution=index.url(image) or self.about.attribution,
            absent=partial(self._absent, number),
        )

    def annotations_without_masks(self, number: int) -> Sequence[Region]:
        """As `scene`, without masks. Expressions of refs that cannot be used are those of a thing without a mask."""
        expressions = self.refs.expressions(number)
        annotations = self.index.annotation_categories(int(self.refs.image[number]))
        regions = []
        for row, (category_row, has_mask) in enumerate(annotations):
            category = self.index.categories[category_row].text
            names = tuple(dict.fromkeys((category, *expressions.get(row, ()))))
            regions.append(Region(names, (None,), category, candidate=has_mask))
        doubtful = tuple(self.refs.doubtful(number))
        return [*regions, Region(doubtful, (None,), candidate=False)] if doubtful else regions

    def _absent(self, number: int) -> Iterator[str]:
        return iter(self.refs.absent(number))

    def _licence(self, image: int) -> str:
        photo = "IAPR TC-12 terms" if self.is_clef else self.index.licence(image) or "Flickr terms"
        expressions = "CC-BY-NC-SA-4.0" if self.options.dataset == "grefcoco" else "for research"
        return f"{photo}; expressions {expressions}"

    def vocabulary(self) -> Sequence[Name]:
        """The categories, then every distinct expression of the split with its category; made lazily."""
        return JoinedNames([list(dict.fromkeys(self.index.categories)), self.refs.names])

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """COCO annotates its categories completely, so what is of an absent category is absent; refCLEF has no such."""
        known = not self.is_clef and name.category in self._categories
        return "exhaustive" if known else "unannotated"

    def fingerprint(self) -> str:
        """Digests of the refs and of the instances."""
        return f"{self.refs.digest}+{self.index.digest}"

    def left_out(self) -> Iterator[Finding]:
        """Refs, images and annotations that cannot be used."""
        yield from self.refs.left_out()
        yield from self.index.left_out()

    def findings(self) -> Iterator[Finding]:
        """Expressions and polygons that were left out; image files that are missing, truncated or of another size."""
        yield from super().findings()
        yield from (Finding("note", f"{self.options.dataset}: {note}") for note in self.refs.notes)
        yield from self.index.findings()
        yield from unusable_photos(self.index, self.images, self.refs.image.tolist(), "size")


def _refs_file(folder: Path, split_by: str) -> tuple[Path, str, str]:
    """The refs file of a data set; the option that names it; what to do if it is missing."""
    names = [f"refs({split_by}).p", f"grefs({split_by}).json", f"grefs({split_by}).p"]
    for name in names:
        if (folder / name).is_file():
            return folder / name, "split_by", ""
    usual = names[1] if folder.name == "grefcoco" else names[0]
    available = sorted(path.name for path in folder.glob("*refs(*)*"))
    todo = f"give `split_by`: the folder has {', '.join(available)}" if available else SEE
    return folder / usual, "split_by", todo
