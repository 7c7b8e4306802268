"""ADE20K as in the scene parsing benchmark (SceneParse150): images with 150 classes, one index mask each.

Zhou et al., Scene Parsing through ADE20K Dataset, CVPR 2017. http://sceneparsing.csail.mit.edu
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files
from lavida_gen.classes.label import Label
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_input
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._ade import BACKGROUND
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo, SourceOptions
from lavida_gen.sources._label_maps import Counts, LabelMapSource
from lavida_gen.storage import cache

# The masks show each pixel's whole object. The full release also annotates parts of objects and what people wear: in a
# building there are windows, which these masks label as building.
PARTS = frozenset(
    (
        *("apparel", "awning", "bannister", "base", "blind", "column", "countertop", "cushion", "door", "flower"),
        *("glass", "hood", "light", "mirror", "oven", "pole", "railing", "screen", "screen door", "seat", "shelf"),
        *("signboard", "stairs", "step", "tank", "trade name", "windowpane"),
    )
)
VOID = 255
"""In masks that count from 0."""


class Ade20kSourceOptions(SourceOptions):
    """Options of `ade20k`."""

    root: LocalPath = Field(description="folder ADEChallengeData2016")
    split: str = Field(default="training", description="training or validation")
    first: Literal[0, 1] = Field(
        default=1, description="value of the first class, wall; 0 for masks with 255 as void (reduce_zero_label)"
    )


class Ade20kSource(LabelMapSource[Ade20kSourceOptions]):
    """Each image is a scene; each class in it one region (instances are not annotated here).

    Every picture is annotated completely with the 150 classes, so that absence is "exhaustive", but for classes that
    are parts of other objects too: a building has windows, whether they are drawn or not. With `absent_evidence: any`
    these are listed and may be the anomaly as well.
    """

    prefix = "ade20k"

    Options = Ade20kSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="ADE20K (SceneParse150)",
        page="http://sceneparsing.csail.mit.edu",
        licence="annotations BSD-3-Clause; photos: non-commercial research and education only",
        use="noncommercial",
        attribution="MIT CSAIL Computer Vision Group, ADE20K",
        pictures="photographed",
        get=(
            "Fetch ADEChallengeData2016.zip ('Full dataset') from the scene parsing page and unzip it. The full\n"
            "ADE20K release (ADE20K_2021_17_01) has another layout: source `ade20k_full` reads it."
        ),
        layout=(
            "ROOT/images/training/ADE_train_00000001.jpg ...        ROOT/images/validation/...\n"
            "ROOT/annotations/training/ADE_train_00000001.png ...   values: 0 void, 1..150 the classes\n"
            "ROOT/objectInfo150.txt                                 Idx, Ratio, Train, Val, Name (tabs)"
        ),
        cite=(
            "@inproceedings{zhou2017scene, title={Scene Parsing through {ADE20K} Dataset}, "
            "author={Zhou, Bolei and others}, booktitle={CVPR}, year={2017}}"
        ),
    )

    def __init__(self, options: Ade20kSourceOptions) -> None:
        """List the masks and read the names. Raises DataError."""
        required = RequiredFiles(options.root, "see `lavida-gen sources ade20k`")
        _refuse_full_release(options.root)
        self._masks = required.folder(options.root / "annotations" / options.split, "split")
        self._images = required.folder(options.root / "images" / options.split, "split")
        self._info = required.file(options.root / "objectInfo150.txt", "root")
        required.raise_if_missing()
        self._labels, self._synonyms = _read_labels(self._info)
        super().__init__(options, files.list_files(self._masks), self._masks, list(self._labels.values()))
        self.look_at_sample()

    def check_sample(self, sample: Mapping[str, Counts]) -> None:
        """Refuse masks that count from 0, which would shift all names by one. Raises DataError."""
        super().check_sample(sample)
        shifted = [name for name, counts in sample.items() if VOID in counts]
        if shifted and self.options.first == 1:
            values = ", ".join(str(value) for value in list(sample[shifted[0]])[:6])
            got = f"holds the values {values}: labels one lower than ADE20K's and 255 as void (reduce_zero_label)"
            todo = "add `first: 0` to the source, or fetch the masks again"
            raise DataError(problem(self.mask_path(shifted[0]), got, "0 as void and 1 to 150 as classes", todo))

    def related(self) -> Mapping[str, Collection[str]]:
        """The other synonyms of each class, which other data sets may use."""
        return self._synonyms

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """As everything that is annotated completely, but for what other objects may have as a part."""
        return "unannotated" if name.text in PARTS else "exhaustive"

    def image_names(self) -> Sequence[str]:
        """The JPEGs."""
        return files.list_files(self._images, ".jpg")

    def image_path(self, name: str) -> Path:
        """The JPEG of the same name."""
        return files.frame_path(self._images, name)

    def mask_path(self, name: str) -> Path:
        """The PNG of the same name."""
        return files.as_written(self._masks / f"{name}.png")

    def label(self, value: int) -> Label | None:
        """0 is void (255 where classes count from 0); KeyError for values without a class."""
        if self.options.first == 0:
            return None if value == VOID else self._labels[value + 1]
        return self._labels[value] if value else None

    def identity(self) -> Sequence[str]:
        """Digest of the names."""
        return (cache.file_digest(self._info),)


def _refuse_full_release(root: Path) -> None:
    """Raises DataError if this is the full ADE20K, which has another layout."""
    if (root / "annotations").is_dir() and not (root / "images" / "ADE").is_dir():
        return
    has_index = any((root / f"index_ade20k.{kind}").is_file() for kind in ("pkl", "mat"))
    if has_index or next((root / "images").rglob("*_seg.png"), None) is not None:
        got = "is the full ADE20K release (index_ade20k.pkl, *_seg.png), not ADEChallengeData2016"
        todo = "use source `ade20k_full`, or fetch ADEChallengeData2016.zip"
        raise DataError(problem(root, got, "annotations/ with the 150 classes of SceneParse150", todo))


def _read_labels(path: Path) -> tuple[dict[int, Label], dict[str, list[str]]]:
    """Classes by number, each named by the first of its synonyms, and the other synonyms by name. Raises DataError."""
    labels, synonyms = {}, {}
    for number, line in enumerate(read_input(path).decode("utf-8-sig", "replace").splitlines(), start=1):
        row = line.split("\t")
        if not line.strip() or row[0].strip() == "Idx":
            continue
        name, *others = (part.strip() for part in row[-1].split(","))
        if len(row) < 2 or not row[0].strip().isdigit() or not name:
            expected = "a number, ..., and names, separated by tabs"
            raise DataError(problem(f"{path}:{number}", f"{line!r}", expected, "fetch the file again"))
        is_background = name in BACKGROUND
        labels[int(row[0])] = Label(name, "stuff" if is_background else "thing", not is_background)
        if others:
            synonyms[name] = others
    return labels, synonyms
