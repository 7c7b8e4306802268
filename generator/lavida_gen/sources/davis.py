"""DAVIS 2016 and 2017: short films annotated in every frame; one foreground object (2016) or several (2017).

Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR 2016; Pont-Tuset et
al., The 2017 DAVIS Challenge on Video Object Segmentation, arXiv 1704.00675. https://davischallenge.org
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files, json_file
from lavida_gen.annotations.clip_masks import ClipMask
from lavida_gen.classes import davis_names
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.common.input_file import read_input
from lavida_gen.common.text import counted, shorten
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import DenseClipOptions
from lavida_gen.sources._vos import VOID, ObjectNames, VosSource, object_id
from lavida_gen.storage import cache

SEMANTICS = "davis_semantics.json"
MASKS = ("Annotations", "Annotations_unsupervised")
"""Folders of masks, of the semi-supervised and of the unsupervised release."""


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
    annotations: str | None = Field(
        default=None, description="folder of the masks [Annotations, else Annotations_unsupervised]"
    )


class DavisSource(VosSource[DavisSourceOptions]):
    """Each clip is a scene; each object a region, named by its category.

    The masks name nothing. Categories come from davis_semantics.json (DAVIS 2017 semantics) in ROOT if it lists the
    video, else from a copy of its table. An object that neither knows stops its scene: the folder's name is no category
    ("libby" is a dog). In 2016 all things of a video are one foreground: if they have several categories, they are
    there, but never the anomaly.

    Only what moves in the foreground is annotated, so that absence is "unannotated": there are other people and cars.
    """

    prefix, family, rate = "davis", "davis-video", 24.0

    Options = DavisSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="DAVIS 2016 and 2017",
        page="https://davischallenge.org",
        licence="CC-BY-NC-4.0",
        use="noncommercial",
        attribution="DAVIS (Perazzi et al. 2016; Pont-Tuset et al. 2017)",
        pictures="photographed",
        get=(
            "Fetch DAVIS-data.zip (2016), DAVIS-2017-trainval-480p.zip or DAVIS-2017-Unsupervised-trainval-480p.zip\n"
            "(2017) from the page and unzip it. For the unsupervised one and for videos of your own, put\n"
            "davis_semantics.json (of DAVIS-2017_semantics-480p.zip, or written by you) into ROOT."
        ),
        layout=(
            "ROOT/JPEGImages/480p/bear/00000.jpg ...\n"
            "ROOT/Annotations/480p/bear/00000.png ...    2016: 0/255; 2017: palette PNGs, value = object id\n"
            "                                            (or Annotations_unsupervised/480p/...)\n"
            "ROOT/ImageSets/2017/train.txt               2016: ImageSets/2016/train.txt or ImageSets/480p/train.txt\n"
            'ROOT/davis_semantics.json                   optional: {"bear": {"1": "bear"}, ...}'
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
        folder = next((name for name in MASKS if (root / name / options.resolution).is_dir()), MASKS[0])
        self._folder = options.annotations or folder
        annotations = required.folder(root / self._folder / options.resolution, "resolution")
        required.raise_if_missing()
        self._semantics = root / SEMANTICS
        self._stated = json_file.load(self._semantics) if self._semantics.is_file() else {}
        if options.split is None:
            folders = (path.name for path in annotations.iterdir() if path.is_dir() and path.name[0] != ".")
            names, self._list = sorted(files.utf8_name(annotations, name) for name in folders), annotations
        else:
            self._list = _split_file(root, options.year, options.split)
            names = _read_split(self._list)
        super().__init__(options, options.split or "all", names, images, annotations, self._list)

    def _categories(self, video: str) -> dict[int, str]:
        """Object -> category, by the semantics file, else by the table; empty if neither knows it. Raises DataError."""
        if video in self._stated:
            where = f"{self._semantics}: video {video!r}"
            objects = json_file.member(self._stated, video, dict, self._semantics)
            return {object_id(ident, where): json_file.text(objects, ident, where) for ident in objects}
        known = davis_names.categories_by_video().get(video, ())
        # The table numbers the objects of the semi-supervised release. The other one may number them in another order.
        if self._folder == MASKS[1] and len(set(known)) > 1:
            return {}
        return dict(enumerate(known, start=1))

    def objects_of(self, mask: ClipMask, path: Path) -> dict[int, RLE]:
        """2016: one object; 2017: one per index. Raises DataError."""
        if self.options.year == 2016:
            return {1: masks.union([*mask.values.values()])} if mask.values else {}
        objects = super().objects_of(mask, path)
        if not objects and VOID in mask.values:
            todo = "set `year: 2016` for masks of 0 and 255"
            raise DataError(problem(path, "holds only 255, which is void in DAVIS 2017", "object ids", todo))
        return objects

    def read_names(self, video: str) -> Mapping[int, ObjectNames]:
        """By the semantics file or the table; in 2016 all categories of the video for its one foreground."""
        if not self._categories(video):
            got = f"video {video!r} has no categories, and the name of its folder is none"
            todo = f'add it to {self._semantics}: {{"{video}": {{"1": "CATEGORY"}}}}'
            raise DataError(problem(self._list, got, f"{SEMANTICS}, or a video of DAVIS 2017", todo))
        categories = {
            value: davis_names.SPELLING.get(category, category) for value, category in self._categories(video).items()
        }
        distinct = tuple(dict.fromkeys(categories.values()))
        if self.options.year == 2017:
            return {value: ObjectNames((category,), category) for value, category in categories.items()}
        if len(distinct) == 1:
            return {1: ObjectNames(distinct, distinct[0])}
        return {1: ObjectNames(distinct, candidate=False)}

    def without_a_name(self, video: str, value: int) -> str:
        """Objects that the table does not number are another release's."""
        known = ", ".join(map(str, self._categories(video)))
        return f"its category in {self._semantics} (the table of DAVIS 2017 has objects {known})"

    def findings(self) -> Iterator[Finding]:
        """As of all videos; and which videos of 2016 have a foreground of several categories."""
        yield from super().findings()
        mixed = [
            video.name
            for video in self.videos
            if not all(names.candidate for names in self.object_names(video.name).values())
        ]
        if mixed:
            verb = "shows" if len(mixed) == 1 else "show"
            text = f"{counted(len(mixed), 'video')} ({shorten(mixed, 3)}) {verb} several categories in one mask"
            yield Finding("note", f"{text}: they are present, but never the anomaly; DAVIS 2017 keeps them apart")

    def vocabulary(self) -> Sequence[Name]:
        """The categories of the videos, sorted."""
        stated = {category for video in self.videos for category in self._categories(video.name).values()}
        spelling, groups = davis_names.SPELLING, davis_names.groups()
        names = (
            Name(text, text, groups.get(own, ""), original=own if own != text else "")
            for own in stated
            for text in [spelling.get(own, own)]
        )
        return sorted(names, key=lambda name: name.text)

    def identity(self) -> Iterable[str]:
        """Digest of the semantics."""
        if self._stated:
            return (cache.file_digest(self._semantics),)
        return (cache.file_digest(davis_names.OBJECTS),)


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
    for number, line in enumerate(read_input(path).decode("utf-8-sig", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        parts = line.split()[0].strip("/").split("/")
        if len(parts) not in (1, 4):
            expected = "a video, or /JPEGImages/480p/VIDEO/FRAME.jpg /Annotations/..."
            raise DataError(problem(f"{path}:{number}", f"{line!r}", expected))
        videos[parts[0] if len(parts) == 1 else parts[2]] = None
    return list(videos)
