"""A dataset of the Hugging Face Hub, or one saved to disk, with a column of images and a column of masks.

Needs the `datasets` library: pip install 'lavida-gen[hub]'. https://huggingface.co/docs/datasets
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from lavida_gen.annotations import binary_masks, index_masks
from lavida_gen.annotations.index_masks import Indices
from lavida_gen.classes import names_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes import images, masks
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import Source, SourceInfo
from lavida_gen.sources._hf_cells import LabelledMask, image_bytes, read_masks, with_files
from lavida_gen.sources._hf_table import HuggingFaceSourceOptions, empty_rows, folders_of, open_table
from lavida_gen.storage import cache

SAMPLE, LARGE_SAMPLE = 8, 100
"""Rows that are looked at when a table is opened, and if there is something wrong with all of these."""


class HuggingFaceSource(Source[HuggingFaceSourceOptions]):
    """Each row is a scene; each named value of its mask is one region, or each of its masks.

    By default each picture counts as annotated with all of the names: what has no mask in it is not there. Where people
    drew only some of what is there, set `complete: false`.
    """

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
            "A column of images (`image`) and one of masks (`mask`), and `names: [background, person, ...]` in the\n"
            "recipe: the first is value 0. Masks: images, bytes or lists with one index per pixel; or a list of\n"
            "masks or run lengths with a column of labels (`labels`); or objects with `segmentation` and `category`.\n"
            "If not everything that has a name is drawn in every picture, set `complete: false`."
        ),
    )

    def __init__(self, options: HuggingFaceSourceOptions) -> None:
        """Open the table. Raises DataError or UserError."""
        super().__init__(options)
        self._table = open_table(options)
        self._folders = folders_of(options)
        self._stored = self._table.with_format("arrow")  # images as they are encoded
        self._empty = {column: empty_rows(self._table, column) for column in (options.image, options.mask)}
        empty = np.unique(np.concatenate([*self._empty.values(), np.zeros(0, np.int64)]))
        self._rows = np.setdiff1d(np.arange(len(self._table)), empty)
        self._names: tuple[str, ...] = options.names or ("", str(options.binary))
        if self._names[0] == names_file.LABELME:  # labelme counts from -1
            self._names = self._names[1:]
        self._look_at_sample()

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, number: int) -> str:
        """``DATASET/SPLIT/ROW``."""
        return f"{self.options.dataset}/{self.options.split}/{int(self._rows[number]):08d}"

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """By the option `complete`."""
        return "exhaustive" if self.options.complete else "unannotated"

    def left_out(self) -> Iterator[Finding]:
        """Rows without an image or without masks."""
        for column, rows in self._empty.items():
            if len(rows):
                where = f"{self.options.dataset}: column {column!r}"
                got = f"is empty in {len(rows):,} of {len(self._table):,} rows, the first is row {int(rows[0])}"
                yield Finding("dropped", problem(where, got, "an image and masks in every row"), len(rows))

    def _cell(self, number: int, column: str) -> object:
        """What the table holds, with images as they are encoded."""
        cell = self._stored[int(self._rows[number])].column(column)[0].as_py()
        return with_files(cell, self._folders, f"{self.key(number)}: column {column!r}")

    def _image(self, number: int) -> bytes:
        """The encoded picture. Raises DataError."""
        return image_bytes(self._cell(number, self.options.image), f"{self.key(number)}: column {self.options.image!r}")

    def _look_at_sample(self) -> None:
        """Raises DataError if masks hold 0 and 255 alone, where indices belong, and nobody wrote that 255 is void."""
        if self.options.binary is not None or "void" in self.options.model_fields_set or len(self._names) > 255:
            return
        if all(255 in values <= {0, 255} for values in map(self._values, (SAMPLE, LARGE_SAMPLE))):
            thing = next((name for name in self._names[1:] if name), "NAME")
            got = "holds the values 0 and 255 alone, as all masks looked at do"
            todo = f"if 255 is the thing, write `binary: {thing}` instead of `names`; if it is unknown, `void: [255]`"
            raise DataError(problem(f"{self.key(0)}: column {self.options.mask!r}", got, "indices of the names", todo))

    def _values(self, rows: int) -> set[int]:
        """Values of the masks of some rows; -1 for rows of several masks."""
        values: set[int] = set()
        for number in range(0, len(self), max(1, -(-len(self) // rows))):
            with suppress(DataError):
                found = self._read_masks(number)
                values |= {-1} if isinstance(found, list) else index_masks.count_values(found).keys()
        return values

    def _picture_size(self, number: int) -> tuple[int, int]:
        """(H, W) of the picture. Raises DataError."""
        return images.probe(self._image(number), f"{self.key(number)}: column {self.options.image!r}").size

    def _read_masks(self, number: int) -> Indices | list[LabelledMask]:
        """The masks of a row. Raises DataError."""
        where = f"{self.key(number)}: column {self.options.mask!r}"
        cell, binary = self._cell(number, self.options.mask), self.options.binary is not None
        found = read_masks(cell, lambda: self._picture_size(number), binary, where)
        return found if isinstance(found, list) or not binary else binary_masks.to_bits(found, where)

    def scene(self, number: int) -> Scene:
        """The image with every named value of its mask as a region."""
        options, key = self.options, self.key(number)
        where = f"{key}: column {options.mask!r}"
        image_where = f"{key}: column {options.image!r}"
        found = self._read_masks(number)
        if isinstance(found, list):
            labelled = self._labelled(found, number, where)
            size = next((mask.size for _, mask in labelled if mask is not None), None) or self._picture_size(number)
        else:
            size = (int(found.shape[0]), int(found.shape[1]))
            labelled = [(self._name(value, where), mask) for value, mask in masks.from_values(found, where).items()]
        return Scene(
            key=key,
            frames=(Frame.encoded_by(lambda: self._image(number), size, image_where),),
            size=size,
            regions=tuple(self._region(name, mask) for name, mask in labelled if name),
            licence=options.licence or self._table.info.license or self.about.licence,
            group=key,
            attribution=options.attribution or options.repo,
        )

    def _region(self, name: str, mask: RLE | None) -> Region:
        is_background = name in self.options.background
        kind: Literal["thing", "stuff"] = "stuff" if is_background else "thing"
        return Region((name,), (mask,), name, kind, mask is not None and not is_background)

    def _labelled(self, found: Sequence[LabelledMask], number: int, where: str) -> list[tuple[str, RLE | None]]:
        """Name and mask of each of several masks. Raises DataError."""
        stated: list[object] = [one.label for one in found]
        if self.options.labels is not None:
            column = self._cell(number, self.options.labels)
            stated = column if isinstance(column, list) else [column]
            if len(stated) != len(found):
                got = f"has {len(found)} masks and {len(stated)} labels"
                raise DataError(problem(where, got, f"a label in column {self.options.labels!r} for each mask"))
        only = [name for name in dict.fromkeys(self._names) if name]
        if len(only) == 1 and not any(label is not None for label in stated):
            return [(only[0], one.mask) for one in found]
        return [(self._name(label, where), one.mask) for one, label in zip(found, stated, strict=True)]

    def _name(self, label: object, where: str) -> str:
        """The name of a value or label, "" for none. Raises DataError if it is not known."""
        names = self._names
        if isinstance(label, str):
            if label in names:
                return label
            raise DataError(problem(where, f"holds the label {label!r}", "one of `names`"))
        if not isinstance(label, int):
            got = "holds masks without labels"
            raise DataError(problem(where, got, "a label for each mask", "give `labels: COLUMN`"))
        if 0 <= label < len(names):
            return names[label]
        if label in self.options.void:
            return ""
        raise DataError(problem(where, f"holds the value {label}", "one that has a name or is void"))

    def vocabulary(self) -> Sequence[Name]:
        """The names, each once."""
        return [Name(name, name) for name in dict.fromkeys(self._names) if name]

    @cached_property
    def _digest(self) -> str:
        files = [Path(file["filename"]) for file in self._table.cache_files]
        return " ".join(cache.file_digest(file) for file in files)

    def fingerprint(self) -> str:
        """Digests of the table's Arrow files."""
        return self._digest
