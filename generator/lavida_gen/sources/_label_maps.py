"""The common part of image sources whose annotation is one index mask per image.

Such a source implements where its files are (`image_path`, `mask_path`) and what a value of a mask means (`label`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from lavida_gen.annotations import files, index_masks, picture_headers
from lavida_gen.annotations.index_masks import Indices
from lavida_gen.classes.label import Label
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import OptionsT_co, Source

SAMPLE, LARGE_SAMPLE = 8, 100
"""Masks that are looked at when a data set is opened, and if there is something wrong with all of these."""

Counts = Mapping[int, int]
"""Value of an index mask -> number of its pixels."""


class LabelMapSource(Source[OptionsT_co]):
    """Each index mask is a scene; each value in it that has a label is a region.

    Attributes:
        prefix: First part of every key.
        names: Names of the scenes.
        root: Folder of the masks.
        labels: All labels of the data set.
        todo_without_classes: What to do if no pixel of the masks has a class.
    """

    prefix: ClassVar[str]
    todo_without_classes: ClassVar[str] = "fetch the masks again, or give another split"

    def __init__(self, options: OptionsT_co, names: Sequence[str], root: Path, labels: Sequence[Label]) -> None:
        """Keep what the subclass found.

        Args:
            options: The source's options.
            names: Names of the scenes, stable and distinct.
            root: Folder of the masks.
            labels: All labels of the data set.

        Raises:
            DataError: There are no masks.
        """
        super().__init__(options)
        if not names:
            found = next((path.name for path in sorted(root.rglob("*")) if path.is_file() and path.name[0] != "."), "")
            got = f"has no masks (*.png){f', but {found}' if found else ''}"
            raise DataError(problem(root, got, "index masks as PNG", self.todo_without_classes))
        self.names, self.root, self.labels = names, root, labels

    def image_names(self) -> Sequence[str]:
        """Names of the images there are, as far as they are listed; those without a mask are no scenes."""
        return ()

    @abstractmethod
    def image_path(self, name: str) -> Path:
        """The image file of a scene."""

    @abstractmethod
    def mask_path(self, name: str) -> Path:
        """The index mask of a scene."""

    @abstractmethod
    def label(self, value: int) -> Label | None:
        """The meaning of a value, None for void.

        Args:
            value: A value of an index mask.

        Returns:
            Its label, or None.

        Raises:
            KeyError: The data set does not define the value.
        """

    def look_at_sample(self) -> None:
        """Look at the values of a few masks, spread over the data set; for a subclass to call when it is open.

        What looks wrong in a few is looked for in more before it is reported: in some data sets, most masks are empty.
        Masks that cannot be read are left to `scene`. Raises DataError if `check_sample` does.
        """
        sample = self._sample(SAMPLE)
        try:
            self.check_sample(sample)
        except DataError:
            self.check_sample(sample | self._sample(LARGE_SAMPLE))

    def _sample(self, size: int) -> dict[str, Counts]:
        """Values of some masks by the name of the scene."""
        sample: dict[str, Counts] = {}
        step = max(1, len(self.names) / size)
        for name in dict.fromkeys(self.names[int(at * step)] for at in range(min(size, len(self.names)))):
            with suppress(DataError):
                sample[name] = index_masks.count_values(self.read_mask(name))
        return sample

    def check_sample(self, sample: Mapping[str, Counts]) -> None:
        """Refuse masks that mean something else than the labels: here, masks in which no pixel has a class.

        Args:
            sample: For a few scenes, by name, the values of their masks; of none if no mask can be read.

        Raises:
            DataError: The masks are read in a wrong way.
        """
        values = {value for counts in sample.values() for value in counts}
        if sample and all(self._is_void(value) for value in values):
            first, some = next(iter(sample)), ", ".join(map(str, sorted(values)[:3]))
            got = f"no pixel has a class (values {some}) in this mask" + _and_others(len(sample) - 1)
            raise DataError(problem(self.mask_path(first), got, "masks of classes", self.todo_without_classes))

    def todo_of_value(self, value: int) -> str:
        """What to do about a value without a name, "" if nothing is known."""
        return ""

    def _is_void(self, value: int) -> bool:
        try:
            return self.label(value) is None
        except KeyError:
            return False  # `scene` reports it

    def read_mask(self, name: str) -> Indices:
        """The values of a scene's mask, (H, W). Raises DataError."""
        return index_masks.read(self.mask_path(name))

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.names)

    def key(self, number: int) -> str:
        """``PREFIX/NAME``."""
        return f"{self.prefix}/{self.names[number]}"

    def scene(self, number: int) -> Scene:
        """The image with every labelled value of its mask as a region."""
        name = self.names[number]
        plane = self.read_mask(name)
        size = (int(plane.shape[0]), int(plane.shape[1]))
        regions = []
        for value, mask in masks.from_values(plane, self.mask_path(name)).items():
            try:
                label = self.label(value)
            except KeyError:
                expected = "one that has a name or is void"
                got, todo = f"holds the value {value}", self.todo_of_value(value)
                raise DataError(problem(self.mask_path(name), got, expected, todo)) from None
            if label is not None:
                regions.append(Region((label.name,), (mask,), label.name, label.kind, label.candidate))
        rights = self.rights()
        return Scene(
            key=self.key(number),
            frames=(Frame.file(self.image_path(name), size),),
            size=size,
            regions=tuple(regions),
            licence=rights.licence,
            group=self.group(number),
            attribution=rights.attribution,
        )

    def vocabulary(self) -> Sequence[Name]:
        """The labels' names, each once."""
        return list({label.name: label.as_name() for label in self.labels}.values())

    def identity(self) -> Sequence[str]:
        """Digests of other annotation files, such as the list of names; they are part of the fingerprint."""
        return ()

    @cached_property
    def _digest(self) -> str:
        masks = (self.mask_path(name).relative_to(self.root).as_posix() for name in self.names)
        return files.names_and_sizes_digest(self.root, masks, *self.identity())

    def fingerprint(self) -> str:
        """Digest of the masks' names and sizes, and of the list of names."""
        return self._digest

    def findings(self) -> Iterator[Finding]:
        """Missing images (masks were listed, so they exist); images and masks that do not fit."""
        yield from super().findings()
        yield from files.missing_files([self.image_path(name)] for name in self.names)
        images = self.image_names()
        without = sorted(set(images) - set(self.names))
        if without:
            text = f"{len(without):,} of {len(images):,} images have no mask and were left out, such as {without[0]}"
            yield Finding("note", text)
        yield from self.unusable_pictures()

    def unusable_pictures(self) -> Iterator[Finding]:
        """Images and masks that are cut off or differ in size, by their headers."""
        scenes = [((self.image_path(name), self.mask_path(name)),) for name in self.names]
        yield from picture_headers.unusable_pictures(scenes, len(scenes))


def _and_others(count: int) -> str:
    return f" and in {count} others" if count else ""
