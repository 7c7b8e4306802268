"""Mapillary Vistas 1.2 and 2.0: street views from all over the world, 66 or 124 classes, with instances.

Neuhold et al., The Mapillary Vistas Dataset for Semantic Understanding of Street Scenes, ICCV 2017.
https://www.mapillary.com/dataset/vistas
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files, json_file
from lavida_gen.classes import mapillary_names
from lavida_gen.classes.label import Label
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo, SourceOptions
from lavida_gen.sources._label_maps import Counts, LabelMapSource
from lavida_gen.storage import cache

INSTANCES = 256
"""A value of the 16-bit masks is 256 * class + instance."""


class MapillarySourceOptions(SourceOptions):
    """Options of `mapillary`."""

    root: LocalPath = Field(description="folder that contains training/ and validation/")
    split: str = Field(default="training", description="training or validation")
    version: Literal["1.2", "2.0"] = Field(default="1.2", description="which classes: 1.2 (66) or 2.0 (124)")


class MapillarySource(LabelMapSource[MapillarySourceOptions]):
    """Each street view is a scene; each instance a region, and each class without instances one background region.

    All pixels of every picture are labelled with the classes, so that absence is "exhaustive". Groups ("Person Group")
    and ambiguous things are there too, though they are not evaluated: no class that they may be counts as absent.
    """

    prefix = "mapillary"

    Options = MapillarySourceOptions

    absence: ClassVar[FalseEvidence] = "exhaustive"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Mapillary Vistas",
        page="https://www.mapillary.com/dataset/vistas",
        licence="CC-BY-NC-SA-4.0 (research edition)",
        use="noncommercial",
        attribution="Mapillary AB, the Mapillary Vistas Dataset",
        pictures="photographed",
        get="Register at the page, fetch the archive of version 1.2 or 2.0 (2.0 has the masks of both) and unzip it.",
        layout=(
            "ROOT/training/images/ID.jpg                      ROOT/validation/...\n"
            "1.2:           ROOT/config.json                  ROOT/training/instances/ID.png (16 bit)\n"
            "2.0:           ROOT/config_v2.0.json             ROOT/training/v2.0/instances/ID.png\n"
            "1.2 out of 2.0: ROOT/config_v1.2.json            ROOT/training/v1.2/instances/ID.png"
        ),
        cite=(
            "@inproceedings{neuhold2017mapillary, title={The {Mapillary Vistas} Dataset for Semantic Understanding of "
            "Street Scenes},\n  author={Neuhold, Gerhard and others}, booktitle={ICCV}, year={2017}}"
        ),
    )

    def __init__(self, options: MapillarySourceOptions) -> None:
        """Read the classes and list the masks. Raises DataError."""
        required = RequiredFiles(options.root, "see `lavida-gen sources mapillary`")
        split = options.root / options.split
        self._images = required.folder(split / "images", "split")
        # A release with the masks of one version keeps them directly below the split.
        own = split / f"v{options.version}" / "instances"
        self._masks = required.folder(own if own.is_dir() else split / "instances", "split")
        self._config = required.file(_config(options.root, options.version), "root")
        required.raise_if_missing()
        classes = _read_classes(self._config)
        self._names = mapillary_names.names_by_path({path: readable for path, readable, *_ in classes})
        self._labels = [
            None if void else mapillary_names.make_label(path, readable, has_instances, self._names)
            for path, readable, has_instances, void in classes
        ]
        listed = [
            label
            for label, (path, *_) in zip(self._labels, classes, strict=True)
            if label is not None and not mapillary_names.is_unlisted(path, self._names)
        ]
        super().__init__(options, files.list_files(self._masks), self._masks, listed)
        self.look_at_sample()

    def check_sample(self, sample: Mapping[str, Counts]) -> None:
        """Refuse labels in the place of instances: all of them would be instances of class 0. Raises DataError."""
        super().check_sample(sample)
        values = {value for counts in sample.values() for value in counts}
        if len(values) > 1 and max(values) < INSTANCES:
            got = f"holds no value above {max(values)}, as all masks looked at: labels, not instances"
            todo = "take the 16-bit PNGs of `instances`, not those of `labels`"
            raise DataError(problem(self.mask_path(next(iter(sample))), got, "256 * class + instance", todo))

    def image_names(self) -> Sequence[str]:
        """The JPEGs."""
        return files.list_files(self._images, ".jpg")

    def image_path(self, name: str) -> Path:
        """The JPEG of the same name."""
        return files.frame_path(self._images, name)

    def mask_path(self, name: str) -> Path:
        """The 16-bit PNG of the same name."""
        return files.as_written(self._masks / f"{name}.png")

    def label(self, value: int) -> Label | None:
        """The class of 256 * class + instance."""
        number = value // INSTANCES
        if not 0 <= number < len(self._labels):
            raise KeyError(number)
        return self._labels[number]

    def related(self) -> Mapping[str, Collection[str]]:
        """Groups and general classes with the classes that they may be; both kinds of crosswalk."""
        return mapillary_names.related_names(self._names)

    def identity(self) -> Sequence[str]:
        """Digest of the classes."""
        return (cache.file_digest(self._config),)


def _config(root: Path, version: str) -> Path:
    """The file of the classes: a release of both versions has one for each."""
    own = root / f"config_v{version}.json"
    return own if own.is_file() else root / "config.json"


def _read_classes(path: Path) -> list[tuple[str, str, bool, bool]]:
    """Path, readable name, whether there are instances, whether it is void, of each class. Raises DataError."""
    classes = []
    for number, row in enumerate(json_file.member(json_file.load(path), "labels", list, path)):
        where = f"{path}: labels[{number}]"
        name = json_file.member(row, "name", str, where)
        readable = str(row.get("readable") or name.rpartition("--")[2].replace("-", " "))
        kept = row.get("evaluate", True) or mapillary_names.is_group(name) or mapillary_names.is_ambiguous(name)
        void = name.startswith("void--") or name == "void" or not kept
        classes.append((name, readable, json_file.member(row, "instances", bool, where), void))
    return classes
