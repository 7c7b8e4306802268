"""COCO-Stuff: COCO's images with every pixel labelled, 80 classes of things and 91 of stuff.

Caesar et al., COCO-Stuff: Thing and Stuff Classes in Context, CVPR 2018. https://github.com/nightrome/cocostuff
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files
from lavida_gen.classes import coco_stuff_names
from lavida_gen.classes.label import Label
from lavida_gen.coco.coco_index import CocoIndex, image_folder, open_index
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Name, Region, Scene
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, SourceInfo, SourceOptions
from lavida_gen.sources._label_maps import Counts, LabelMapSource

VOID = 255
THINGS = "other"
"""The JSON's category 183: all things together, which is not a usable name."""

ENOUGH_MAPS = 2
"""Of fewer maps none may have a void pixel by chance."""


class CocoStuffSourceOptions(SourceOptions):
    """Options of `coco_stuff`."""

    root: LocalPath = Field(description="folder that contains the pixel maps and the images")
    split: str = Field(default="train2017", description="train2017 or val2017")
    maps: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the pixel maps, relative to root or absolute"
    )
    annotations: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="stuff JSON, relative to root or absolute, instead of the maps; it has no things"
    )
    first: Literal[0, 1] | None = Field(
        default=None,
        description="value of the first class, person, in the maps: 0, or 1 where 0 is void [0; maps that seem to "
        "count from 1 are refused]",
    )
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the images, relative to root or absolute"
    )


