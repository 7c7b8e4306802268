"""A data set of the Hugging Face Hub, or one saved to disk, with a column of images and one of index masks.

Needs the `datasets` library: pip install 'lavida-gen[hub]'. https://huggingface.co/docs/datasets
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, model_validator

from lavida_gen.annotations import index_masks
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalPath, Source, SourceInfo, require_folder
from lavida_gen.sources._user_rights import UserRightsOptions
from lavida_gen.storage import cache


class HuggingFaceOptions(UserRightsOptions):
    """Options of `hf`."""

    repo: str | None = Field(default=None, description="data set on the Hub, OWNER/NAME")
    saved: LocalPath | None = Field(default=None, description="folder that Dataset.save_to_disk wrote, instead of repo")
    config: str | None = Field(default=None, description="configuration of the data set, if it has several")
    revision: str | None = Field(default=None, description="commit or tag on the Hub: pin it, data sets change")
    split: str = Field(default="train", description="train, validation, ...")
    image: str = Field(default="image", description="column of images")
    mask: str = Field(default="mask", description="column of masks (images of one index a pixel)")
    names: tuple[str, ...] = Field(min_length=1, description="names of the mask values from 0; '' for one without")
    void: tuple[int, ...] = Field(default=(255,), description="values without a name that mean: unknown")
    background: tuple[str, ...] = Field(default=(), description="names that are never an anomaly")
    dataset: str = Field(
        default="hf", pattern=r"^[A-Za-z0-9_-]+$", description="first part of the keys; one for each data set"
    )

    @model_validator(mode="after")
    def _one_place(self) -> HuggingFaceOptions:
        if (self.repo is None) == (self.saved is None):
            raise ValueError("give either `repo` or `saved`")
        unused = [key for key in ("config", "revision") if getattr(self, key) is not None]
        if self.saved is not None and unused:
            raise ValueError(f"`{unused[0]}` chooses on the Hub, a folder holds one; leave it out with `saved`")
        unknown = [name for name in self.background if name not in self.names]
        if unknown:
            raise ValueError(f"background: {unknown[0]!r} is not among `names`")
        return self


class HuggingFaceSource(Source[HuggingFaceOptions]):
    """Each row is a scene; each named value of its mask one region."""

    Options = HuggingFaceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="A data set of the Hugging Face Hub, or saved to disk",
        page="https://huggingface.co/datasets",
        licence="as its card says",
        use="forbidden",
        attribution="as its card says",
        get=(
            "Nothing to fetch by hand: `repo: OWNER/NAME` is downloaded by the `datasets` library when it is first\n"
            "opened. `saved: DIR` opens what Dataset.save_to_disk wrote. Whether samples may be passed on, the card\n"
            "of the data set says: to publish them, give `licence: ...` and `use: free` or `use: noncommercial`."
        ),
        layout=(
            "A column of images (`image`) and one of index masks (`mask`), both of datasets' Image feature,\n"
            "and `names: [background, person, ...]` in the recipe: the first is value 0."
        ),
    )

    def __init__(self, options: HuggingFaceOptions) -> None:
        """Open the table. Raises DataError or UserError."""
        super().__init__(options)
        self._table = _decoded_by_us(_open(options), options)

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self._table)

    def key(self, number: int) -> str:
        """``DATASET/SPLIT/ROW``."""
        return f"{self.options.dataset}/{self.options.split}/{number:08d}"

    def rights(self) -> SourceInfo:
        """As the recipe says."""
        return self.options.rights(self.about)

    def _bytes(self, number: int, column: str) -> bytes:
        """Encoded image of a cell. Raises DataError."""
        cell = self._table[number][column]
        where = f"{self.key(number)}: column {column!r}"
        if cell is not None and cell.get("bytes") is not None:
            return bytes(cell["bytes"])
        if cell is None or not cell.get("path"):
            raise DataError(problem(where, "is empty", "an image in every row"))
        try:
            return Path(cell["path"]).read_bytes()
        except OSError as error:
            raise DataError(
                problem(where, f"cannot read {cell['path']} ({error.strerror})", "an image file")
            ) from error

    def scene(self, number: int) -> Scene:
        """The image with every named value of its mask as a region."""
        options, key = self.options, self.key(number)
        where = f"{key}: column {options.mask!r}"
        plane = index_masks.read_bytes(self._bytes(number, options.mask), where)
        regions = []
        for value, mask in masks.from_values(plane).items():
            name = options.names[value] if 0 <= value < len(options.names) else ""
            if name:
                back = name in options.background
                regions.append(Region((name,), (mask,), name, "stuff" if back else "thing", not back))
            elif value not in options.void and value >= len(options.names):
                raise DataError(problem(where, f"holds the value {value}", "one that has a name or is void"))
        size = (int(plane.shape[0]), int(plane.shape[1]))
        image = f"{key}: column {options.image!r}"
        return Scene(
            key=key,
            frames=(Frame.encoded_by(lambda: self._bytes(number, options.image), size, image),),
            size=size,
            regions=tuple(regions),
            licence=options.licence or self._table.info.license or self.about.licence,
            group=key,
            attribution=options.attribution or options.repo,
        )

    def vocabulary(self) -> Sequence[Name]:
        """The names, each once."""
        return [Name(name, name) for name in dict.fromkeys(self.options.names) if name]

    @cached_property
    def _digest(self) -> str:
        files = [Path(file["filename"]) for file in self._table.cache_files]
        return " ".join(cache.file_digest(file) for file in files)

    def fingerprint(self) -> str:
        """Digests of the table's Arrow files."""
        return self._digest


def _open(options: HuggingFaceOptions) -> Any:
    """The split as a datasets.Dataset. Raises DataError or UserError."""
    try:
        import datasets
    except ImportError as error:
        todo = "pip install 'lavida-gen[hub]'"
        raise UserError(problem("hf", "the library `datasets` is not installed", todo=todo)) from error
    place = options.saved if options.saved is not None else options.repo
    try:
        if options.saved is not None:
            found = datasets.load_from_disk(str(require_folder(options.saved, "saved", "give the folder")))
        else:
            found = datasets.load_dataset(options.repo, options.config, revision=options.revision)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(problem(place, f"cannot be opened ({error})", "a data set that `datasets` opens")) from error
    if not isinstance(found, dict):
        held = str(found.split or options.split)
        plain = held.partition("[")[0]  # `train[:50%]` is held where a part of it was saved
        if options.split not in (held, plain):
            todo = f"write `split: {plain}`, or give another folder"
            raise UserError(problem("split", f"{place} holds the split {held!r}", repr(options.split), todo))
        return found
    if options.split not in found:
        raise UserError(problem(f"split, {place}", unknown_name("split", options.split, found)))
    return found[options.split]


def _decoded_by_us(table: Any, options: HuggingFaceOptions) -> Any:
    """The two columns, as encoded bytes. Raises UserError where one is missing or holds no images."""
    import datasets

    for option, column in (("image", options.image), ("mask", options.mask)):
        if column not in table.column_names:
            raise UserError(problem(option, unknown_name("column", column, table.column_names)))
        if not isinstance(table.features[column], datasets.Image):
            raise UserError(
                problem(option, f"column {column!r} is {table.features[column]}", "datasets' Image feature")
            )
    table = table.select_columns([options.image, options.mask])
    for column in (options.image, options.mask):
        table = table.cast_column(column, datasets.Image(decode=False))
    return table
