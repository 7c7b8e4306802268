"""Your own pictures, annotated with labelme: one JSON beside each picture.

https://github.com/wkentaro/labelme
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import ClassVar

from pydantic import Field

from lavida_gen.annotations import files, labelme_json
from lavida_gen.annotations.labelme_index import open_index
from lavida_gen.annotations.labelme_json import LabelmeFile, Shape, Size
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.common.file_names import is_file_name, is_inside
from lavida_gen.common.findings import Finding
from lavida_gen.common.input_file import beside
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalPath, Source, SourceInfo, require_folder
from lavida_gen.sources._own_pictures import PICTURES, unusable_pictures, upright_bytes, upright_file
from lavida_gen.sources._user_rights import UserRightsOptions

SEE = "see `lavida-gen sources labelme`"


class LabelmeSourceOptions(UserRightsOptions):
    """Options of `labelme`."""

    root: LocalPath = Field(description="folder that contains the JSON files and pictures, also in subfolders")
    complete: bool = Field(
        default=False, description="every picture is annotated completely: a label that its JSON has not is absent"
    )
    background: tuple[str, ...] = Field(default=(), description="labels that are never an anomaly")
    dataset: str = Field(
        default="labelme",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="first part of the keys, different for each data set",
    )


class LabelmeSource(Source[LabelmeSourceOptions]):
    """Each JSON is a scene; the shapes of one label and group are a region.

    A label that is only marked by lines or points is present in its scene, but never the anomaly there.
    """

    Options = LabelmeSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Your own pictures, annotated with labelme",
        page="https://github.com/wkentaro/labelme",
        licence="as you hold the files",
        use="forbidden",
        attribution="the owner of the files",
        get=(
            "Nothing to fetch: labelme writes a JSON beside each picture. Pictures without a JSON are no scenes; a\n"
            "JSON without shapes is one in which nothing is. `complete: true` states that everything that has one\n"
            "of the labels is annotated. Masks are drawn as labelme draws them, overlaps belong to both objects. To\n"
            "publish a corpus of them, give their licence and what it allows: `licence: CC-BY-4.0` and `use: free`."
        ),
        layout=(
            "ROOT/a.json      ROOT/a.jpg ...     (any image; subfolders are kept; imagePath may lead to another\n"
            "                                     folder below ROOT; a picture in imageData needs no file)"
        ),
    )

    def __init__(self, options: LabelmeSourceOptions) -> None:
        """Read all labels, on the first call. Raises DataError or UserError."""
        super().__init__(options)
        self.root = require_folder(options.root, "root", SEE)
        self._index = open_index(self.root)
        for name in options.background:
            if name not in self._index.labels:
                raise UserError(problem("background", unknown_name("label", name, self._index.labels)))

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self._index.names)

    def key(self, number: int) -> str:
        """``DATASET/NAME``."""
        return f"{self.options.dataset}/{self._index.names[number]}"

    def scene(self, number: int) -> Scene:
        """The picture with every object as a region."""
        path = files.as_written(self.root / f"{self._index.names[number]}.json")
        file = labelme_json.read(path)
        if file is None:
            raise DataError(problem(path, "has no `shapes` any more", "what it held before", "do not change it"))
        frame = self._frame(file)
        _check_size(path, file.size, frame)
        rights = self.rights()
        return Scene(
            key=self.key(number),
            frames=(frame,),
            size=frame.size,
            regions=tuple(self._regions(file, frame.size)),
            licence=rights.licence,
            group=self.group(number),
            attribution=rights.attribution,
        )

    def _regions(self, file: LabelmeFile, size: Size) -> Iterator[Region]:
        """What is drawn. A label is present without a mask if there is a line of it, or nothing else of it is left."""
        undrawn: dict[str, list[Shape]] = {}
        seen = set()
        for shapes in file.objects():
            label = shapes[0].label
            mask = labelme_json.draw_object(shapes, size)
            if mask is None or any(shape.is_line for shape in shapes):
                undrawn.setdefault(label, []).extend(shapes)
            if mask is not None:
                seen.add(label)
                is_background = label in self.options.background
                yield Region((label,), (mask,), label, "stuff" if is_background else "thing", not is_background)
        for label, shapes in undrawn.items():
            if label not in seen or any(shape.is_line for shape in shapes):
                yield Region((label,), (None,), label, candidate=False)

    def _frame(self, file: LabelmeFile) -> Frame:
        """The picture: from imageData as in labelme, else the file of imagePath. Raises DataError."""
        if file.embedded:
            return upright_bytes(labelme_json.picture_bytes(file), f"{file.path}: imageData")
        return upright_file(self._picture(file.path, file.picture))

    def _picture(self, path: Path, written: str) -> Path:
        """The file of a picture: where imagePath leads inside the root, else beside the JSON. Raises DataError."""
        unified = written.replace("\\", "/")
        folder = path.parent.relative_to(self.root).as_posix()
        target = posixpath.normpath(posixpath.join(folder, unified))
        candidates = [self.root / target] if unified and is_file_name(target) and ":" not in target else []
        candidates += [path.with_name(name) for name in [PurePosixPath(unified).name] if name and "\0" not in name]
        candidates += [path.with_suffix(suffix) for usual in PICTURES for suffix in (usual, usual.upper())]
        inside = (candidate for candidate in candidates if is_inside(self.root, candidate))
        found = next((candidate for candidate in inside if candidate.is_file()), None)
        if found is None:
            got, other = f"no file {candidates[0]}, where imagePath {written!r} leads", beside(candidates[0])
            todo = f"there is {other}" if other else "put it there"
            raise DataError(problem(path, got, "the picture below the root, or in imageData", todo))
        return found

    def vocabulary(self) -> Sequence[Name]:
        """All labels, sorted."""
        return [Name(label, label) for label in self._index.labels]

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """As the user states."""
        return "exhaustive" if self.options.complete else "unannotated"

    def fingerprint(self) -> str:
        """Digest of the JSON files."""
        return self._index.digest

    def left_out(self) -> Iterator[Finding]:
        """Files that are broken."""
        yield from (Finding("dropped", message, 1) for message in self._index.broken)

    def findings(self) -> Iterator[Finding]:
        """Missing pictures, other JSON files, shapes that are no regions."""
        yield from self.left_out()
        yield from (Finding("note", f"{self.root}: {note}") for note in self._index.notes)
        rows = zip(self._index.names, self._index.pictures, self._index.sizes, strict=True)
        looks = [partial(self._look, name, picture, size) for name, picture, size in rows if picture is not None]
        yield from unusable_pictures(looks, len(looks))

    def _look(self, name: str, picture: str, size: Size | None) -> None:
        """Raises DataError if the picture is missing, broken or of another size than the JSON states."""
        path = files.as_written(self.root / f"{name}.json")
        _check_size(path, size, upright_file(self._picture(path, picture)))


def _check_size(path: Path, size: Size | None, frame: Frame) -> None:
    """Raises DataError if the picture of a JSON is not of the size that the JSON states."""
    if size is not None and size != frame.size:
        got = f"imageWidth, imageHeight are {size[1]} x {size[0]}, and {frame.where} is "
        todo = "the picture was changed after it was annotated: annotate it again"
        raise DataError(problem(path, f"{got}{frame.size[1]} x {frame.size[0]}", "one size", todo))
