"""Your own images with a JSON of COCO's format, as CVAT, Roboflow, Label Studio, labelme and others export it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lavida_gen.coco.coco_index import CocoIndex, open_index
from lavida_gen.coco.photo_files import PhotoFiles
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.text import shorten
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import LocalOnly, LocalPath, SourceInfo, require_folder
from lavida_gen.sources._coco_images import CocoImageSource
from lavida_gen.sources._user_rights import UserRightsOptions

SEE = "see `lavida-gen sources coco_json`"


class CocoJsonSourceOptions(UserRightsOptions):
    """Options of `coco_json`."""

    root: LocalPath = Field(description="folder that contains the JSON and the images")
    split: str = Field(default="", description="part of the data set: names the JSON and the folder of images")
    annotations: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="the JSON, relative to root or absolute"
    )
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the images, relative to root or absolute"
    )
    dataset: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="first part of the keys, different for each data set [coco_json/ and a digest of the JSON]",
    )
    complete: bool = Field(
        default=False, description="every image is annotated completely: what has no annotation is absent"
    )
    exif: Literal["apply", "as_stored", "stop"] = Field(
        default="stop",
        description="annotations are of photos turned by their EXIF orientation: apply, as_stored, or stop if unclear",
    )


class CocoJsonSource(CocoImageSource[CocoJsonSourceOptions]):
    """Each image of the JSON is a scene; each annotation a region.

    A crowd in one piece is a thing, for CVAT marks every brush mask as a crowd. `neg_category_ids` of an image, as in
    LVIS, are verified to be absent.
    """

    Options = CocoJsonSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Your own images with a COCO JSON",
        page="none: the files are yours",
        licence="as you hold the files",
        use="forbidden",
        attribution="the owner of the files",
        get=(
            "Export your annotations as COCO instances or COCO JSON. To publish a corpus of them, give their licence\n"
            "and what it allows: `licence: CC-BY-4.0`, `use: free`. If every image is annotated completely with all\n"
            "categories, give `complete: true`."
        ),
        layout=(
            "ROOT/annotations/instances_SPLIT.json   ROOT/SPLIT/a.jpg or ROOT/images/SPLIT/a.jpg   (CVAT, COCO)\n"
            "ROOT/SPLIT/_annotations.coco.json       ROOT/SPLIT/a.jpg                              (Roboflow)\n"
            "ROOT/result.json                        ROOT/images/a.jpg                             (Label Studio)\n"
            "ROOT/annotations.json                   ROOT/JPEGImages/a.jpg                         (labelme)\n"
            "ROOT/labels.json                        ROOT/data/a.jpg                               (FiftyOne)\n"
            "or any other place: `annotations`, `images`"
        ),
    )

    def __init__(self, options: CocoJsonSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        root = require_folder(options.root, "root", SEE)
        index = open_index(_json_file(root, options))
        super().__init__(options, index, _image_folder(root, options, index), options.exif, pieces=True)

    def credit(self, number: int) -> tuple[str, str]:
        """As the recipe states them, else as the JSON does."""
        rights = self.rights()
        licence = rights.licence if self.options.licence else self.index.licence(number) or rights.licence
        attribution = rights.attribution if self.options.attribution else self.index.url(number) or rights.attribution
        return licence, attribution

    def key(self, number: int) -> str:
        """``DATASET/SPLIT/IMAGE_ID``, without SPLIT where none is given."""
        dataset = self.options.dataset or f"coco_json/{self.index.digest[:8]}"
        return "/".join(part for part in (dataset, self.options.split, self.index.ident(number)) if part)

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """As the recipe states it."""
        return "exhaustive" if self.options.complete else "unannotated"


def _json_file(root: Path, options: CocoJsonSourceOptions) -> Path:
    """The JSON: the one given, else in a usual place, else the only one there is. Raises DataError."""
    if options.annotations is not None:
        places = [root / options.annotations]
    elif options.split:
        split = options.split
        inside = [f"{split}/{name}" for name in ("_annotations.coco.json", "annotations.json")]
        usual = [f"annotations/instances_{split}.json", *inside, f"annotations/{split}.json", f"{split}.json"]
        places = [root / name for name in usual]
    else:
        usual = ["_annotations.coco.json", "result.json", "annotations.json", "annotations/instances_default.json"]
        places = [root / name for name in usual]
        if not any(place.is_file() for place in places):
            found = [*root.glob("*.json"), *root.glob("annotations/*.json")]
            places = found if len(found) == 1 else places
    for place in places:
        if place.is_file():
            return place
    expected = f"one of {', '.join(map(str, places))}" if len(places) > 1 else "a COCO JSON"
    todo = f"give `annotations` or `split`; {SEE}"
    raise DataError(problem("annotations", f"no file {places[0]}{_others(root)}", expected, todo))


def _others(root: Path) -> str:
    """Which files at most two folders below the root may be meant, for a message."""
    found = [path for depth in ("*", "*/*", "*/*/*") for path in root.glob(depth) if ".json" in path.name.lower()]
    names = sorted(path.relative_to(root).as_posix() for path in found if path.name[0] != ".")
    return f" (there is {shorten(names, 3)})" if names else ""


def _image_folder(root: Path, options: CocoJsonSourceOptions, index: CocoIndex) -> Path:
    """The folder of the images: the one given, else the usual one in which most of some images lie, else the root."""
    if options.images is not None:
        return require_folder(root / options.images, "images", SEE)
    split = [options.split, f"images/{options.split}"] if options.split else []
    folders = [root / name for name in (*split, "images", "JPEGImages", "images/default", "data", "img")]
    existing = [folder for folder in (*folders, index.path.parent, root) if folder.is_dir()]
    listed = [index.file(image) for image in range(0, len(index), 1 + len(index) // 10)] or index.unsized[:10]

    def found(folder: Path) -> int:
        photos = PhotoFiles(folder, lambda: listed)
        return sum(photos.place(name) is not None for name in listed)

    best = max(existing, key=found)
    photos = PhotoFiles(root, lambda: listed)
    return best if found(best) or not any(map(photos.find, listed)) else root
