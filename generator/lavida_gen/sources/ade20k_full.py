"""The full release of ADE20K (2021_17_01): photos with instances of 3,688 classes, and parts of them.

Zhou et al., Semantic Understanding of Scenes through the ADE20K Dataset, IJCV 2019. https://ade20k.csail.mit.edu
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import ade_json, files
from lavida_gen.annotations.ade_index import open_index
from lavida_gen.annotations.ade_json import AdeFile
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._ade import BACKGROUND, is_benchmark
from lavida_gen.sources._base import LocalPath, Source, SourceInfo, SourceOptions, require_folder

SEE = "see `lavida-gen sources ade20k_full`"


class Ade20kFullSourceOptions(SourceOptions):
    """Options of `ade20k_full`."""

    root: LocalPath = Field(description="folder ADE20K_2021_17_01")
    split: Literal["training", "validation"] = Field(default="training", description="training or validation")
    parts: bool = Field(default=False, description="whether parts (the wheel of a car) may be the anomaly")


class Ade20kFullSource(Source[Ade20kFullSourceOptions]):
    """Each photo is a scene; each instance a region, and each part of one another.

    Names are open: a class that is not annotated may be there under another name, so absence is "unannotated". Parts
    are annotated of some things only, so that their masks are incomplete: they are present, but by default never the
    anomaly, and what is a part of such a thing in any photo counts as present in all photos of one.
    """

    Options = Ade20kFullSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="ADE20K, full release (2021_17_01)",
        page="https://ade20k.csail.mit.edu",
        licence="annotations BSD-3-Clause; photos: non-commercial research and education only",
        use="noncommercial",
        attribution="MIT CSAIL Computer Vision Group, ADE20K",
        pictures="photographed",
        get=(
            "Register at the page, fetch the full dataset and unzip it. The scene parsing benchmark with 150 classes\n"
            "(ADEChallengeData2016) is source `ade20k`; photos of one file name are kept in one part of a corpus.\n"
            "Masks are those of *_seg.png and *_parts_1.png, ...: what is visible. The folders of single instances\n"
            "and index_ade20k.pkl are not read. Verified on three photos; not verified: that both releases number\n"
            "their photos alike, and the encoding of all JSON files (Latin-1 is read, too)."
        ),
        layout=(
            "ROOT/images/ADE/training/urban/street/ADE_train_00016869.jpg, .json          ROOT/images/ADE/validation/\n"
            "ROOT/images/ADE/training/urban/street/ADE_train_00016869_seg.png             class, instance\n"
            "ROOT/images/ADE/training/urban/street/ADE_train_00016869_parts_1.png ...     those of parts"
        ),
        cite=(
            "@article{zhou2019semantic, title={Semantic Understanding of Scenes through the {ADE20K} Dataset}, "
            "author={Zhou, Bolei and others}, journal={IJCV}, volume={127}, number={3}, pages={302--321}, year={2019}}"
        ),
    )

    def __init__(self, options: Ade20kFullSourceOptions) -> None:
        """Read all JSON files, on the first call. Raises DataError."""
        super().__init__(options)
        root = require_folder(options.root, "root", SEE)
        if not (root / "images" / "ADE").is_dir() and is_benchmark(root):
            got = f"{root} is the scene parsing benchmark (ADEChallengeData2016)"
            raise DataError(problem("root", got, "the full release", "use source `ade20k`"))
        self.folder: Path = require_folder(root / "images" / "ADE" / options.split, "root", SEE)
        self.index = open_index(self.folder)

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.index.names)

    def key(self, number: int) -> str:
        """``ade20k_full/SPLIT/FOLDERS/NAME``."""
        return f"ade20k_full/{self.options.split}/{self.index.names[number]}"

    def group(self, number: int) -> str:
        """The photo: source `ade20k` gives the same text for a photo of the same name."""
        return f"ade20k/{PurePosixPath(self.index.names[number]).name}"

    def scene(self, number: int) -> Scene:
        """The photo with every instance and part as a region."""
        path = files.as_written(self.folder / f"{self.index.names[number]}.json")
        file = ade_json.read(path)
        regions = tuple(self._regions(file, path))
        parts = (part for region in regions for part in self.index.parts.get(region.category, ()))
        return Scene(
            key=self.key(number),
            frames=(Frame.file(files.as_written(path.with_suffix(".jpg")), file.size),),
            size=file.size,
            regions=regions,
            licence=self.about.licence,
            group=self.group(number),
            attribution=self.about.attribution,
            present=tuple(dict.fromkeys(parts)),
        )

    def _regions(self, file: AdeFile, path: Path) -> Iterator[Region]:
        """What is visible, level by level, then the classes of which nothing is. Raises DataError."""
        texts = {number: own.synonyms[0] for number, own in file.classes.items() if own.synonyms}
        seen = set()
        for level in range(file.levels + 1):
            plane = _plane(path, level)
            for number, mask in ade_json.read_instances(plane):
                if mask.size != file.size:
                    got = f"is {mask.width} x {mask.height}"
                    raise DataError(problem(plane, got, f"{file.size[1]} x {file.size[0]}, imsize of {path.name}"))
                if number not in file.classes:
                    raise DataError(problem(plane, f"holds class {number}", f"a name_ndx of {path.name}"))
                if number in texts:
                    text = texts[number]
                    seen.add(text)
                    is_ground = text in BACKGROUND and not level
                    candidate = not is_ground and (not level or self.options.parts)
                    kind: Literal["thing", "stuff"] = "stuff" if is_ground else "thing"
                    yield Region((text,), (mask,), text, kind, candidate, synset=file.classes[number].synset())
        for text in dict.fromkeys(texts.values()):
            if text not in seen:
                yield Region((text,), (None,), text, candidate=False)

    def vocabulary(self) -> Sequence[Name]:
        """The usual word of every class, sorted, with its synset where the file states one."""
        return self.index.vocabulary

    def related(self) -> Mapping[str, Collection[str]]:
        """The other words of each class: names of other sources may be among them."""
        return self.index.synonyms

    def fingerprint(self) -> str:
        """Digest of the JSON files, and of the names and sizes of the masks."""
        planes = (f"{name}_seg.png" for name in self.index.names)
        return files.names_and_sizes_digest(self.folder, planes, self.index.digest)

    def left_out(self) -> Iterator[Finding]:
        """JSON files that are broken."""
        yield from (Finding("dropped", message, 1) for message in self.index.broken)

    def findings(self) -> Iterator[Finding]:
        """Missing photos and masks, odd files."""
        yield from self.left_out()
        yield from (Finding("note", f"{self.folder}: {note}") for note in self.index.notes)
        bases = (self.folder / f"{name}.json" for name in self.index.names)
        yield from files.missing_files((files.as_written(path.with_suffix(".jpg")), _plane(path, 0)) for path in bases)


def _plane(path: Path, level: int) -> Path:
    """The picture of classes and instances of a level, beside the JSON."""
    return files.as_written(path.with_name(f"{path.stem}_parts_{level}.png" if level else f"{path.stem}_seg.png"))
