"""DAVIS 2016 and 2017: short films annotated in every frame; one foreground object (2016) or several (2017).

Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR 2016; Pont-Tuset et
al., The 2017 DAVIS Challenge on Video Object Segmentation, arXiv 1704.00675. https://davischallenge.org
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files, index_masks, json_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import DenseClipOptions
from lavida_gen.sources._vos import VOID, ObjectNames, VosSource, list_videos, object_id
from lavida_gen.storage import cache

OBJECTS = 32
"""More objects than any video has: without names of single objects, all of them get the same name."""


class DavisSourceOptions(DenseClipOptions):
    """Options of `davis`."""

    root: LocalPath = Field(description="folder that contains JPEGImages/, Annotations/ and ImageSets/")
    year: Literal[2016, 2017] = Field(
        default=2017, description="2016: values other than 0 are the object; 2017: values are object ids, 255 is void"
    )
    split: str | None = Field(
        default="train", description="list of videos, ImageSets/YEAR/SPLIT.txt; null for all videos"
    )
    resolution: str = Field(default="480p", description="folder of a resolution, '' if there is none")


class DavisSource(VosSource[DavisSourceOptions]):
    """Each clip is a scene; each object a region.

    DAVIS itself names nothing. With davis_semantics.json beside the folders (DAVIS 2017 semantics), an object is named
    by its category. Without it, all objects of a video are named by the words of its folder ("car-shadow": "car
    shadow"), and their category is unknown.
    """

    prefix, family, rate = "davis", "davis-video", 24.0

    Options = DavisSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="DAVIS 2016 and 2017",
        page="https://davischallenge.org",
        licence="CC-BY-NC-4.0",
        use="noncommercial",
        attribution="DAVIS (Perazzi et al. 2016; Pont-Tuset et al. 2017)",
        get=(
            "Fetch DAVIS-data.zip (2016) or DAVIS-2017-trainval-480p.zip (2017) from the page and unzip it. For\n"
            "names, fetch DAVIS-2017_semantics-480p.zip too, and put its davis_semantics.json into ROOT."
        ),
        layout=(
            "ROOT/JPEGImages/480p/bear/00000.jpg ...\n"
            "ROOT/Annotations/480p/bear/00000.png ...    2016: 0/255; 2017: palette PNGs, value = object id\n"
            "ROOT/ImageSets/2017/train.txt               2016: ImageSets/2016/train.txt or ImageSets/480p/train.txt\n"
            'ROOT/davis_semantics.json                   optional: {"bear": {"1": "bear"}, ...}\n'
            "Without it, objects are named by the words of their video's folder."
        ),
        cite=(
            "@article{ponttuset2017davis, title={The 2017 {DAVIS} Challenge on Video Object Segmentation},\n"
            "  author={Pont-Tuset, Jordi and others}, journal={arXiv:1704.00675}, year={2017}}"
        ),
    )

    def __init__(self, options: DavisSourceOptions) -> None:
        """Read the list of videos and list their masks. Raises DataError."""
        required = RequiredFiles(options.root, "see `lavida-gen sources davis`")
        root = required.root
        images = required.folder(root / "JPEGImages" / options.resolution, "resolution")
        annotations = required.folder(root / "Annotations" / options.resolution, "resolution")
        required.raise_if_missing()
        self._semantics = root / "davis_semantics.json"
        self._categories = json_file.load(self._semantics) if self._semantics.is_file() else {}
        if options.split is None:
            folders = (path.name for path in annotations.iterdir() if path.is_dir() and path.name[0] != ".")
            names = sorted(files.utf8_name(annotations, name) for name in folders)
            videos = list_videos(annotations, names, annotations)
        else:
            file = _split_file(root, options.year, options.split)
            videos = list_videos(annotations, _read_split(file), file)
        super().__init__(options, options.split or "all", videos, images, annotations)

    def read_objects(self, path: Path) -> tuple[tuple[int, int], dict[int, RLE]]:
        """2016: one object; 2017: one per index. Raises DataError."""
        if self.options.year == 2016:
            plane = index_masks.read(path) != 0
            size = (int(plane.shape[0]), int(plane.shape[1]))
            return size, {1: masks.encode(plane)} if plane.any() else {}
        size, objects = super().read_objects(path)
        if not objects and (index_masks.read(path) == VOID).any():
            todo = "set `year: 2016` for masks of 0 and 255"
            raise DataError(problem(path, "holds only 255, which is void in DAVIS 2017", "object ids", todo))
        return size, objects

    def object_names(self, video: str) -> Mapping[int, ObjectNames]:
        """By the semantics file, else by the folder's name."""
        if video not in self._categories:
            return dict.fromkeys(range(1, OBJECTS), ObjectNames((folder_words(video),)))
        where = f"{self._semantics}: video {video!r}"
        objects = {}
        for ident, value in json_file.member(self._categories, video, dict, self._semantics).items():
            category = str(value).replace("_", " ")
            objects[object_id(ident, where)] = ObjectNames((category,), category)
        return objects

    def vocabulary(self) -> Sequence[Name]:
        """Categories, or the words of the folders."""
        objects = (own for video in self.videos for own in self.object_names(video.name).values())
        return sorted(
            {Name(names.names[0], names.category) for names in objects}, key=lambda name: (name.text, name.category)
        )

    def identity(self) -> Iterable[str]:
        """Digest of the semantics."""
        return (cache.file_digest(self._semantics),) if self._categories else ()


def folder_words(folder: str) -> str:
    """``car-shadow`` -> ``car shadow``, ``dogs_jump2`` -> ``dogs jump``.

    Args:
        folder: Name of a video's folder.

    Returns:
        Its words; `folder` itself if it has none.
    """
    return " ".join(re.findall(r"[^\W\d_]+", folder)) or folder


def _split_file(root: Path, year: int, split: str) -> Path:
    """The file that lists a split. Raises DataError."""
    tried = [root / "ImageSets" / str(year) / f"{split}.txt"]
    if year == 2016:
        tried.append(root / "ImageSets" / "480p" / f"{split}.txt")
    for path in tried:
        if path.is_file():
            return path
    got = f"no file {' or '.join(str(path) for path in tried)}"
    raise DataError(problem("split", got, "a list of videos", "see `lavida-gen sources davis`"))


def _read_split(path: Path) -> list[str]:
    """Videos of a split: each line has a name (2017), or a JPEG and a mask (2016). Raises DataError."""
    videos: dict[str, None] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        parts = line.split()[0].strip("/").split("/")
        if len(parts) not in (1, 4):
            expected = "a video, or /JPEGImages/480p/VIDEO/FRAME.jpg /Annotations/..."
            raise DataError(problem(f"{path}:{number}", f"{line!r}", expected))
        videos[parts[0] if len(parts) == 1 else parts[2]] = None
    return list(videos)
