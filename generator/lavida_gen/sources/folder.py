"""Any folder of images with index masks or binary masks, and a file of names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files, index_masks, names_file
from lavida_gen.annotations.index_masks import Label
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Kind
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._label_maps import LabelMapSource
from lavida_gen.sources._user_rights import UserRightsOptions
from lavida_gen.storage import cache

IMAGES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


class FolderSourceOptions(UserRightsOptions):
    """Options of `folder`."""

    root: LocalPath = Field(description="folder that contains images, masks and names")
    images: str = Field(default="images", description="folder of the images, relative to root")
    masks: str = Field(default="masks", description="folder of the masks, relative to root")
    names: str = Field(default="names.txt", description="file of names, relative to root")
    binary: str | None = Field(default=None, description="masks are binary: the name of all values other than 0")
    void: tuple[int, ...] = Field(default=(255,), description="values without a name that mean unknown")
    background: tuple[str, ...] = Field(default=(), description="names that are never an anomaly")
    suffix: str = Field(default="", description="what a mask's name adds to its image's name, such as _mask")
    dataset: str = Field(
        default="folder",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="first part of the keys, different for each folder",
    )


class FolderSource(LabelMapSource[FolderSourceOptions]):
    """Each mask with its image is a scene; each named value of a mask is one region."""

    prefix = "folder"

    Options = FolderSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Your own images and masks",
        page="none: the files are yours",
        licence="as you hold the files",
        use="forbidden",
        attribution="the owner of the files",
        get=(
            "Put images and masks into two folders, with the same names. Masks are PNGs with one index per pixel\n"
            "(grey or palette), or binary (`binary: crack`). To publish a corpus of them, give their licence and\n"
            "what it allows: `licence: CC-BY-4.0`, `use: free`."
        ),
        layout=(
            "ROOT/images/a.jpg   ROOT/images/b.png ...   (any image; subfolders are kept)\n"
            "ROOT/masks/a.png    ROOT/masks/b.png ...    (same name, always .png)\n"
            "ROOT/names.txt      one name per line: the first is value 0; or 'number name' on each line"
        ),
    )

    def __init__(self, options: FolderSourceOptions) -> None:
        """List the masks and images and read the names. Raises DataError or UserError."""
        self.options = options
        required = RequiredFiles(options.root, "see `lavida-gen sources folder`")
        self._masks = required.folder(required.root / options.masks, "masks")
        self._images = required.folder(required.root / options.images, "images")
        self._names: Path | None = None
        if options.binary is None:
            self._names = required.file(required.root / options.names, "names")
        required.raise_if_missing()
        values = names_file.read(self._names) if self._names else {1: str(options.binary)}
        for name in options.background:
            if name not in values.values():
                where = f"background, {options.names}"
                raise UserError(problem(where, unknown_name("name", name, values.values())))
        self._labels = {value: _label(name, options.background) for value, name in values.items()}
        self._image_files = _list_images(self._images)
        super().__init__(options, self._mask_names(), self._masks, list(self._labels.values()))

    def rights(self) -> SourceInfo:
        """The licence that the recipe states."""
        return self.options.rights(self.about)

    def _mask_names(self) -> list[str]:
        """Names of the masks, without the suffix. Raises DataError if a mask has no image or there are no masks."""
        names = files.list_files(self._masks, f"{self.options.suffix}.png")
        if not names:
            raise DataError(problem(self._masks, "has no *.png", "masks as PNG, named like the images"))
        unpaired = [name for name in names if name not in self._image_files]
        if unpaired:
            more = f" (and {len(unpaired) - 1} more)" if len(unpaired) > 1 else ""
            got = f"has no image {self._images / unpaired[0]}.*{more}"
            raise DataError(problem(self.mask_path(unpaired[0]), got, "one for each mask"))
        return names

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def key(self, number: int) -> str:
        """``DATASET/NAME``."""
        return f"{self.options.dataset}/{self.names[number]}"

    def image_path(self, name: str) -> Path:
        """The image of the same name, whatever its suffix."""
        return self._images / self._image_files[name]

    def mask_path(self, name: str) -> Path:
        """The PNG of the same name."""
        return self._masks / f"{name}{self.options.suffix}.png"

    def read_mask(self, name: str) -> index_masks.Indices:
        """The mask's values; 0 and 1 if it is binary."""
        plane = super().read_mask(name)
        return (plane != 0).view("uint8") if self.options.binary is not None else plane

    def label(self, value: int) -> Label | None:
        """By the names; KeyError for values that neither have one nor are void."""
        if value in self._labels:
            return self._labels[value]
        if value in self.options.void or (value == 0 and self.options.binary is not None):
            return None
        raise KeyError(value)

    def findings(self) -> Iterator[Finding]:
        """Images without a mask, which are no scenes."""
        yield from self.left_out()
        without = len(self._image_files) - len(self.names)
        if without:
            names = set(self.names)
            first = next(path for name, path in sorted(self._image_files.items()) if name not in names)
            text = f"{without:,} of {len(self._image_files):,} images have no mask and were left out, such as {first}"
            yield Finding("note", text)

    def identity(self) -> Sequence[str]:
        """Digest of the names."""
        return (cache.file_digest(self._names),) if self._names else ()


def _label(name: str, background: Sequence[str]) -> Label:
    kind: Literal["thing", "stuff"] = "stuff" if name in background else "thing"
    return Label(name, kind, name not in background)


def _list_images(folder: Path) -> dict[str, str]:
    """Path below `folder` without suffix -> with suffix. Raises DataError if two images differ in the suffix only."""
    images: dict[str, str] = {}
    for base, folders, files_inside in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files_inside:
            path = (Path(base) / file).relative_to(folder)
            if path.suffix.lower() in IMAGES and not file.startswith("."):
                name = files.utf8_name(folder, path.as_posix())[: -len(path.suffix)]
                if name in images:
                    got = f"has the same name as {images[name]}"
                    raise DataError(problem(folder / path, got, "one image for each name"))
                images[name] = path.as_posix()
    return images
