"""Clip sources in the layout of video object segmentation: a folder of JPEGs and one of index PNGs for each video.

DAVIS, YouTube-VOS and what was made from them. An object is a value of the PNGs; 0 is background, 255 a border.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lavida_gen.annotations import files, index_masks, json_file
from lavida_gen.annotations.files import path_inside
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Region
from lavida_gen.sources._clips import ClipContents, ClipSource, Video, sort_frames

VOID = 255
BACKGROUND = 0


@dataclass(frozen=True, slots=True)
class ObjectNames:
    """How an object of a video is called: names (category first), and its category, "" if unknown.

    listed are the frames in which the data set says that it is to be seen, None if it does not say.
    """

    names: tuple[str, ...]
    category: str = ""
    listed: frozenset[str] | None = None


class VosSource(ClipSource):
    """Each object of a clip is a region."""

    def __init__(self, options: Any, split: str, videos: Sequence[Video], images: Path, annotations: Path) -> None:
        """Frames lie in `images`/VIDEO/FRAME.jpg, masks in `annotations`/VIDEO/FRAME.png."""
        super().__init__(options, split, videos)
        self.images, self.annotations = images, annotations

    @abstractmethod
    def called(self, video: str) -> Mapping[int, ObjectNames]:
        """The objects of a video that have a name, by their value in the PNGs."""

    def objects(self, path: Path) -> tuple[tuple[int, int], dict[int, RLE]]:
        """Size (H, W) of a mask file and its objects. Raises DataError."""
        plane = index_masks.read(path)
        found = masks.from_values(plane)
        found.pop(BACKGROUND, None)
        found.pop(VOID, None)
        return (int(plane.shape[0]), int(plane.shape[1])), found

    def shown(self, video: Video, positions: Sequence[int]) -> ClipContents:
        """Every named object with its masks, None where the PNG shows nothing of it."""
        where, names = f"{self.annotations}: video", [video.frames[at] for at in positions]
        read: dict[str, tuple[tuple[int, int], dict[int, RLE]]] = {}
        for name in dict.fromkeys(names):
            path = path_inside(self.annotations, f"{video.name}/{name}.png", where)
            size, found = self.objects(path)
            if read and size != next(iter(read.values()))[0]:
                first = next(iter(read.values()))[0]
                raise DataError(
                    problem(path, f"is {size[1]} x {size[0]}", f"{first[1]} x {first[0]}, as the clip's first")
                )
            read[name] = (size, found)
        size = read[names[0]][0]
        frames = tuple(Frame.file(path_inside(self.images, f"{video.name}/{name}.jpg", where), size) for name in names)
        return ClipContents(
            size, frames, tuple(self._regions(video, names, {name: found for name, (_, found) in read.items()}))
        )

    def _regions(self, video: Video, names: Sequence[str], found: Mapping[str, Mapping[int, RLE]]) -> Iterator[Region]:
        called = self.called(video.name)
        for value in sorted({value for objects in found.values() for value in objects} | set(called)):
            shown = tuple(found[name].get(value) for name in names)
            one = called.get(value)
            if one is None:
                if self.must_be_named:
                    raise DataError(
                        problem(self.annotations / video.name, f"object {value} has no name", "one in the annotations")
                    )
                continue
            # Listed in a frame whose PNG does not show it: there, but not annotated (only the first frame of each
            # object is, in some splits). Such a thing may not be the anomaly, for its empty masks are no truth, but
            # it stays in the scene, so that its names are no negatives.
            unknown = one.listed is not None and any(
                mask is None and name in one.listed for mask, name in zip(shown, names, strict=True)
            )
            if unknown or any(shown):
                yield Region(one.names, shown, one.category, candidate=not unknown)

    must_be_named = False
    """Whether an object without a name is a fault; else it is left out."""

    @cached_property
    def _digest(self) -> str:
        names = (f"{video.name}/{frame}.png" for video in self.videos for frame in video.frames)
        return files.names_and_sizes_digest(self.annotations, names, *self.identity())

    def identity(self) -> Iterable[str]:
        """Digests of annotation files beside the masks."""
        return ()

    def fingerprint(self) -> str:
        """Digest of the masks' names and sizes, and of the files of names."""
        return self._digest

    def problems(self) -> Iterator[str]:
        """Videos left out, annotated frames without a JPEG."""
        yield from self.left_out()
        yield from files.missing_files(
            self.images / video.name / f"{at}.jpg" for video in self.videos for at in video.frames
        )


def list_videos(annotations: Path, names: Iterable[str], where: object) -> list[Video]:
    """The videos with those frames that have a PNG. Raises DataError where a video has no folder."""
    videos = []
    for name in names:
        folder = path_inside(annotations, name, where)
        try:
            found = os.listdir(folder)
        except OSError as error:
            raise DataError(
                problem(where, f"video {name!r} has no folder {folder}", "its masks", "unpack the annotations")
            ) from error
        pngs = [files.utf8_name(folder, file) for file in found if file.endswith(".png") and file[0] != "."]
        frames = sort_frames([file[:-4] for file in pngs])
        videos.append(Video(name, frames))
    return videos


def read_object_names(meta: Mapping[str, Any], video: str, where: object) -> dict[int, ObjectNames]:
    """The objects of a video in a meta.json of YouTube-VOS' kind. Raises DataError."""
    told: dict[str, Any] = json_file.member(json_file.member(meta, video, dict, where), "objects", dict, where)
    found = {}
    for ident, one in told.items():
        at = f"{where}: video {video!r} object {ident!r}"
        category = json_file.member(one, "category", str, at).replace("_", " ").strip()
        frames = one.get("frames")
        listed = frozenset(map(str, frames)) if isinstance(frames, list) else None
        found[object_id(ident, at)] = ObjectNames((category,), category, listed)
    return found


def object_id(ident: object, where: object) -> int:
    """Object ids are written as strings ("1") or numbers, by data set. Raises DataError for anything else."""
    text = str(ident).strip()
    if not text.isdigit():
        raise DataError(problem(where, f"object id {ident!r}", "a whole number"))
    return int(text)
