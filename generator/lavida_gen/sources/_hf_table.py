"""A table of the Hugging Face Hub, or one saved to disk: its options, how it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lavida_gen.annotations import json_file
from lavida_gen.common.errors import UserError, problem, unknown_name
from lavida_gen.common.extras import require
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.input_file import MAX_STREAM, open_input, parsing
from lavida_gen.sources._base import LocalOnly, require_folder
from lavida_gen.sources._user_rights import UserRightsOptions

if TYPE_CHECKING:
    from datasets import Dataset

ENCODED = ("binary", "string")
"""Types of single values that may be an image: its bytes, or their base64."""


class HuggingFaceSourceOptions(UserRightsOptions):
    """Options of `hf`."""

    repo: str | None = Field(
        default=None, pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)?$", description="dataset on the Hub, OWNER/NAME"
    )
    saved: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder that Dataset.save_to_disk wrote, instead of repo"
    )
    config: str | None = Field(default=None, description="configuration of the dataset, if it has several")
    revision: str | None = Field(default=None, description="commit or tag on the Hub; pin it, since datasets change")
    split: str = Field(default="train", description="train, validation, ...")
    image: str = Field(default="image", description="column of images")
    mask: str = Field(
        default="mask",
        description="column of masks: one index per pixel, or several masks or objects with a label each",
    )
    labels: str | None = Field(
        default=None, description="column with a number or name for each mask, where rows have several masks"
    )
    complete: bool = Field(
        default=True,
        description="every picture is annotated with all of the names; false: a name without a mask may be in it",
    )
    names: tuple[str, ...] = Field(default=(), description="names of the mask values from 0; '' if one has no name")
    binary: str | None = Field(
        default=None, min_length=1, description="masks are binary: the name of what is white, instead of names"
    )
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
        if bool(self.names) == (self.binary is not None):
            raise ValueError("give either `names` or `binary`")
        unknown = [name for name in self.background if name not in self.names]
        if unknown:
            raise ValueError(f"background: {unknown[0]!r} is not one of `names`")
        return self


def open_table(options: HuggingFaceSourceOptions) -> Dataset:
    """Open the split.

    Args:
        options: The source's options.

    Returns:
        The columns of it that are read.

    Raises:
        DataError: It cannot be opened.
        UserError: An option does not fit it, or the `datasets` library is missing.
    """
    require("datasets", "hf")
    import datasets

    origin = options.saved if options.saved is not None else options.repo
    folder = None if options.saved is None else require_folder(options.saved, "saved", "give the folder")
    if folder is not None:
        _check_files(folder)
    with parsing(origin, "a dataset that `datasets` can open", got="cannot be opened"):
        if folder is not None:
            opened = datasets.load_from_disk(str(folder))
        else:
            opened = datasets.load_dataset(options.repo, options.config, revision=options.revision)
    if isinstance(opened, datasets.Dataset):
        _check_split(opened, options, origin)
    elif options.split not in opened:
        raise UserError(problem(f"split, {origin}", unknown_name("split", options.split, opened)))
    else:
        opened = opened[options.split]
    columns = _columns(opened, options)
    with parsing(origin, "a whole table", "save it again, or download it again", got="is damaged"):
        columns.data.validate(full=True)  # Arrow trusts a file's offsets: rows of a damaged one would end the process
    return columns


def _check_files(folder: Path) -> None:
    """Raises DataError if the JSON files of a saved table name files that are not below it, or are no files."""
    splits, tables = folder / "dataset_dict.json", [folder]
    if splits.is_file():
        names = json_file.member(json_file.load(splits), "splits", list, splits)
        tables = [path_inside(folder, str(name), splits, "save it again", "the table") for name in names]
    for table in tables:
        state = table / "state.json"
        if state.is_file():
            for entry in json_file.member(json_file.load(state), "_data_files", list, state):
                name = json_file.text(entry, "filename", state)
                arrow = path_inside(table, name, state, "save it again", "the table")
                open_input(arrow, MAX_STREAM, "an Arrow file", "save it again").close()  # `datasets` waits for a FIFO


def _check_split(table: Dataset, options: HuggingFaceSourceOptions, origin: object) -> None:
    """Raises UserError if a single saved split is not the one that the options name."""
    saved = str(table.split or options.split)
    name = saved.partition("[")[0]  # the split of a part is saved as `train[:50%]`
    if options.split not in (saved, name):
        todo = f"write `split: {name}`, or give another folder"
        raise UserError(problem("split", f"{origin} contains the split {saved!r}", repr(options.split), todo))


def _columns(table: Dataset, options: HuggingFaceSourceOptions) -> Dataset:
    """The columns that are read. Raises UserError if one is missing or of another kind."""
    import datasets

    columns = {"image": options.image, "mask": options.mask, "labels": options.labels}
    expected = {"image": "images", "mask": "masks: images, lists of numbers, run lengths or objects"}
    for option, column in columns.items():
        if column is None:
            continue
        if column not in table.column_names:
            raise UserError(problem(option, unknown_name("column", column, table.column_names)))
        feature = table.features[column]
        is_value = isinstance(feature, datasets.Value | datasets.ClassLabel)
        if option in expected and is_value and feature.dtype.removeprefix("large_") not in ENCODED:
            raise UserError(problem(option, f"column {column!r} is {feature}", expected[option]))
        _check_names(options.names, _class_names(feature), column)
    return table.select_columns(list(dict.fromkeys(column for column in columns.values() if column is not None)))


def _class_names(feature: object) -> list[str]:
    """The names that a column itself states (ClassLabel), at any depth; none if it does not."""
    import datasets

    if isinstance(feature, datasets.ClassLabel):
        return [str(name) for name in feature.names]
    inner = feature.values() if isinstance(feature, Mapping) else [getattr(feature, "feature", None)]
    return next((names for part in inner if part is not None and (names := _class_names(part))), [])


def _check_names(names: Sequence[str], stated: Sequence[str], column: str) -> None:
    """Raises UserError if a name has another number in the column: all names would be shifted."""
    for number, name in enumerate(names):
        if name in stated and (number >= len(stated) or stated[number] != name):
            got = f"{name!r} is number {number}; column {column!r} states that it is number {stated.index(name)}"
            raise UserError(problem("names", got, f"names: [{', '.join(stated[:6])}{', ...' if stated[6:] else ''}]"))


def folders_of(options: HuggingFaceSourceOptions) -> tuple[Path, ...]:
    """The folders of a table, below which the paths in its cells may lead: a table can name any file of this machine.

    Args:
        options: The source's options.

    Returns:
        The saved folder; or what was downloaded of the repository, and the archives that `datasets` has unpacked.
    """
    if options.saved is not None:
        return (options.saved.expanduser().absolute(),)
    from datasets import config
    from huggingface_hub import constants

    own = Path(constants.HF_HUB_CACHE) / f"datasets--{str(options.repo).replace('/', '--')}"
    return (own.absolute(), Path(config.EXTRACTED_DATASETS_PATH).absolute())


def empty_rows(table: Dataset, column: str) -> NDArray[np.int64]:
    """Which rows have no value.

    Args:
        table: A table.
        column: Name of a column.

    Returns:
        Numbers of the rows whose cell is null, int64; none are known if the table selects its rows from another one.
    """
    if len(table.data) != len(table):
        return np.zeros(0, np.int64)
    return np.flatnonzero(table.data.column(column).is_null().to_numpy())
