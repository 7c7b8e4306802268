"""MeViS: 2,006 videos with 28,570 expressions about motion, each naming one or several objects.

Ding et al., MeViS: A Large-scale Benchmark for Video Segmentation with Motion Expressions, ICCV 2023.
https://henghuiding.github.io/MeViS
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lavida_gen.annotations import files, json_file
from lavida_gen.annotations.mevis_index import open_index
from lavida_gen.annotations.problem_list import capped
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.findings import Finding
from lavida_gen.common.input_file import MAX_PICTURE, read_input
from lavida_gen.scenes import images
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Name, Region
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import ClipContents, ClipSource, DenseClipOptions, Video, clip_positions, sort_frames
from lavida_gen.storage import cache


class MevisSourceOptions(DenseClipOptions):
    """Options of `mevis`."""

    root: LocalPath = Field(description="folder that contains train/")
    split: str = Field(default="train", description="train or valid_u (valid has no masks)")


class MevisSource(ClipSource[MevisSourceOptions]):
    """Each clip is a scene; each object a region with every expression that refers to it.

    So an expression for several objects is a name of each of them, and its mask the union of theirs. Categories are
    not annotated. null in mask_dict.json means that the object is not visible in that frame.

    An expression without any object (as MeViS v2 has them) was written to fit nothing in its video: its absence is
    "verified" there. Of all others nothing is known in other videos: "unannotated".
    """

    prefix, family = "mevis", "mevis-video"

    Options = MevisSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="MeViS",
        page="https://henghuiding.github.io/MeViS/",
        licence="CC-BY-NC-SA-4.0",
        use="noncommercial",
        attribution="MeViS (Ding, Liu, He, Jiang, Loy); videos: the data sets that they come from",
        pictures="photographed",
        get="Fetch MeViS_release.zip from the page and unzip it; unpack the JPEGs of train.",
        layout=(
            "ROOT/train/JPEGImages/VIDEO/00000.jpg ...\n"
            "ROOT/train/meta_expressions.json   videos, frames, expressions with several obj_id and anno_id\n"
            "ROOT/train/mask_dict.json          for each anno_id a mask (run lengths) or null for each frame"
        ),
        cite=(
            "@inproceedings{ding2023mevis, title={{MeViS}: A Large-scale Benchmark for Video Segmentation with Motion "
            "Expressions},\n  author={Ding, Henghui and others}, booktitle={ICCV}, year={2023}}"
        ),
    )

    def __init__(self, options: MevisSourceOptions) -> None:
        """Read the expressions and open the index of masks, which is made on the first call. Raises DataError."""
        required = RequiredFiles(options.root, "valid has no masks; see `lavida-gen sources mevis`")
        root = options.root / options.split
        self._images = required.folder(root / "JPEGImages", "split")
        self._file = required.file(root / "meta_expressions.json", "split")
        masks = required.file(root / "mask_dict.json", "split")
        required.raise_if_missing()
        self._masks = open_index(masks)
        entries = json_file.member(json_file.load(self._file), "videos", dict, self._file)
        self._objects: dict[str, dict[str, tuple[str, ...]]] = {}  # video -> annotation id -> expressions
        self._absent: dict[str, tuple[str, ...]] = {}  # video -> expressions without an object
        self._lost: list[Finding] = []
        videos = []
        for name in sorted(entries):
            where = f"{self._file}: video {name!r}"
            path_inside(self._images, name, self._file)
            try:
                frames = sort_frames([str(frame) for frame in json_file.member(entries[name], "frames", list, where)])
                expressions = json_file.member(entries[name], "expressions", dict, where)
                self._objects[name], self._absent[name] = self._by_object(expressions, frames, where)
                videos.append(Video(name, frames))
            except DataError as error:
                self._lost.append(Finding("dropped", str(error), self._clips_of(entries[name], options)))
        super().__init__(options, options.split, videos)
        if videos and not any(self._objects.values()):
            others = ", nor any of the others'" if len(videos) > 1 else ""
            got = f"no expression of video {videos[0].name!r} has an object{others}"
            todo = "so nothing can be the anomaly; fetch the annotations again"
            raise DataError(problem(self._file, got, "expressions with anno_id", todo))

    def left_out(self) -> Iterator[Finding]:
        """Videos whose annotations cannot be read."""
        yield from capped(self._lost, "videos")

    def _clips_of(self, entry: object, options: MevisSourceOptions) -> int:
        """How many clips a video that is left out would give, at least one."""
        frames = entry.get("frames") if isinstance(entry, dict) else None
        return max(1, len(clip_positions(len(frames) if isinstance(frames, list) else 0, options)))

    def _by_object(
        self, expressions: Mapping[str, object], frames: Sequence[str], where: str
    ) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
        """Expressions of each object (by annotation id) of a video, and those without an object. Raises DataError."""
        objects: dict[str, dict[str, None]] = {}
        texts: dict[str, None] = {}
        for number, expression in expressions.items():
            expression_where = f"{where} expression {number!r}"
            text = " ".join(json_file.member(expression, "exp", str, expression_where).split())
            texts[text] = None
            for ident in _annotation_ids(expression, expression_where):
                if ident not in self._masks:
                    raise DataError(problem(expression_where, f"anno_id {ident}", f"one of {self._masks.path.name}"))
                if self._masks.problem(ident):
                    raise DataError(self._masks.problem(ident))
                if self._masks.frames(ident) != len(frames):
                    got = f"annotation {ident} covers {self._masks.frames(ident)} frames"
                    raise DataError(problem(self._masks.path, got, f"{len(frames)}, the frames of {where}"))
                if text:
                    objects.setdefault(ident, {})[text] = None
        present = {text for own in objects.values() for text in own}
        absent = tuple(text for text in texts if text and text not in present)
        return {ident: tuple(own) for ident, own in objects.items()}, absent

    def read_clip(self, video: Video, positions: Sequence[int]) -> ClipContents:
        """Every object that is visible in the clip."""
        objects = self._objects[video.name]
        paths = [self._image_path(f"{video.name}/{video.frames[position]}") for position in positions]
        sizes = {self._masks.size(ident) for ident in objects} - {None}
        if len(sizes) > 1:
            got = f"masks of {len(sizes)} sizes"
            raise DataError(problem(f"{self._masks.path}: video {video.name!r}", got, "masks of one size"))
        size = sizes.pop() if sizes else _image_size(paths[0])
        assert size is not None
        regions = []
        for ident, names in objects.items():
            masks = tuple(self._masks.mask(ident, position) for position in positions)
            if any(masks):
                regions.append(Region(names, masks))
        frames = tuple(Frame.file(path, size) for path in paths)
        return ClipContents(size, frames, tuple(regions), self._absent[video.name])

    def _image_path(self, name: str) -> Path:
        """The image of ``VIDEO/FRAME``. Raises DataError."""
        path_inside(self._images, name, self._file)
        return files.frame_path(self._images, name)

    def vocabulary(self) -> Sequence[Name]:
        """Every expression, once, in the order of the file; categories are unknown."""
        texts = [text for objects in self._objects.values() for names in objects.values() for text in names]
        texts += [text for absent in self._absent.values() for text in absent]
        return [Name(text) for text in dict.fromkeys(texts)]

    def fingerprint(self) -> str:
        """Digests of both JSON files."""
        return f"{cache.file_digest(self._file)} {self._masks.digest}"

    def findings(self) -> Iterator[Finding]:
        """Videos that give no clip, frames without a JPEG."""
        yield from super().findings()
        yield from self.videos_without_clips()
        yield from files.missing_files([self._image_path(frame) for frame in clip] for clip in self.clip_frames())


def _annotation_ids(expression: object, where: str) -> list[str]:
    """The annotations that an expression refers to; none for null. Raises DataError."""
    assert isinstance(expression, dict), "its text was read"
    if "anno_id" in expression and expression["anno_id"] is None:
        return []
    return [str(ident) for ident in json_file.member(expression, "anno_id", list, where)]


def _image_size(path: Path) -> tuple[int, int]:
    """(H, W) of an image, from its header. Raises DataError."""
    return images.probe(read_input(path, MAX_PICTURE, "an image file"), path).size
