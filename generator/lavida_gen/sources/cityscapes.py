"""Cityscapes: street scenes of 50 cities from a car, with classes and instances of 30 kinds.

Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016. https://www.cityscapes-dataset.com
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files
from lavida_gen.classes.label import Label
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo, SourceOptions
from lavida_gen.sources._label_maps import Counts, LabelMapSource

# The official table: id, name, category, whether it has instances. Ids 0..6 are void, and so is the licence plate's -1,
# which 8 and 16 bits store as 255 and 65535. Classes that are "not evaluated" are annotated all the same.
VOID = frozenset((*range(7), -1, 255, 65535))
TABLE: dict[int, tuple[str, str, bool]] = {
    7: ("road", "flat", False),
    8: ("sidewalk", "flat", False),
    9: ("parking", "flat", False),  # not evaluated
    10: ("rail track", "flat", False),  # not evaluated
    11: ("building", "construction", False),
    12: ("wall", "construction", False),
    13: ("fence", "construction", False),
    14: ("guard rail", "construction", False),  # not evaluated
    15: ("bridge", "construction", False),  # not evaluated
    16: ("tunnel", "construction", False),  # not evaluated
    17: ("pole", "object", False),
    18: ("pole group", "object", False),  # not evaluated
    19: ("traffic light", "object", False),
    20: ("traffic sign", "object", False),
    21: ("vegetation", "nature", False),
    22: ("terrain", "nature", False),
    23: ("sky", "sky", False),
    24: ("person", "human", True),
    25: ("rider", "human", True),
    26: ("car", "vehicle", True),
    27: ("truck", "vehicle", True),
    28: ("bus", "vehicle", True),
    29: ("caravan", "vehicle", True),  # not evaluated
    30: ("trailer", "vehicle", True),  # not evaluated
    31: ("train", "vehicle", True),
    32: ("motorcycle", "vehicle", True),
    33: ("bicycle", "vehicle", True),
}
BACKGROUND = frozenset(("flat", "construction", "nature", "sky"))
# LAVIDA uses 8 movable and sign classes and does not list them. Seven of the benchmark's eight classes with instances
# move freely; the train, bound to its rails, is replaced by the traffic sign.
PAPER = frozenset(("person", "rider", "car", "truck", "bus", "motorcycle", "bicycle", "traffic sign"))
GROUP_STEP = 1000
MOST_TRAIN_IDS = 19


class CityscapesSourceOptions(SourceOptions):
    """Options of `cityscapes`."""

    root: LocalPath = Field(description="folder that contains leftImg8bit/ and gtFine/")
    split: str = Field(default="train", description="train or val (the masks of test are void)")
    annotations: Literal["gtFine", "gtCoarse"] = Field(default="gtFine", description="gtFine or gtCoarse")
    classes: Literal["all", "paper"] = Field(
        default="all",
        description="all: things, poles, lights and signs may be anomalies; paper: only 8 movable and sign classes",
    )


class CityscapesSource(LabelMapSource[CityscapesSourceOptions]):
    """Each street view is a scene; each instance a region, and each class without instances one.

    Values below 1000 of classes that do have instances are dense groups without separate instances: they belong to
    their class, but as "stuff", since they are not one thing; so do groups of poles.

    Every pixel of gtFine has a class, so that absence is "exhaustive". In gtCoarse people drew what they could in a few
    minutes and left the rest void: what is not drawn is "unannotated".
    """

    prefix = "cityscapes"
    todo_without_classes = "the masks of `test` are dummies; use `split: train` or `split: val`"

    Options = CityscapesSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Cityscapes",
        page="https://www.cityscapes-dataset.com",
        licence="Cityscapes terms: non-commercial research and teaching; the data may not be passed on",
        use="forbidden",
        attribution="Daimler AG, MPI Informatics, TU Darmstadt: the Cityscapes Dataset",
        pictures="photographed",
        get=(
            "Register at the page, fetch leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, and unzip both\n"
            "into one folder."
        ),
        layout=(
            "ROOT/leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png ...\n"
            "ROOT/gtFine/train/aachen/aachen_000000_000019_gtFine_instanceIds.png ...  (16 bit; else labelIds.png)"
        ),
        cite=(
            "@inproceedings{cordts2016cityscapes, title={The {Cityscapes} Dataset for Semantic Urban Scene "
            "Understanding},\n  author={Cordts, Marius and others}, booktitle={CVPR}, year={2016}}"
        ),
    )

    def __init__(self, options: CityscapesSourceOptions) -> None:
        """List the masks of all cities. Raises DataError."""
        required = RequiredFiles(options.root, "see `lavida-gen sources cityscapes`")
        self._images = required.folder(options.root / "leftImg8bit" / options.split, "split")
        self._masks = required.folder(options.root / options.annotations / options.split, "split")
        required.raise_if_missing()
        self._labels = {number: _label(number, options.classes) for number in TABLE}
        self._mask_type = "instanceIds"
        names = files.list_files(self._masks, f"_{options.annotations}_instanceIds.png")
        if not names:
            self._mask_type = "labelIds"
            names = files.list_files(self._masks, f"_{options.annotations}_labelIds.png")
        labels = list(self._labels.values())
        if options.classes == "paper":
            labels = [label for label in labels if label.candidate]
        if not names:
            found = next(iter(sorted(path.name for path in self._masks.rglob("*.png"))), "no PNG at all")
            expected = f"*_{options.annotations}_instanceIds.png or *_labelIds.png"
            raise DataError(problem(self._masks, f"holds {found}", expected, "see `lavida-gen sources cityscapes`"))
        super().__init__(options, names, self._masks, labels)
        self.look_at_sample()

    def check_sample(self, sample: Mapping[str, Counts]) -> None:
        """Refuse train ids (0 road to 18 bicycle, 255 void) in the place of ids, which would shift all names."""
        super().check_sample(sample)
        values = {value for counts in sample.values() for value in counts}
        if 255 in values and max(values - {255}, default=0) < MOST_TRAIN_IDS and 0 in values:
            got = "holds no value from 19 to 254, but 0 and 255: train ids, not ids"
            todo = "fetch the masks again, or make them anew with cityscapesscripts"
            raise DataError(problem(self.mask_path(next(iter(sample))), got, "ids 0 to 33", todo))

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """By how the pictures were annotated: fine or coarse."""
        return "exhaustive" if self.options.annotations == "gtFine" else "unannotated"

    def related(self) -> Mapping[str, Collection[str]]:
        """A rider is a person on something."""
        return {"rider": ["person"]}

    def image_names(self) -> Sequence[str]:
        """The pictures of all cities."""
        return files.list_files(self._images, "_leftImg8bit.png")

    def image_path(self, name: str) -> Path:
        """``CITY/CITY_SEQUENCE_FRAME_leftImg8bit.png``."""
        usual = files.as_written(self._images / f"{name}_leftImg8bit.png")
        return usual if usual.is_file() else files.frame_path(self._images, f"{name}_leftImg8bit")

    def mask_path(self, name: str) -> Path:
        """``CITY/CITY_SEQUENCE_FRAME_gtFine_instanceIds.png``."""
        return files.as_written(self._masks / f"{name}_{self.options.annotations}_{self._mask_type}.png")

    def label(self, value: int) -> Label | None:
        """1000 * class + instance, or the class itself where it has no instances or this is a group."""
        if value in VOID:
            return None
        number = value // GROUP_STEP if value >= GROUP_STEP else value
        label = self._labels[number]
        is_group = value < GROUP_STEP and TABLE[number][2]
        return Label(label.name, "stuff", label.candidate, label.group) if is_group else label


def _label(number: int, classes: str) -> Label:
    name, category, _ = TABLE[number]
    is_group = name.endswith(" group")
    name = name.removesuffix(" group")
    candidate = name in PAPER if classes == "paper" else category not in BACKGROUND
    return Label(name, "stuff" if category in BACKGROUND or is_group else "thing", candidate, category)
