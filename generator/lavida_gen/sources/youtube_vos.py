"""YouTube-VOS: 3,471 training videos with objects of 65 categories, masks on every fifth frame.

Xu et al., YouTube-VOS: Sequence-to-Sequence Video Object Segmentation, ECCV 2018. https://youtube-vos.org
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from lavida_gen.annotations import json_file
from lavida_gen.common.findings import Finding
from lavida_gen.common.text import counted
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import ClipOptions
from lavida_gen.sources._vos import ObjectNames, VosSource, read_object_names
from lavida_gen.storage import cache


class YoutubeVosSourceOptions(ClipOptions):
    """Options of `youtube_vos`."""

    root: LocalPath = Field(description="folder that contains train/")
    split: str = Field(default="train", description="train (valid and test annotate only the first frame of an object)")


class YoutubeVosSource(VosSource[YoutubeVosSourceOptions]):
    """Each clip is a scene; each object a region that is named by its category.

    A few objects of each video are annotated, not all of their category, so that absence is "unannotated".
    """

    prefix, family, rate = "youtube_vos", "youtube-vos-video", 30.0

    Options = YoutubeVosSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="YouTube-VOS 2018/2019",
        page="https://youtube-vos.org/dataset/vos/",
        licence="annotations CC-BY-4.0; videos: non-commercial research, rights of their YouTube authors",
        use="noncommercial",
        attribution="YouTube-VOS; videos: their YouTube authors",
        pictures="photographed",
        get="Register at the page, fetch train.zip of the 2018 or 2019 version and unzip it.",
        layout=(
            "ROOT/train/JPEGImages/003234408d/00000.jpg ...\n"
            "ROOT/train/Annotations/003234408d/00000.png ...   palette PNGs, value = object id, every fifth frame\n"
            "ROOT/train/meta.json                              category and frames of each object\n"
            "In valid and test, an object has a mask in its first frame only, so it is never used as the anomaly."
        ),
        cite=(
            "@inproceedings{xu2018youtube, title={{YouTube-VOS}: Sequence-to-Sequence Video Object Segmentation},\n"
            "  author={Xu, Ning and others}, booktitle={ECCV}, year={2018}}"
        ),
    )

    def __init__(self, options: YoutubeVosSourceOptions) -> None:
        """Read meta.json and list the masks. Raises DataError."""
        required = RequiredFiles(options.root, "see `lavida-gen sources youtube_vos`")
        root = options.root / options.split
        images = required.folder(root / "JPEGImages", "split")
        masks = required.folder(root / "Annotations", "split")
        self._file = required.file(root / "meta.json", "split")
        required.raise_if_missing()
        self._meta = json_file.member(json_file.load(self._file), "videos", dict, self._file)
        super().__init__(options, options.split, sorted(self._meta), images, masks, self._file)

    def read_names(self, video: str) -> Mapping[int, ObjectNames]:
        """The categories in meta.json."""
        return read_object_names(self._meta, video, self._file)

    def without_a_name(self, video: str, value: int) -> str:
        """Every object belongs into meta.json."""
        return f"a category in {self._file}"

    def vocabulary(self) -> Sequence[Name]:
        """The categories, sorted."""
        categories = {names.category for video in self.videos for names in self.object_names(video.name).values()}
        return [Name(category, category) for category in sorted(categories)]

    def findings(self) -> Iterator[Finding]:
        """As of all videos; and folders of masks that meta.json does not name."""
        yield from super().findings()
        folders = (path.name for path in self.annotations.iterdir() if path.is_dir() and path.name[0] != ".")
        unnamed = sorted(set(folders) - set(self._meta))
        if unnamed:
            text = f"{counted(len(unnamed), 'folder')} of masks not in {self._file}: left out, such as {unnamed[0]}"
            yield Finding("note", f"{self.annotations}: {text}")

    def identity(self) -> Iterable[str]:
        """Digest of meta.json."""
        return (cache.file_digest(self._file),)
