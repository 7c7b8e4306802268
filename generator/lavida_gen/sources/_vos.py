"""Clip sources in the layout of video object segmentation: a folder of JPEGs and one of index PNGs for each video.

DAVIS, YouTube-VOS and the data sets made from them. An object is a value of the PNGs; 0 is background, 255 a border.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lavida_gen.annotations import clip_masks, files, json_file, picture_headers
from lavida_gen.annotations.clip_masks import ClipMask
from lavida_gen.annotations.problem_list import capped
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Region
from lavida_gen.sources._clips import (
    ClipContents,
    ClipOptions,
    ClipOptionsT_co,
    ClipSource,
    Video,
    clip_positions,
    sort_frames,
)

VOID = 255
MOST_OBJECTS = 32
"""More objects than any video has; larger values are grey levels of a palette that was lost."""


@dataclass(frozen=True, slots=True)
class ObjectNames:
    """The names of an object of a video.

    Attributes:
        names: Its names, category first.
        category: Its category, "" if unknown.
        visible_in: The frames in which the data set lists it as visible, None if the data set lists none.
        candidate: Whether it may be the anomaly.
    """

    names: tuple[str, ...]
    category: str = ""
    visible_in: frozenset[str] | None = None
    candidate: bool = True


class VosSource(ClipSource[ClipOptionsT_co]):
    """Each object of a clip is a region.

    Attributes:
        images: Folder of the JPEGs.
        annotations: Folder of the PNGs.
    """

    def __init__(
        self, options: ClipOptionsT_co, split: str, names: Iterable[str], images: Path, annotations: Path, where: object
    ) -> None:
        """List the annotated frames and cut the videos into clips.

        Args:
            options: How clips are cut.
            split: Name of the split.
            names: Names of the videos, in a stable order.
            images: Folder of the frames, VIDEO/FRAME.jpg.
            annotations: Folder of the masks, VIDEO/FRAME.png.
            where: The file that names the videos, for errors.
        """
        self.options, self.images, self.annotations = options, images, annotations
        self._lost: list[Finding] = []
        self._objects: dict[str, Mapping[int, ObjectNames]] = {}
        videos = []
        for name in names:
            frames = _frames_of(path_inside(annotations, name, where), ".png")
            try:
                if frames is None:
                    got = f"video {name!r} has no folder {annotations / name}"
                    raise DataError(problem(where, got, "its masks", "unpack the annotations"))
                self._objects[name] = self.read_names(name)
                videos.append(Video(name, frames))
            except DataError as error:
                self._lost.append(Finding("dropped", str(error), self._clips_of(name, options)))
        super().__init__(options, split, videos)

    def _clips_of(self, video: str, options: ClipOptions) -> int:
        """How many clips a video that is left out would give, at least one."""
        frames = _frames_of(self.annotations / video, ".png") or _frames_of(self.images / video, ".jpg") or ()
        return max(1, len(clip_positions(len(frames), options)))

    def left_out(self) -> Iterator[Finding]:
        """Videos without masks, or whose annotations cannot be read."""
        yield from capped(self._lost, "videos")

    def object_names(self, video: str) -> Mapping[int, ObjectNames]:
        """The objects of a video that have a name, as `read_names` found them."""
        return self._objects[video]

    @abstractmethod
    def read_names(self, video: str) -> Mapping[int, ObjectNames]:
        """Read the objects of a video that have a name; called once, while the source is opened.

        Args:
            video: Name of the video.

        Returns:
            Value in the PNGs -> names.

        Raises:
            DataError: The annotations are broken; the video is left out.
        """

    def objects_of(self, mask: ClipMask, path: Path) -> dict[int, RLE]:
        """The objects in a mask.

        Args:
            mask: What was read.
            path: Its file, for errors.

        Returns:
            The mask of each object by its value.

        Raises:
            DataError: The values mean nothing.
        """
        return {value: rle for value, rle in mask.values.items() if value != VOID}

    def read_clip(self, video: Video, positions: Sequence[int]) -> ClipContents:
        """Every named object with its masks, None where the PNG does not show it."""
        where, names = f"{self.annotations}: video", [video.frames[position] for position in positions]
        paths = {
            name: files.as_written(path_inside(self.annotations, f"{video.name}/{name}.png", where))
            for name in dict.fromkeys(names)
        }
        masks = clip_masks.read(list(paths.values()))
        size = masks[0].size
        objects: dict[str, dict[int, RLE]] = {}
        for (name, path), mask in zip(paths.items(), masks, strict=True):
            objects[name] = self.objects_of(mask, path)
            if mask.size != size:
                got, expected = f"is {mask.size[1]} x {mask.size[0]}", f"{size[1]} x {size[0]}"
                raise DataError(problem(path, got, f"{expected}, the size of the clip's first mask"))
        frames = tuple(Frame.file(self.image_path(f"{video.name}/{name}", where), size) for name in names)
        return ClipContents(size, frames, tuple(self._regions(video, names, objects)))

    def image_path(self, name: str, where: object = "") -> Path:
        """The image of a frame.

        Args:
            name: ``VIDEO/FRAME``.
            where: What names it, for errors.
        """
        path_inside(self.images, name, where or self.annotations)
        return files.frame_path(self.images, name)

    def without_a_name(self, video: str, value: int) -> str:
        """What is expected of an object that has no name, "" if it is left out.

        Args:
            video: Name of the video.
            value: The object's value in the PNGs.
        """
        return ""

    def _regions(
        self, video: Video, frames: Sequence[str], objects: Mapping[str, Mapping[int, RLE]]
    ) -> Iterator[Region]:
        names_by_value = self.object_names(video.name)
        values = {value for masks_by_value in objects.values() for value in masks_by_value}
        self._check_unnamed(video.name, sorted(values - set(names_by_value)))
        for value in sorted(values | set(names_by_value)):
            visible = tuple(objects[frame].get(value) for frame in frames)
            names = names_by_value.get(value)
            if names is None:
                continue
            # Listed in a frame whose PNG does not show it: present, but not annotated (some splits annotate only the
            # first frame of each object). Such an object may not be the anomaly, since its empty masks are wrong, but
            # it stays in the scene, so that its names are no negatives.
            unannotated = names.visible_in is not None and any(
                mask is None and frame in names.visible_in for mask, frame in zip(visible, frames, strict=True)
            )
            if unannotated or any(visible):
                yield Region(names.names, visible, names.category, candidate=names.candidate and not unannotated)

    def _check_unnamed(self, video: str, values: Sequence[int]) -> None:
        """Raises DataError if objects without a name cannot be left out."""
        where = self.annotations / video
        if values and values[-1] > MOST_OBJECTS:
            some = ", ".join(map(str, values[:6]))
            got = f"holds the values {some}, grey levels and no object ids: the palette is lost"
            raise DataError(problem(where, got, "palette PNGs with objects 1, 2, ...", "fetch the masks again"))
        for value in values:
            if expected := self.without_a_name(video, value):
                raise DataError(problem(where, f"object {value} has no name", expected))

    @cached_property
    def _digest(self) -> str:
        names = (f"{video.name}/{frame}.png" for video in self.videos for frame in video.frames)
        return files.names_and_sizes_digest(self.annotations, names, *self.identity())

    def identity(self) -> Iterable[str]:
        """Digests of other annotation files; they are part of the fingerprint."""
        return ()

    def fingerprint(self) -> str:
        """Digest of the masks' names and sizes, and of the files of names."""
        return self._digest

    def findings(self) -> Iterator[Finding]:
        """Videos that give no clip, annotated frames without a JPEG or with one that does not fit."""
        yield from super().findings()
        yield from self.videos_without_clips()
        clips = [dict.fromkeys(clip) for clip in self.clip_frames()]
        yield from files.missing_files([self.image_path(frame) for frame in clip] for clip in clips)
        pairs = [
            ((self.image_path(frame), files.as_written(self.annotations / f"{frame}.png")) for frame in clip)
            for clip in clips
        ]
        yield from picture_headers.unusable_pictures(pairs, sum(map(len, clips)))


