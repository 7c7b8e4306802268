"""Referring video segmentation in the layout of Ref-YouTube-VOS, which Ref-DAVIS shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from pydantic import Field
from typing_extensions import TypeVar

from lavida_gen.annotations import json_file
from lavida_gen.annotations.problem_list import MAX_PROBLEMS, ProblemList
from lavida_gen.common.errors import problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import LocalPath, RequiredFiles
from lavida_gen.sources._clips import ClipOptions
from lavida_gen.sources._vos import ObjectNames, VosSource, object_id, read_object_names
from lavida_gen.storage import cache


class ReferringOptions(ClipOptions):
    """Options of `ref_youtube_vos` and `ref_davis`."""

    root: LocalPath = Field(description="folder that contains train/ and meta_expressions/")
    split: str = Field(default="train", description="train (or valid, where its masks are public)")


ReferringOptionsT_co = TypeVar("ReferringOptionsT_co", bound=ReferringOptions, covariant=True, default=ReferringOptions)


class ReferringSource(VosSource[ReferringOptionsT_co]):
    """Each object of a clip is a region, named by its category (if meta.json exists) and its expressions.

    Nobody looked for what is not there, so that absence is "unannotated".
    """

    def __init__(self, options: ReferringOptionsT_co, todo: str, todo_expressions: str = "") -> None:
        """Read the JSON files and list the masks.

        Args:
            options: The source's options.
            todo: What the user should do if files are missing.
            todo_expressions: What to do if the file of expressions is missing, instead of `todo`.

        Raises:
            DataError: Files are missing or broken.
        """
        required = RequiredFiles(options.root, todo)
        folder = options.root / options.split
        images = required.folder(folder / "JPEGImages", "split")
        masks = required.folder(folder / "Annotations", "split")
        self._file = required.file(_expressions_file(options.root, options.split), "split", todo_expressions)
        required.raise_if_missing()
        self._entries = json_file.member(json_file.load(self._file), "videos", dict, self._file)
        meta = folder / "meta.json"
        self._meta_file = meta if meta.is_file() else None
        self._meta = json_file.member(json_file.load(meta), "videos", dict, meta) if meta.is_file() else {}
        self._without_object = ProblemList(MAX_PROBLEMS)
        super().__init__(options, options.split, sorted(self._entries), images, masks, self._file)

    def left_out(self) -> Iterator[Finding]:
        """Videos without masks or with broken annotations, expressions that name no object."""
        yield from super().left_out()
        yield from (Finding("dropped", line) for line in self._without_object.lines())

    def read_names(self, video: str) -> Mapping[int, ObjectNames]:
        """Categories of meta.json, expressions of meta_expressions.json, in the order of the files."""
        objects = read_object_names(self._meta, video, self._meta_file) if video in self._meta else {}
        where = f"{self._file}: video {video!r}"
        for ident, expression in json_file.member(self._entries[video], "expressions", dict, where).items():
            expression_where = f"{where} expression {ident!r}"
            text = " ".join(json_file.member(expression, "exp", str, expression_where).split())
            if "obj_id" not in expression:
                text = problem(expression_where, "has no 'obj_id'", "the object that it refers to")
                self._without_object.add(text)
                continue
            value = object_id(expression["obj_id"], expression_where)
            known = objects.get(value, ObjectNames(()))
            if text and text not in known.names:
                objects[value] = ObjectNames((*known.names, text), known.category, known.visible_in)
        return {value: names for value, names in objects.items() if names.names}

    @cached_property
    def _vocabulary(self) -> list[Name]:
        names = (
            Name(text, names.category)
            for objects in self._objects.values()
            for names in objects.values()
            for text in names.names
        )
        return list(dict.fromkeys(names))

    def vocabulary(self) -> Sequence[Name]:
        """Every category and expression, in the order of the files."""
        return self._vocabulary

    def identity(self) -> Iterable[str]:
        """Digests of the JSON files."""
        return [cache.file_digest(file) for file in (self._file, self._meta_file) if file is not None]


def _expressions_file(root: Path, split: str) -> Path:
    """meta_expressions.json beside the splits, or inside one."""
    usual = root / "meta_expressions" / split / "meta_expressions.json"
    inside = root / split / "meta_expressions" / split / "meta_expressions.json"
    return inside if inside.is_file() else usual
