"""Any folder of images with index masks or binary masks, and a file of names."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from lavida_gen.annotations import binary_masks, files, index_masks
from lavida_gen.classes import names_file
from lavida_gen.classes.label import Label
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.common.file_names import plain_name
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.scene import Kind, Name
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._label_maps import Counts, LabelMapSource
from lavida_gen.sources._user_rights import UserRightsOptions
from lavida_gen.storage import cache

IMAGES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
LOSSLESS = (".png", ".tif", ".tiff", ".bmp")
"""Formats of index masks."""
LOSSY = binary_masks.LOSSY
COLOUR_NOISE = 24
"""Difference of the channels of a grey pixel that a JPEG leaves."""
MOST_OF_A_PICTURE = 0.7
"""Binary masks that cover more than this of most pictures look inverted."""


class FolderSourceOptions(UserRightsOptions):
    """Options of `folder`."""

    root: LocalPath = Field(description="folder that contains images, masks and names")
    images: str = Field(default="images", description="folder of the images, relative to root")
    masks: str = Field(default="masks", description="folder of the masks, relative to root")
    names: str = Field(default="names.txt", description="file of names (text, CSV, JSON, YAML), relative to root")
    binary: str | None = Field(default=None, min_length=1, description="masks are binary: the name of what is white")
    inverted: bool | None = Field(
        default=None,
        description="binary masks: true: black is the thing; false: white is, though it covers most of the pictures",
    )
    complete: bool = Field(
        default=True,
        description="every picture is annotated with all of the names; false: a name without a mask may be in it",
    )
    void: tuple[int, ...] = Field(default=(255,), description="values without a name that mean unknown")
    background: tuple[str, ...] = Field(default=(), description="names that are never an anomaly")
    suffix: str = Field(default="", description="what a mask's name adds to its image's name, such as _mask")
    dataset: str = Field(
        default="folder",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="first part of the keys, different for each folder",
    )

    @model_validator(mode="after")
    def _inverted_is_binary(self) -> FolderSourceOptions:
        if self.inverted is not None and self.binary is None:
            raise ValueError("`inverted` is for binary masks; give `binary: NAME` too, or leave it out")
        return self


class FolderSource(LabelMapSource[FolderSourceOptions]):
    """Each mask with its image is a scene; each named value of a mask is one region.

    By default each picture counts as annotated with all of the names: what has no mask in it is not there. Where people
    drew only some of what is there, give `complete: false`.
    """

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
            "(grey or palette), or binary (`binary: crack`; JPEGs too). If not everything that has a name is drawn in\n"
            "every picture, give `complete: false`. To publish a corpus of them, give their licence and what it\n"
            "allows: `licence: CC-BY-4.0`, `use: free`."
        ),
        layout=(
            "ROOT/images/a.jpg   ROOT/images/b.png ...   (any image; subfolders are kept)\n"
            "ROOT/masks/a.png    ROOT/masks/b.png ...    (same name, .png, .tif or .bmp)\n"
            "ROOT/names.txt      one name per line: the first is value 0; or 'number name' on each line;\n"
            "                    or labelme's labels.txt; or a table, JSON or YAML (`names: names.csv`)"
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
        self._image_files = _list_files(self._images, IMAGES)
        self._mask_files = self._list_masks()
        super().__init__(options, sorted(self._mask_files), self._masks, list(self._labels.values()))
        self.look_at_sample()

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """By the option `complete`."""
        return "exhaustive" if self.options.complete else "unannotated"

    def _list_masks(self) -> dict[str, str]:
        """Path of each mask by the name of its image. Raises DataError if there are none."""
        masks: dict[str, str] = {}
        for ending in reversed(LOSSLESS):  # a PNG before others of its name
            masks |= _list_files(self._masks, (ending,), self.options.suffix)
        lossy = _list_files(self._masks, LOSSY, self.options.suffix)
        if self.options.binary is not None:
            masks = lossy | masks
        elif not masks and lossy:
            got = f"holds {next(iter(lossy.values()))}, and no {' or '.join(LOSSLESS)}"
            todo = "export the masks as PNG: JPEG changes indices; only `binary` masks may be JPEG"
            raise DataError(problem(self._masks, got, "masks with one index per pixel", todo))
        if not masks:
            found = next((path for path in sorted(self._masks.rglob("*")) if path.is_file()), None)
            got = f"has no *{self.options.suffix}.png" + (f", but {found.name}" if found else "")
            raise DataError(problem(self._masks, got, "masks as PNG, named like the images"))
        masks = self._named_like_images(masks)
        self._unpaired = [path for name, path in sorted(masks.items()) if name not in self._image_files]
        paired = {name: path for name, path in masks.items() if name in self._image_files}
        if not paired:
            got = f"no mask has an image of its name in {self._images}, such as {self._unpaired[0]}"
            ends = {self._more_than_image(name) for name in masks}
            todo = (
                f"give `suffix: {ends.pop()}`" if len(ends) == 1 and "" not in ends else "give `suffix` if names differ"
            )
            raise DataError(problem(self._masks, got, "masks named like the images", todo))
        return paired

    def _named_like_images(self, masks: Mapping[str, str]) -> dict[str, str]:
        """Masks by the names of their images, also where a system wrote accents or capitals in another way."""
        if masks.keys() <= self._image_files.keys():
            return dict(masks)
        images: dict[str, list[str]] = {}
        for name in self._image_files.keys() - masks.keys():
            images.setdefault(plain_name(name), []).append(name)
        return {_only(name, images) if name not in self._image_files else name: path for name, path in masks.items()}

    def _more_than_image(self, name: str) -> str:
        """What the name of a mask adds to the longest name of an image that it begins with, "" if to none."""
        starts = (name[:end] for end in range(len(name) - 1, 0, -1))
        return name[len(next((start for start in starts if start in self._image_files), name)) :]

    def check_sample(self, sample: Mapping[str, Counts]) -> None:
        """Refuse 0 and 255 where indices belong, and binary masks that look inverted. Raises DataError."""
        values = {value for counts in sample.values() for value in counts}
        if self.options.binary is not None:
            self._check_inverted(sample)
        elif 255 in values <= {0, 255} and 255 not in self._labels and "void" not in self.options.model_fields_set:
            thing = next((label.name for value, label in sorted(self._labels.items()) if value > 0), "NAME")
            todo = f"if 255 is the thing, write `binary: {thing}` instead of `names`; if it is unknown, `void: [255]`"
            got = "holds the values 0 and 255 alone, as all masks looked at do"
            raise DataError(problem(self.mask_path(next(iter(sample))), got, "indices of the names", todo))
        if len(sample) == len(self.names):  # pictures without a defect have empty masks, and may be most of all
            super().check_sample(sample)

    def _check_inverted(self, sample: Mapping[str, Counts]) -> None:
        shares = {name: counts.get(1, 0) / sum(counts.values()) for name, counts in sample.items()}
        if not shares or self.options.inverted is not None or median(shares.values()) <= MOST_OF_A_PICTURE:
            return
        name = max(shares, key=shares.__getitem__)
        counts = sample[name]
        got = (
            f"{self.options.binary!r} covers {100 * shares[name]:.0f} % of the picture "
            f"({counts[1]} of {sum(counts.values())} px){', and of most others' if len(sample) > 1 else ''}: "
            "the masks look inverted"
        )
        todo = "write `inverted: true` if black is the thing, `inverted: false` if it does cover so much"
        raise DataError(problem(self.mask_path(name), got, "white where the thing is", todo))

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
        """The mask of the same name, whatever its format."""
        return self._masks / self._mask_files[name]

    def read_mask(self, name: str) -> index_masks.Indices:
        """The mask's values; 0 and 1 if it is binary."""
        path = self.mask_path(name)
        if self.options.binary is None:
            return index_masks.read(path)
        plane = index_masks.read(path, COLOUR_NOISE, shown=True)
        bits = binary_masks.to_bits(plane, path, path.suffix.lower() in LOSSY)
        return np.subtract(1, bits, dtype=np.uint8) if self.options.inverted else bits

    def label(self, value: int) -> Label | None:
        """By the names; KeyError for values that neither have one nor are void."""
        if value in self._labels:
            return self._labels[value]
        if value in self.options.void or (value == 0 and self.options.binary is not None):
            return None
        raise KeyError(value)

    def todo_of_value(self, value: int) -> str:
        """Lists that begin with the first class are one short: they have no name for value 0."""
        todo = f"name it in {self.options.names}, or add it to `void`"
        if value == len(self._labels) and min(self._labels) == 0:
            todo += f"; if value 1 is {self._labels[0].name!r}, number the names: '1 {self._labels[0].name}', ..."
        return todo

    def left_out(self) -> Iterator[Finding]:
        """Masks without an image."""
        if self._unpaired:
            path, count = Path(self._unpaired[0]), len(self._unpaired)
            stem = path.with_suffix("").as_posix().removesuffix(self.options.suffix)
            more = f" (and {count - 1:,} more)" if count > 1 else ""
            text = problem(self._masks / path, f"has no image {self._images / stem}.*{more}", "one for each mask")
            yield Finding("dropped", text, count)

    def findings(self) -> Iterator[Finding]:
        """Images without a mask, which are no scenes; images and masks that do not fit."""
        yield from self.left_out()
        yield from self.unusable_pictures()
        without = len(self._image_files) - len(self.names)
        if without:
            names = set(self.names)
            first = next(path for name, path in sorted(self._image_files.items()) if name not in names)
            text = f"{without:,} of {len(self._image_files):,} images have no mask and were left out, such as {first}"
            yield Finding("note", text)

    def identity(self) -> Sequence[str]:
        """Digest of the names."""
        return (cache.file_digest(self._names),) if self._names else ()


def _only(name: str, images: Mapping[str, Sequence[str]]) -> str:
    """The only image that a mask's name means, the name itself if there is none."""
    found = images.get(plain_name(name), ())
    return found[0] if len(found) == 1 else name


def _label(name: str, background: Sequence[str]) -> Label:
    kind: Literal["thing", "stuff"] = "stuff" if name in background else "thing"
    return Label(name, kind, name not in background)


def _list_files(folder: Path, formats: Collection[str], suffix: str = "") -> dict[str, str]:
    """Name (path below `folder` without suffix and format) -> path. Raises DataError if two files have one name."""
    found: dict[str, str] = {}
    for base, folders, files_inside in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files_inside:
            path = (Path(base) / file).relative_to(folder)
            if path.suffix.lower() not in formats or not path.stem.endswith(suffix) or file.startswith("."):
                continue
            name = files.utf8_name(folder, path.as_posix())[: -len(path.suffix) - len(suffix) or None]
            if name in found:
                got = f"has the same name as {found[name]}"
                raise DataError(problem(folder / path, got, "one file for each name"))
            found[name] = path.as_posix()
    return found