def _frames_of(folder: Path, end: str) -> tuple[str, ...] | None:
    """Names of the files of a folder in order of time, None if there is no folder. Raises DataError."""
    try:
        endings = files.endings_of(end)
        names = [files.utf8_name(folder, name) for name in os.listdir(folder) if name.endswith(endings)]
    except OSError:
        return None
    return sort_frames({name[: -len(end)] for name in names if name[0] != "."})


def read_object_names(meta: Mapping[str, object], video: str, where: object) -> dict[int, ObjectNames]:
    """The objects of a video in a meta.json like that of YouTube-VOS.

    Args:
        meta: The `videos` of the file.
        video: Name of the video.
        where: The file, for errors.

    Returns:
        Value in the PNGs -> category, and the frames in which the object is listed as visible.

    Raises:
        DataError: The file is malformed.
    """
    objects = json_file.member(json_file.member(meta, video, dict, where), "objects", dict, where)
    names = {}
    for ident, entry in objects.items():
        entry_where = f"{where}: video {video!r} object {ident!r}"
        category = json_file.text(entry, "category", entry_where)
        frames = entry.get("frames")
        visible_in = frozenset(map(str, frames)) if isinstance(frames, list) else None
        names[object_id(ident, entry_where)] = ObjectNames((category,), category, visible_in)
    return names


def object_id(ident: object, where: object) -> int:
    """An object's id, which data sets write as text ("1") or as a number.

    Args:
        ident: The id in the file.
        where: Names it in errors.

    Returns:
        The id.

    Raises:
        DataError: It is not an integer.
    """
    text = str(ident).strip()
    if not text.isdigit():
        raise DataError(problem(where, f"object id {ident!r}", "an integer"))
    return int(text)