class CocoStuffSource(LabelMapSource[CocoStuffSourceOptions]):
    """Each image is a scene; each class in its pixel map one region.

    Every pixel of every map has one of the 171 classes that were annotated (or is void), so that their absence is
    "exhaustive", but for materials, which other things are made of. Eleven things that COCO lists were never annotated:
    they are no names of this source.
    """

    prefix = "coco_stuff"

    Options = CocoStuffSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="COCO-Stuff (164k, pixel maps)",
        page="https://github.com/nightrome/cocostuff",
        licence="annotations CC-BY-4.0; each photo its own Flickr licence, some non-commercial",
        use="noncommercial",
        attribution="COCO-Stuff (Caesar, Uijlings, Ferrari); COCO Consortium; photos: their Flickr authors",
        pictures="photographed",
        get=(
            "Fetch stuffthingmaps_trainval2017.zip from the page, 2017 Train and Val images from cocodataset.org, and\n"
            "unzip them into one folder. Or fetch stuff_annotations_trainval2017.zip, the stuff alone as run lengths."
        ),
        layout=(
            "ROOT/stuffthingmaps/train2017/000000000009.png ...   (or ROOT/train2017/*.png)\n"
            "ROOT/train2017/000000000009.jpg ...                  (or ROOT/images/train2017)\n"
            "values: class id - 1, i.e. 0..90 things and 91..181 stuff; 255 void (`first: 1`: the id itself, 0 void)\n"
            "or, with `annotations: annotations/stuff_train2017.json`: ROOT/annotations/stuff_train2017.json"
        ),
        cite=(
            "@inproceedings{caesar2018coco, title={{COCO-Stuff}: Thing and Stuff Classes in Context},\n"
            "  author={Caesar, Holger and Uijlings, Jasper and Ferrari, Vittorio}, booktitle={CVPR}, year={2018}}"
        ),
    )

    def __init__(self, options: CocoStuffSourceOptions) -> None:
        """List the pixel maps, or open the index of the JSON, which is made on the first call. Raises DataError."""
        required = RequiredFiles(options.root, "see `lavida-gen sources coco_stuff`")
        root = required.root
        with required.collecting():
            self._images = image_folder(root, options.images, [options.split, f"images/{options.split}", "images"])
        self._index: CocoIndex | None = None
        if options.annotations is not None:
            file = required.file(root / options.annotations, "annotations")
            required.raise_if_missing()
            self._index = open_index(file)
            self._numbers = {self._index.ident(number): number for number in range(len(self._index))}
            stuff = [_stuff(name) for name in self._index.categories if name.text != THINGS]
            listed = [label for label in stuff if label.name != coco_stuff_names.NO_WORD]
            super().__init__(options, list(self._numbers), root, listed)
            return
        masks = required.folder(_maps_folder(options), "maps")
        required.raise_if_missing()
        classes = coco_stuff_names.all_labels().items()
        labels = [label for number, label in classes if number not in coco_stuff_names.NEVER]
        listed = [label for label in labels if label.name != coco_stuff_names.NO_WORD]
        super().__init__(options, files.list_files(masks), masks, listed)
        self.look_at_sample()

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """As everything that is annotated completely, but for materials."""
        return "unannotated" if name.text in coco_stuff_names.MADE_OF else "exhaustive"

    def related(self) -> Mapping[str, Collection[str]]:
        """Furniture and what is furniture, food and what is food."""
        return coco_stuff_names.related_names(self.labels)

    def check_sample(self, sample: Mapping[str, Counts]) -> None:
        """Refuse maps that count from 1, which would shift all names by one. Raises DataError."""
        super().check_sample(sample)
        if self.options.first is not None:
            return
        no_void = len(sample) >= ENOUGH_MAPS and all(0 in counts and VOID not in counts for counts in sample.values())
        never = {number - 1 for number in coco_stuff_names.NEVER}
        odd = [name for name, counts in sample.items() if never & counts.keys()]
        if no_void or odd:
            got = "the maps seem to count from 1, with 0 as unlabelled: "
            if odd:
                value = min(never & sample[odd[0]].keys())
                got += f"value {value} would be {coco_stuff_names.all_labels()[value + 1].name!r}, never annotated"
            else:
                got += "none of those looked at holds 255 (void), all hold 0 (person)"
            path = self.mask_path(odd[0] if odd else next(iter(sample)))
            todo = "add `first: 1` to the source to read them so, or `first: 0` if they do count from 0"
            raise DataError(problem(path, got, "class id - 1", todo))

    def key(self, number: int) -> str:
        """``coco_stuff/SPLIT/IMAGE_ID``."""
        return f"{self.prefix}/{self.options.split}/{self.names[number]}"

    def group(self, number: int) -> str:
        """The image, as in `coco`."""
        name = self.names[number]
        return f"coco-photo/{int(name)}" if name.isdigit() else self.key(number)

    def image_path(self, name: str) -> Path:
        """The JPEG of the same name, or the file that the JSON names."""
        if self._index is None:
            return files.as_written(self._images / f"{name}.jpg")
        image = self._numbers[name]
        return path_inside(self._images, self._index.file(image), self._index.where(image))

    def mask_path(self, name: str) -> Path:
        """The pixel map of the same name, or the JSON."""
        return files.as_written(self.root / f"{name}.png") if self._index is None else self._index.path

    def label(self, value: int) -> Label | None:
        """Pixels store the class id minus one, or the id itself with `first: 1`."""
        number = value + 1 - (self.options.first or 0)
        if value == VOID or number == 0:
            return None
        if number in coco_stuff_names.NEVER:
            raise KeyError(value)
        return coco_stuff_names.all_labels()[number]

    def scene(self, number: int) -> Scene:
        """The image with every class in it; from the JSON if `annotations` is given."""
        if self._index is None:
            return super().scene(number)
        index = self._index
        image = self._numbers[self.names[number]]
        regions = []
        for annotation in index.annotations(image):
            category = index.categories[annotation.category]
            if category.text != THINGS:
                label = _stuff(category)
                candidate = label.candidate and annotation.mask is not None
                regions.append(Region((label.name,), (annotation.mask,), label.name, label.kind, candidate))
        return Scene(
            key=self.key(number),
            frames=(index.frame(self._images, image),),
            size=index.size(image),
            regions=tuple(regions),
            licence=index.licence(image) or self.about.licence,
            group=self.group(number),
            attribution=index.url(image) or self.about.attribution,
        )

    def fingerprint(self) -> str:
        """Digest of the pixel maps' names and sizes, or of the JSON."""
        return self._index.digest if self._index is not None else super().fingerprint()

    def left_out(self) -> Iterator[Finding]:
        """Images and annotations of the JSON that cannot be used."""
        yield from super().left_out()
        if self._index is not None:
            yield from self._index.left_out()

    def findings(self) -> Iterator[Finding]:
        """Missing images, annotations that lost polygons."""
        if self._index is None:
            yield from super().findings()
            return
        yield from self.left_out()
        yield from self._index.findings()
        yield from self._index.missing(self._images)


def _maps_folder(options: CocoStuffSourceOptions) -> Path:
    """The folder of the pixel maps: the one given, else stuffthingmaps/SPLIT, else SPLIT."""
    if options.maps is not None:
        return options.root / options.maps
    usual = options.root / "stuffthingmaps" / options.split
    return usual if usual.is_dir() else options.root / options.split


def _stuff(name: Name) -> Label:
    return coco_stuff_names.make_label(name.text, name.group, thing=False)
