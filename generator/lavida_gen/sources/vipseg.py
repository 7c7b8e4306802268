"""VIPSeg: 3,536 videos in the wild with every pixel in one segment, 58 classes of things and 66 of stuff.

Miao et al., Large-scale Video Panoptic Segmentation in the Wild: A Benchmark, CVPR 2022.
https://github.com/VIPSeg-Dataset/VIPSeg-Dataset
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lavida_gen.annotations import json_file
from lavida_gen.annotations.clip_masks import ClipMask
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_input
from lavida_gen.common.json_file import read_json
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name, Region
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import DenseClipOptions, Video
from lavida_gen.sources._vos import ObjectNames, VosSource
from lavida_gen.storage import cache

SEE = "test has no masks; see `lavida-gen sources vipseg`"
VOID = 0
INSTANCES = 100
"""A value above all classes is 100 * class + instance."""
OTHER = "other_"
"""Classes of what has no class of its own: they are present as what they are (an animal), and no names."""
BACKGROUND = frozenset(
    (
        *("wall", "ceiling", "floor", "ground", "grass", "sand", "athletic_field", "road", "path", "building", "sky"),
        *("mountain", "ice", "snowfield", "sea", "river", "lake", "water", "tree"),
    )
)
"""What a place consists of: never an anomaly."""
PARTS = frozenset(
    (
        *("door", "window", "stair", "handrail_or_fence", "pillar", "tyre", "lamp", "mirror", "clothes", "textiles"),
        *("stone", "wood", "keyboard"),
    )
)
"""What other things have as a part, or are made of: a car has tyres, whether they are segments of their own or not."""


class VipSegSourceOptions(DenseClipOptions):
    """Options of `vipseg`."""

    root: LocalPath = Field(description="folder VIPSeg, or VIPSeg_720P that the authors' script makes")
    split: str = Field(default="train", description="train or val")


class VipSegSource(VosSource[VipSegSourceOptions]):
    """Each clip is a scene; each instance a region, and each class of stuff one.

    Every pixel has a class, so that the absence of a class is "exhaustive", but for what other things have as a part.
    """

    prefix, family = "vipseg", "vspw-video"

    Options = VipSegSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="VIPSeg (Video Panoptic Segmentation in the Wild)",
        page="https://github.com/VIPSeg-Dataset/VIPSeg-Dataset",
        licence="non-commercial research",
        use="noncommercial",
        attribution="VIPSeg (Miao, Wang, Wu, Li, Zhang, Wei, Yang)",
        pictures="photographed",
        get=(
            "Fetch VIPSeg from the page and unpack it; the authors' change2_720p.py makes the smaller VIPSeg_720P,\n"
            "which is read, too. Classes that begin with other_ name nothing: such things are present, but never the\n"
            "anomaly. Not verified: no mask of the release was seen, so that its bit depth is taken as it comes; how\n"
            "many frames of a second there are (`fps` stays unknown)."
        ),
        layout=(
            "ROOT/train.txt, val.txt                    names of videos\n"
            "ROOT/label_num_dic_final.json              (or panoVIPSeg_categories.json, whose ids are one lower)\n"
            "ROOT/imgs/VIDEO/00000001.jpg ...           (or images)\n"
            "ROOT/panomasks/VIDEO/00000001.png ...      stuff: class; things: 100 * class + instance; 0 void"
        ),
        cite=(
            "@inproceedings{miao2022large, title={Large-scale Video Panoptic Segmentation in the Wild: A Benchmark}, "
            "author={Miao, Jiaxu and others}, booktitle={CVPR}, year={2022}}"
        ),
    )

    def __init__(self, options: VipSegSourceOptions) -> None:
        """Read the classes and list the masks. Raises DataError."""
        required, root = RequiredFiles(options.root, SEE), options.root
        images = required.folder(_first(root / "imgs", root / "images"), "root")
        annotations = required.folder(root / "panomasks", "root")
        listed = f"{options.split}.txt"
        videos = required.file(_first(root / listed, root.parent / listed), "split")
        places = [folder / name for folder in (root, root.parent) for name in _LABEL_FILES]
        self._label_file = required.file(_first(*places), "root")
        required.raise_if_missing()
        self._labels = _read_labels(self._label_file)
        names = [
            line.strip() for line in read_input(videos).decode("utf-8-sig", "replace").splitlines() if line.strip()
        ]
        super().__init__(options, options.split, names, images, annotations, videos)

    def read_names(self, video: str) -> Mapping[int, ObjectNames]:
        """None: the values of the masks state the classes."""
        return {}

    def objects_of(self, mask: ClipMask, path: Path) -> dict[int, RLE]:
        """Every segment of a mask by its value; 0 is void."""
        for value in mask.values:
            if self._class(value) not in self._labels:
                expected = f"0, a class of {self._label_file.name}, or 100 * class + instance"
                raise DataError(problem(path, f"holds the value {value}", expected))
        return mask.values

    def _class(self, value: int) -> int:
        """Number of the class of a value; the number of a class of stuff is below 125, and 100 * class above 299."""
        return value if value < 125 else value // INSTANCES

    def _regions(
        self, video: Video, frames: Sequence[str], objects: Mapping[str, Mapping[int, RLE]]
    ) -> Iterator[Region]:
        """Every segment as it is in each frame."""
        for value in sorted({value for segments in objects.values() for value in segments}):
            visible = tuple(objects[frame].get(value) for frame in frames)
            label = self._labels[self._class(value)]
            if not label:
                continue
            text = label.removeprefix(OTHER)
            is_named = text == label
            candidate = is_named and label not in BACKGROUND
            yield Region((text,), visible, text, "thing" if value >= 125 else "stuff", candidate)

    def vocabulary(self) -> Sequence[Name]:
        """The classes that name something, by number."""
        named = [self._labels[number] for number in sorted(self._labels)]
        return [Name(label, label) for label in dict.fromkeys(named) if label and not label.startswith(OTHER)]

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """As everything that is annotated completely, but for parts of other things."""
        return "unannotated" if name.category in PARTS else "exhaustive"

    def identity(self) -> Iterable[str]:
        """Digest of the classes."""
        return (cache.file_digest(self._label_file),)


_LABEL_FILES = ("label_num_dic_final.json", "panoVIPSeg_categories.json")


def _first(*places: Path) -> Path:
    """The first place that exists, else the usual one."""
    return next((place for place in places if place.exists()), places[0])


def _read_labels(path: Path) -> dict[int, str]:
    """Class number -> name, "" for void. Raises DataError."""
    if path.name == _LABEL_FILES[0]:
        labels = {_number(number, f"{path}: {name!r}"): name for name, number in json_file.load(path).items()}
    else:  # a list of categories, whose ids begin with 0
        plain = read_json(path, "a list of categories", "fetch it again")
        rows = enumerate(plain if isinstance(plain, list) else [])
        labels = {
            json_file.integer(row, "id", f"{path}[{at}]") + 1: json_file.text(row, "name", f"{path}[{at}]")
            for at, row in rows
        }
    labels[VOID] = ""
    if len(labels) < 2:
        raise DataError(problem(path, "has no class", "a name and number of each class", "fetch it again"))
    return labels


def _number(value: object, where: str) -> int:
    """A class number, which the file writes as text. Raises DataError."""
    if not str(value).isdecimal():
        raise DataError(problem(where, f"is {str(value)[:40]!r}", "the number of the class"))
    return int(str(value))
