"""Any folder of images and index or binary masks, with a file of names: what many users have."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files, index_masks, names_file
from lavida_gen.annotations.index_masks import Label
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.scenes.scene import Kind
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._label_maps import LabelMapSource
from lavida_gen.sources._user_rights import UserRightsOptions
from lavida_gen.storage import cache

IMAGES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


class FolderOptions(UserRightsOptions):
    """Options of `folder`."""

    root: LocalPath = Field(description="folder that holds the images, the masks and the names")
    images: str = Field(default="images", description="folder of the images, relative to root")
    masks: str = Field(default="masks", description="folder of the masks, relative to root")
    names: str = Field(default="names.txt", description="file of names, relative to root")
    binary: str | None = Field(default=None, description="masks are binary: the name of what is not 0 in them")
    void: tuple[int, ...] = Field(default=(255,), description="values without a name that mean: unknown")
    background: tuple[str, ...] = Field(default=(), description="names that are never an anomaly")
    suffix: str = Field(default="", description="what a mask's name has behind its image's, e.g. _mask")
    dataset: str = Field(
        default="folder", pattern=r"^[A-Za-z0-9_-]+$", description="first part of the keys; one for each folder"
    )


class FolderSource(LabelMapSource[FolderOptions]):
    """Each mask with its image is a scene; each named value of a mask one region."""

    prefix = "folder"

    Options = FolderOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Your own images and masks",
        page="none: the files are yours",
        licence="as you hold the files",
        use="forbidden",
        attribution="the owner of the files",
        get=(
            "Put images and masks into two folders, with the same names. Masks are PNGs of one index a pixel (grey or\n"
            "palette), or binary (`binary: crack`). To publish a corpus of them, say under which\n"
            "licence they are and what it allows: `licence: CC-BY-4.0`, `use: free`."
        ),
        layout=(
            "ROOT/images/a.jpg   ROOT/images/b.png ...   (any image; subfolders are kept)\n"
            "ROOT/masks/a.png    ROOT/masks/b.png ...    (same name, always .png)\n"
            "ROOT/names.txt      a name a line: the first is value 0; or 'number name' a line"
        ),
    )

    def __init__(self, options: FolderOptions) -> None:
        """List the masks and images and read the names. Raises DataError or UserError."""
        self.options = options
        required = RequiredFiles(options.root, "see `lavida-gen sources folder`")
        self._masks = required.folder(required.root / options.masks, "masks")
        self._images = required.folder(required.root / options.images, "images")
        self._names = required.file(required.root / options.names, "names") if options.binary is None else None
        required.raise_if_missing()
        values = names_file.read(self._names) if self._names else {1: str(options.binary)}
        for name in options.background:
            if name not in values.values():
                where = f"background, {options.names}"
                raise UserError(problem(where, unknown_name("name", name, values.values())))
        self._label_of = {value: _label(name, options.background) for value, name in values.items()}
        self._image_of = _images(self._images)
        super().__init__(options, self._paired(), self._masks, list(self._label_of.values()))

    def rights(self) -> SourceInfo:
        """As the recipe says."""
        return self.options.rights(self.about)

    def _paired(self) -> list[str]:
        """Names of the masks, less the suffix. Raises DataError where one has no image or there is none at all."""
        names = files.list_files(self._masks, f"{self.options.suffix}.png")
        if not names:
            raise DataError(problem(self._masks, "has no *.png", "masks as PNG, named like the images"))
        lonely = [name for name in names if name not in self._image_of]
        if lonely:
            more = f" (and {len(lonely) - 1} more)" if len(lonely) > 1 else ""
            raise DataError(
                problem(
                    self.mask_path(lonely[0]), f"has no image {self._images / lonely[0]}.*{more}", "one for each mask"
                )
            )
        return names

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def key(self, number: int) -> str:
        """``DATASET/NAME``."""
        return f"{self.options.dataset}/{self.names[number]}"

    def image_path(self, name: str) -> Path:
        """The image of the same name, whatever its ending."""
        return self._images / self._image_of[name]

    def mask_path(self, name: str) -> Path:
        """The PNG of that name."""
        return self._masks / f"{name}{self.options.suffix}.png"

    def read_mask(self, name: str) -> index_masks.Indices:
        """The mask's values; 0 and 1 of a binary one."""
        plane = super().read_mask(name)
        return (plane != 0).view("uint8") if self.options.binary is not None else plane

    def label(self, value: int) -> Label | None:
        """By the names; values without one must be void."""
        if value in self._label_of:
            return self._label_of[value]
        if value in self.options.void or (value == 0 and self.options.binary is not None):
            return None
        raise KeyError(value)

    def problems(self) -> Iterator[str]:
        """Images without a mask: they were left out."""
        without = len(self._image_of) - len(self.names)
        if without:
            first = next(path for name, path in sorted(self._image_of.items()) if name not in set(self.names))
            yield f"{without:,} of {len(self._image_of):,} images have no mask and were left out, such as {first}"

    def identity(self) -> Sequence[str]:
        """Digest of the names."""
        return (cache.file_digest(self._names),) if self._names else ()


def _label(name: str, background: Sequence[str]) -> Label:
    kind: Literal["thing", "stuff"] = "stuff" if name in background else "thing"
    return Label(name, kind, name not in background)


def _images(folder: Path) -> dict[str, str]:
    """Path of each image below `folder` by its path without ending. Raises DataError for two of one name, odd ones."""
    found: dict[str, str] = {}
    for base, folders, inner in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in inner:
            path = (Path(base) / file).relative_to(folder)
            if path.suffix.lower() in IMAGES and not file.startswith("."):
                name = files.utf8_name(folder, path.as_posix())[: -len(path.suffix)]
                if name in found:
                    raise DataError(problem(folder / path, f"has the name of {found[name]}", "one image of a name"))
                found[name] = path.as_posix()
    return found
