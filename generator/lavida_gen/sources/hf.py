"""A dataset of the Hugging Face Hub, or one saved to disk, with a column of images and a column of index masks.

Needs the `datasets` library: pip install 'lavida-gen[hub]'. https://huggingface.co/docs/datasets
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from lavida_gen.annotations import index_masks
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.scenes import masks
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalOnly, Source, SourceInfo, require_folder
from lavida_gen.sources._user_rights import UserRightsOptions
from lavida_gen.storage import cache

if TYPE_CHECKING:
    from datasets import Dataset


class HuggingFaceSourceOptions(UserRightsOptions):
    """Options of `hf`."""

    repo: str | None = Field(default=None, description="dataset on the Hub, OWNER/NAME")
    saved: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder that Dataset.save_to_disk wrote, instead of repo"
    )
    config: str | None = Field(default=None, description="configuration of the dataset, if it has several")
    revision: str | None = Field(default=None, description="commit or tag on the Hub; pin it, since datasets change")
    split: str = Field(default="train", description="train, validation, ...")
    image: str = Field(default="image", description="column of images")
    mask: str = Field(default="mask", description="column of masks (images with one index per pixel)")
    names: tuple[str, ...] = Field(min_length=1, description="names of the mask values from 0; '' if one has no name")
    void: tuple[int, ...] = Field(default=(255,), description="values without a name that mean unknown")
    background: tuple[str, ...] = Field(default=(), description="names that are never an anomaly")
    dataset: str = Field(
        default="hf",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="first part of the keys, different for each dataset",
    )

    @model_validator(mode="after")
    def _one_place(self) -> HuggingFaceSourceOptions:
        if (self.repo is None) == (self.saved is None):
            raise ValueError("give either `repo` or `saved`")
        unused = [key for key in ("config", "revision") if getattr(self, key) is not None]
        if self.saved is not None and unused:
            raise ValueError(f"`{unused[0]}` applies to datasets on the Hub; leave it out with `saved`")
        unknown = [name for name in self.background if name not in self.names]
        if unknown:
            raise ValueError(f"background: {unknown[0]!r} is not one of `names`")
        return self


class HuggingFaceSource(Source[HuggingFaceSourceOptions]):
    """Each row is a scene; each named value of its mask is one region."""

    Options = HuggingFaceSourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="A dataset of the Hugging Face Hub, or one saved to disk",
        page="https://huggingface.co/datasets",
        licence="as its card says",
        use="forbidden",
        attribution="as its card says",
        get=(
            "Nothing to fetch by hand: the `datasets` library downloads `repo: OWNER/NAME` when it is first opened.\n"
            "`saved: DIR` opens what Dataset.save_to_disk wrote. The card of the dataset states whether samples may\n"
            "be passed on: to publish them, give `licence: ...` and `use: free` or `use: noncommercial`."
        ),
        layout=(
            "A column of images (`image`) and one of index masks (`mask`), both of datasets' Image feature,\n"
            "and `names: [background, person, ...]` in the recipe: the first is value 0."
        ),
    )

    def __init__(self, options: HuggingFaceSourceOptions) -> None:
        """Open the table. Raises DataError or UserError."""
        super().__init__(options)
        self._table = _encoded_columns(_open(options), options)

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
        """The licence that the recipe states."""
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
            got = f"cannot read {cell['path']} ({error.strerror})"
            raise DataError(problem(where, got, "an image file")) from error

    def scene(self, number: int) -> Scene:
        """The image with every named value of its mask as a region."""
        options, key = self.options, self.key(number)
        where = f"{key}: column {options.mask!r}"
        plane = index_masks.read_bytes(self._bytes(number, options.mask), where)
        regions = []
        for value, mask in masks.from_values(plane).items():
            name = options.names[value] if 0 <= value < len(options.names) else ""
            if name:
                is_background = name in options.background
                kind: Literal["thing", "stuff"] = "stuff" if is_background else "thing"
                regions.append(Region((name,), (mask,), name, kind, not is_background))
            elif value not in options.void and value >= len(options.names):
                raise DataError(problem(where, f"holds the value {value}", "one that has a name or is void"))
        size = (int(plane.shape[0]), int(plane.shape[1]))
        image_where = f"{key}: column {options.image!r}"
        return Scene(
            key=key,
            frames=(Frame.encoded_by(lambda: self._bytes(number, options.image), size, image_where),),
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


def _open(options: HuggingFaceSourceOptions) -> Dataset:
    """The split as a datasets.Dataset. Raises DataError or UserError."""
    try:
        import datasets
    except ImportError as error:
        todo = "pip install 'lavida-gen[hub]'"
        raise UserError(problem("hf", "the library `datasets` is not installed", todo=todo)) from error
    origin = options.saved if options.saved is not None else options.repo
    try:
        if options.saved is not None:
            opened = datasets.load_from_disk(str(require_folder(options.saved, "saved", "give the folder")))
        else:
            opened = datasets.load_dataset(options.repo, options.config, revision=options.revision)
    except DataError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        got = f"cannot be opened ({error})"
        raise DataError(problem(origin, got, "a dataset that `datasets` can open")) from error
    if isinstance(opened, datasets.Dataset):
        _check_split(opened, options, origin)
        return opened
    if options.split not in opened:
        raise UserError(problem(f"split, {origin}", unknown_name("split", options.split, opened)))
    return opened[options.split]


def _check_split(table: Dataset, options: HuggingFaceSourceOptions, origin: object) -> None:
    """Raises UserError if a single saved split is not the one that the options name."""
    saved = str(table.split or options.split)
    name = saved.partition("[")[0]  # the split of a part is saved as `train[:50%]`
    if options.split not in (saved, name):
        todo = f"write `split: {name}`, or give another folder"
        raise UserError(problem("split", f"{origin} contains the split {saved!r}", repr(options.split), todo))


def _encoded_columns(table: Dataset, options: HuggingFaceSourceOptions) -> Dataset:
    """The two columns, as encoded bytes. Raises UserError if one is missing or does not contain images."""
    import datasets

    for option, column in (("image", options.image), ("mask", options.mask)):
        if column not in table.column_names:
            raise UserError(problem(option, unknown_name("column", column, table.column_names)))
        if not isinstance(table.features[column], datasets.Image):
            got = f"column {column!r} is {table.features[column]}"
            raise UserError(problem(option, got, "the Image feature of `datasets`"))
    table = table.select_columns([options.image, options.mask])
    for column in (options.image, options.mask):
        table = table.cast_column(column, datasets.Image(decode=False))
    return table
