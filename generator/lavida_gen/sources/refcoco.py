"""Referring expressions: refCOCO, refCOCO+, refCOCOg, refCLEF and gRefCOCO.

Kazemzadeh et al., ReferItGame, EMNLP 2014; Yu et al., Modeling Context in Referring Expressions, ECCV 2016; Mao et al.,
Generation and Comprehension of Unambiguous Object Descriptions, CVPR 2016; Liu et al., GRES, CVPR 2023. Laid out as the
refer API (https://github.com/lichengunc/refer) has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal, overload

from pydantic import Field

from lavida_gen.annotations.coco_index import CocoIndex, image_folder, open_index
from lavida_gen.annotations.refer_index import ReferIndex, open_refs
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, Source, SourceInfo, SourceOptions

SPLIT_BY = {"refcoco": "unc", "refcoco+": "unc", "refcocog": "umd", "refclef": "unc", "grefcoco": "unc"}
"""The division of each data set that papers report on."""
COCO_PHOTOS = ["images/train2014", "images/mscoco/images/train2014", "mscoco/images/train2014", "train2014"]
CLEF_PHOTOS = ["images/saiapr_tc-12", "saiapr_tc-12", "images/refclef"]
SEE = "see `lavida-gen sources refcoco`"


class RefCocoOptions(SourceOptions):
    """Options of `refcoco`."""

    root: LocalPath = Field(description="folder that holds refcoco/, refcoco+/, ... and images/")
    dataset: Literal["refcoco", "refcoco+", "refcocog", "refclef", "grefcoco"] = Field(
        default="refcoco", description="refcoco, refcoco+, refcocog, refclef or grefcoco"
    )
    split_by: Literal["unc", "google", "umd", "berkeley"] | None = Field(
        default=None, description="whose division: unc, google, umd, berkeley; unc if not given, umd for refcocog"
    )
    split: str = Field(default="train", description="train, val, test, testA, testB, ...")
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the photos, relative to root or absolute"
    )


class RefCocoSource(Source[RefCocoOptions]):
    """Each photo with expressions of the split is a scene; all its annotations are regions, named by all of theirs."""

    Options = RefCocoOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="refCOCO, refCOCO+, refCOCOg, refCLEF, gRefCOCO: referring expressions",
        page="https://github.com/lichengunc/refer (gRefCOCO: https://github.com/henghuiding/gRefCOCO)",
        licence=(
            "expressions: for research (gRefCOCO: CC-BY-NC-SA-4.0); masks CC-BY-4.0 (COCO); photos: Flickr terms, "
            "each its own licence, many non-commercial (refCLEF: IAPR TC-12, free without copyright restrictions)"
        ),
        use="noncommercial",
        attribution="Kazemzadeh et al. 2014, Yu et al. 2016, Mao et al. 2016, Liu et al. 2023; COCO; IAPR TC-12",
        get=(
            "Fetch refcoco.zip, refcoco+.zip, refcocog.zip, refclef.zip and the photos of refCLEF as the refer page\n"
            "says, grefs(unc).json and instances.json of gRefCOCO from its page, and 2014 Train images from\n"
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

    def __init__(self, options: RefCocoOptions) -> None:
        """Open (the first time: make) the indices. Raises DataError."""
        super().__init__(options)
        required = RequiredFiles(options.root, SEE)
        folder = required.root / options.dataset
        self.split_by = options.split_by or SPLIT_BY[options.dataset]
        self.clef = options.dataset == "refclef"
        refs = required.file(*_refs_file(folder, self.split_by))
        instances = required.file(folder / "instances.json", "root")
        with required.collecting():
            tried = CLEF_PHOTOS if self.clef else COCO_PHOTOS
            self.images: Path = image_folder(required.root, options.images, tried)
        required.raise_if_missing()
        self.index: CocoIndex = open_index(instances)
        self.refs: ReferIndex = open_refs(refs, self.index, options.split)

    @property
    def kind(self) -> Kind:
        """Photos."""
        return "image"

    def __len__(self) -> int:
        return len(self.refs)

    def _id(self, number: int) -> int:
        return int(self.index.image_id[self.refs.image[number]])

    def key(self, number: int) -> str:
        """``refcoco/DATASET-SPLIT_BY-SPLIT/IMAGE_ID``."""
        return f"refcoco/{self.options.dataset}-{self.split_by}-{self.options.split}/{self._id(number):012d}"

    def group(self, number: int) -> str:
        """The photo: other data sets over COCO's photos give the same text. refCLEF has photos of its own."""
        return f"{'saiapr' if self.clef else 'coco'}-photo/{self._id(number)}"

    def scene(self, number: int) -> Scene:
        """The photo with every annotation as a region: category, then its expressions.

        An expression for several annotations is a name of each. A crowd is "stuff", as in `coco`. `absent` are
        expressions marked as having no target.
        """
        index, image = self.index, int(self.refs.image[number])
        told = zip(self.annotations_without_masks(number), index.annotations(image), strict=True)
        regions = [
            replace(one, masks=(annotation.mask,), kind="stuff" if annotation.crowd else "thing")
            for one, annotation in told
        ]
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
        """As `scene`, without masks."""
        said, regions = self.refs.expressions(number), []
        for at, (kind, masked) in enumerate(self.index.annotation_categories(int(self.refs.image[number]))):
            category = self.index.categories[kind].text
            names = tuple(dict.fromkeys((category, *said.get(at, ()))))
            regions.append(Region(names, (None,), category, candidate=masked))
        return regions

    def _absent(self, number: int) -> Iterator[str]:
        return iter(self.refs.absent(number))

    def _licence(self, image: int) -> str:
        photo = "IAPR TC-12 terms" if self.clef else self.index.licence(image) or "Flickr terms"
        words = "CC-BY-NC-SA-4.0" if self.options.dataset == "grefcoco" else "for research"
        return f"{photo}; expressions {words}"

    def vocabulary(self) -> Sequence[Name]:
        """The categories, then every distinct expression of the split with its category; made when asked for."""
        return _Joined(list(dict.fromkeys(self.index.categories)), self.refs.names)

    def fingerprint(self) -> str:
        """Digests of the refs and of the instances."""
        return f"{self.refs.digest}+{self.index.digest}"

    def problems(self) -> Iterator[str]:
        """Expressions and polygons that were left out, missing photos: some in full, all counted."""
        yield from (f"{self.options.dataset}: {note}" for note in self.refs.notes)
        yield from (f"{self.index.path}: {note}" for note in self.index.notes)
        yield from self.index.missing(self.images, self.refs.image.tolist())


def _refs_file(folder: Path, split_by: str) -> tuple[Path, str, str]:
    """The refs of a data set, whatever its kind; the option that names them; what to do if they are not there."""
    tried = [f"{name}({split_by}).{end}" for name, end in (("refs", "p"), ("grefs", "json"), ("grefs", "p"))]
    usual = tried[1 if folder.name == "grefcoco" else 0]
    there = sorted(path.name for path in folder.glob("*refs(*)*"))
    todo = f"give `split_by`: the folder has {', '.join(there)}" if there else SEE
    return folder / next((name for name in tried if (folder / name).is_file()), usual), "split_by", todo


class _Joined(Sequence[Name]):
    """Two sequences as one."""

    def __init__(self, head: Sequence[Name], tail: Sequence[Name]) -> None:
        self.head, self.tail = head, tail

    def __len__(self) -> int:
        return len(self.head) + len(self.tail)

    @overload
    def __getitem__(self, at: int) -> Name: ...
    @overload
    def __getitem__(self, at: slice) -> list[Name]: ...
    def __getitem__(self, at: int | slice) -> Name | list[Name]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        return self.head[at] if at < len(self.head) else self.tail[at - len(self.head)]
