"""The common part of image sources whose annotation is one index mask a photo.

Such a source says where its files are (`image_path`, `mask_path`) and what the values of a mask mean (`label`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from lavida_gen.annotations import files, index_masks
from lavida_gen.annotations.index_masks import Indices, Label
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import Source


class LabelMapSource(Source):
    """Each index mask is a scene; each value in it that has a label is a region."""

    prefix: str
    """First part of every key."""

    def __init__(self, options: Any, names: Sequence[str], root: Path, labels: Sequence[Label]) -> None:
        """`names` of the scenes, stable and distinct; masks lie below `root`; all labels that there are."""
        super().__init__(options)
        self.names, self.root, self.labels = names, root, labels

    @abstractmethod
    def image_path(self, name: str) -> Path:
        """The photo of a scene."""

    @abstractmethod
    def mask_path(self, name: str) -> Path:
        """The index mask of a scene."""

    @abstractmethod
    def label(self, value: int) -> Label | None:
        """What a value means, None for void. Raises KeyError for one that the data set does not know."""

    def read_mask(self, name: str) -> Indices:
        """The mask's values. Raises DataError."""
        return index_masks.read(self.mask_path(name))

    @property
    def kind(self) -> Kind:
        """Photos."""
        return "image"

    def __len__(self) -> int:
        return len(self.names)

    def key(self, number: int) -> str:
        """``PREFIX/NAME``."""
        return f"{self.prefix}/{self.names[number]}"

    def scene(self, number: int) -> Scene:
        """The photo with every labelled value of its mask as a region."""
        name = self.names[number]
        plane = self.read_mask(name)
        size = (int(plane.shape[0]), int(plane.shape[1]))
        regions = []
        for value, mask in masks.from_values(plane).items():
            try:
                label = self.label(value)
            except KeyError:
                raise DataError(
                    problem(self.mask_path(name), f"holds the value {value}", "one that has a name or is void")
                ) from None
            if label is not None:
                regions.append(Region((label.name,), (mask,), label.name, label.kind, label.candidate))
        return Scene(
            key=self.key(number),
            frames=(Frame.file(self.image_path(name), size),),
            size=size,
            regions=tuple(regions),
            licence=self.rights().licence,
            group=self.group(number),
            attribution=self.rights().attribution,
        )

    def vocabulary(self) -> Sequence[Name]:
        """The labels' names, each once."""
        return list({label.name: Name(label.name, label.name, label.group) for label in self.labels}.values())

    def identity(self) -> Sequence[str]:
        """Digests of annotation files beside the masks, such as the list of names."""
        return ()

    @cached_property
    def _digest(self) -> str:
        masks = (self.mask_path(name).relative_to(self.root).as_posix() for name in self.names)
        return files.names_and_sizes_digest(self.root, masks, *self.identity())

    def fingerprint(self) -> str:
        """Digest of the masks' names and sizes, and of the list of names."""
        return self._digest

    def problems(self) -> Iterator[str]:
        """Missing photos (masks were listed, so they are there)."""
        yield from files.missing_files(self.image_path(name) for name in self.names)
