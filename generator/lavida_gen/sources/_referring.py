"""Referring video segmentation in the layout of Ref-YouTube-VOS, which Ref-DAVIS took over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from lavida_gen.annotations import json_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.scene import Name
from lavida_gen.sources import _vos as vos
from lavida_gen.sources._base import LocalPath, RequiredFiles
from lavida_gen.sources._clips import ClipOptions
from lavida_gen.sources._vos import ObjectNames, VosSource
from lavida_gen.storage import cache


class ReferredOptions(ClipOptions):
    """Options of `ref_youtube_vos` and `ref_davis`."""

    root: LocalPath = Field(description="folder that holds train/ and meta_expressions/")
    split: str = Field(default="train", description="train (or valid, where its masks are public)")


class ReferredSource(VosSource):
    """Each object of a clip is a region, called by its category (if meta.json is there) and its expressions."""

    def __init__(self, options: Any, hint: str) -> None:
        """Read the JSONs and list the masks. Raises DataError."""
        needs = RequiredFiles(options.root, hint)
        folder = options.root / options.split
        images = needs.folder(folder / "JPEGImages", "split")
        masks = needs.folder(folder / "Annotations", "split")
        self._file = needs.file(_expressions(options.root, options.split), "split")
        needs.settle()
        self._said: dict[str, Any] = json_file.member(json_file.load(self._file), "videos", dict, self._file)
        meta = folder / "meta.json"
        self._meta_file = meta if meta.is_file() else None
        self._meta = json_file.member(json_file.load(meta), "videos", dict, meta) if meta.is_file() else {}
        videos = vos.list_videos(masks, sorted(self._said), self._file)
        super().__init__(options, options.split, videos, images, masks)

    def called(self, video: str) -> Mapping[int, ObjectNames]:
        """Categories of meta.json, expressions of meta_expressions.json, in the order of the files."""
        found = vos.read_object_names(self._meta, video, self._meta_file) if video in self._meta else {}
        where = f"{self._file}: video {video!r}"
        for ident, one in json_file.member(self._said[video], "expressions", dict, where).items():
            at = f"{where} expression {ident!r}"
            text = " ".join(json_file.member(one, "exp", str, at).split())
            if "obj_id" not in one:
                raise DataError(problem(at, "has no 'obj_id'", "the object it speaks of"))
            value = vos.object_id(one["obj_id"], at)
            old = found.get(value, ObjectNames(()))
            if text and text not in old.names:
                found[value] = ObjectNames((*old.names, text), old.category, old.listed)
        return {value: one for value, one in found.items() if one.names}

    @cached_property
    def _names(self) -> list[Name]:
        found = (
            Name(text, one.category)
            for video in self._said
            for one in self.called(video).values()
            for text in one.names
        )
        return list(dict.fromkeys(found))

    def vocabulary(self) -> Sequence[Name]:
        """Every category and expression, in the order of the files."""
        return self._names

    def identity(self) -> Iterable[str]:
        """Digests of the JSONs."""
        return [cache.file_digest(file) for file in (self._file, self._meta_file) if file is not None]


def _expressions(root: Path, split: str) -> Path:
    """meta_expressions.json beside the splits, or inside one."""
    usual = root / "meta_expressions" / split / "meta_expressions.json"
    inside = root / split / "meta_expressions" / split / "meta_expressions.json"
    return inside if inside.is_file() else usual
