"""Your own pictures with labels for YOLO segmentation: data.yaml, pictures, and a text file of polygons for each.

https://docs.ultralytics.com/datasets/segment
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import ClassVar

from pydantic import Field

from lavida_gen.annotations import files, yolo_txt, yolo_yaml
from lavida_gen.common.digests import sha256_json
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalPath, RequiredFiles, Source, SourceInfo
from lavida_gen.sources._own_pictures import PICTURES, unusable_pictures, upright_file
from lavida_gen.sources._user_rights import UserRightsOptions

SEE = "see `lavida-gen sources yolo_seg`"


class YoloSegSourceOptions(UserRightsOptions):
    """Options of `yolo_seg`."""

    root: LocalPath = Field(description="folder of the data set; nothing outside it is read")
    data: str | None = Field(
        default=None, description="the YAML, relative to root [data.yaml, else the only *.yaml or *.yml of root]"
    )
    split: str = Field(default="train", description="train, val or test, a key of data.yaml")
    background: tuple[str, ...] = Field(default=(), description="names that are never an anomaly")
    dataset: str = Field(
        default="yolo_seg",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="first part of the keys, different for each data set",
    )


class YoloSegSource(Source[YoloSegSourceOptions]):
    """Each picture is a scene; each polygon a region.

    The trainer takes everything outside the polygons for background, so the classes count as annotated completely. A
    class of which there is a box is present, but never the anomaly in its picture.
    """

    Options = YoloSegSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Your own pictures with YOLO segmentation labels",
        page="https://docs.ultralytics.com/datasets/segment",
        licence="as you hold the files",
        use="forbidden",
        attribution="the owner of the files",
        get=(
            "Nothing to fetch: export in the format of YOLO segmentation (Roboflow: YOLOv8, of an instance\n"
            "segmentation project). A picture without a label file, or with an empty one, holds nothing. Labels of\n"
            "detection (five numbers a line) hold no masks and are refused. To publish a corpus of them, give their\n"
            "licence and what it allows: `licence: CC-BY-4.0` and `use: free`."
        ),
        layout=(
            "ROOT/data.yaml                names: [crack, dent], train: images/train, val: images/val\n"
            "ROOT/images/train/a.jpg ...   (paths of another machine in data.yaml are found below ROOT)\n"
            "ROOT/labels/train/a.txt ...   labels/ for the last images/; a line: class x1 y1 x2 y2 ..., 0 to 1"
        ),
    )

    def __init__(self, options: YoloSegSourceOptions) -> None:
        """Read data.yaml and list the pictures; read all labels, on the first call. Raises DataError or UserError."""
        super().__init__(options)
        required = RequiredFiles(options.root, SEE)
        file = required.file(_yaml_file(required.root, options.data), "data", _todo_without_yaml(required.root))
        required.raise_if_missing()
        self.data = yolo_yaml.read(file)
        self.pictures = yolo_yaml.list_pictures(self.data, options.split, options.root, PICTURES)
        self._check_pictures()
        labels = (files.as_written(options.root / yolo_yaml.label_path(picture)) for picture in self.pictures)
        self.labels = [label.relative_to(options.root).as_posix() for label in labels]
        self._summary = yolo_txt.summarize(options.root, self.labels, self.data.names)
        if self._summary.boxes and not self._summary.polygons:
            got = f"all {self._summary.boxes:,} lines of its labels are boxes (five numbers), as for detection"
            raise DataError(problem(f"{file}: {options.split}", got, "polygons: class x1 y1 x2 y2 ...", SEE))
        for name in options.background:
            if name not in self.data.names.values():
                raise UserError(problem("background", unknown_name("name", name, self.data.names.values())))

    def _check_pictures(self) -> None:
        """Raises DataError if two pictures share a label file, or no picture has one."""
        owners: dict[str, str] = {}
        for picture in self.pictures:
            other = owners.setdefault(yolo_yaml.label_path(picture), picture)
            if other != picture:
                got = f"has the same label file {yolo_yaml.label_path(picture)} as {other}"
                raise DataError(problem(self.options.root / picture, got, "one picture for each", "rename one of them"))
        if not any(files.as_written(self.options.root / label).is_file() for label in owners):
            where = f"{self.data.file}: {self.options.split}"
            got = f"none of {len(self.pictures):,} pictures has a label file, such as {next(iter(owners))}"
            stem = PurePosixPath(next(iter(owners))).stem
            others = (name for name in files.list_files(self.options.root, ".txt") if PurePosixPath(name).name == stem)
            got += next((f", and there is {name}.txt" for name in others), "")
            raise DataError(problem(where, got, "labels/ beside images/", SEE))

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.pictures)

    def key(self, number: int) -> str:
        """``DATASET/PICTURE``, without its suffix."""
        return f"{self.options.dataset}/{PurePosixPath(self.pictures[number]).with_suffix('')}"

    def group(self, number: int) -> str:
        """The picture; copies that Roboflow varied at random (a.rf.HASH.jpg) are of one picture."""
        return re.sub(r"\.rf\.[0-9A-Za-z]+$", "", self.key(number))

    def scene(self, number: int) -> Scene:
        """The picture, upright as the trainer reads it, with every polygon as a region."""
        frame = upright_file(self.options.root / self.pictures[number])
        regions = []
        for thing in yolo_txt.read(self.options.root / self.labels[number], self.data.names):
            name, mask = self.data.names[thing.number], thing.draw(frame.size)
            is_background = name in self.options.background
            candidate = mask is not None and not is_background
            regions.append(Region((name,), (mask,), name, "stuff" if is_background else "thing", candidate))
        rights = self.rights()
        return Scene(
            key=self.key(number),
            frames=(frame,),
            size=frame.size,
            regions=tuple(regions),
            licence=rights.licence,
            group=self.group(number),
            attribution=rights.attribution,
        )

    def vocabulary(self) -> Sequence[Name]:
        """The names, in the order of their numbers, each once."""
        numbers = sorted(self.data.names)
        return [Name(text, text) for text in dict.fromkeys(self.data.names[number] for number in numbers)]

    def fingerprint(self) -> str:
        """Digest of the names, the list of pictures and their labels."""
        names = {str(number): name for number, name in self.data.names.items()}
        return sha256_json([names, self.pictures, self._summary.digest])

    def left_out(self) -> Iterator[Finding]:
        """Label files that are malformed."""
        yield from (Finding("dropped", message, 1) for message in self._summary.broken)

    def findings(self) -> Iterator[Finding]:
        """Pictures that are missing or broken, pictures without labels, boxes."""
        yield from self.left_out()
        yield from (Finding("note", f"{self.data.file}: {note}") for note in self._summary.notes)
        looks = [partial(upright_file, self.options.root / picture) for picture in self.pictures]
        yield from unusable_pictures(looks, len(looks))


def _yaml_file(root: Path, given: str | None) -> Path:
    """The YAML of the data set: the one given, data.yaml, else the only one there is."""
    usual = root / (given or "data.yaml")
    if given is not None or usual.is_file():
        return usual
    found = [path for path in sorted(root.glob("*.y*ml")) if path.suffix in (".yaml", ".yml")]
    return found[0] if len(found) == 1 else usual


def _todo_without_yaml(root: Path) -> str:
    """What to do where there is no YAML; Label Studio exports a list of classes in its place."""
    if (root / "classes.txt").is_file():
        return "write it: `names:` with the lines of classes.txt, and `train: images`"
    return f"give `data`; {SEE}"
