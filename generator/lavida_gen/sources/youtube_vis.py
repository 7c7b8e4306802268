"""YouTube-VIS 2019 and 2021: videos of YouTube-VOS with instances of 40 categories.

Yang, Fan, Xu, Video Instance Segmentation, ICCV 2019. https://youtube-vos.org/dataset/vis
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lavida_gen.annotations.masklet_index import open_index
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import ClipOptions
from lavida_gen.sources._masklets import MaskletSource

SEE = "valid and test have no annotations; see `lavida-gen sources youtube_vis`"


class YoutubeVisSourceOptions(ClipOptions):
    """Options of `youtube_vis`."""

    root: LocalPath = Field(description="folder that contains train/ of one year")
    split: str = Field(default="train", description="train (or another one, if you have its annotations)")


class YoutubeVisSource(MaskletSource[YoutubeVisSourceOptions]):
    """Each clip is a scene; each object a region. The years have other categories: those of the file count.

    That all objects of the 40 categories are annotated is not stated anywhere that was seen: "unannotated".
    """

    prefix, family, rate = "youtube_vis", "youtube-vos-video", 30.0

    Options = YoutubeVisSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="YouTube-VIS 2019 or 2021",
        page="https://youtube-vos.org/dataset/vis",
        licence="unknown: neither the page nor the repository states one; videos: YouTube terms, each its own",
        use="forbidden",
        attribution="YouTube-VIS (Yang, Fan, Xu); the YouTube channels of the videos",
        pictures="photographed",
        get=(
            "Register at the page and fetch train of 2019 or 2021. Every fifth frame is there and annotated. Since no\n"
            "licence was found, samples may not be passed on. Not verified: whether all objects of the 40 categories\n"
            "are annotated. The videos are those of YouTube-VOS: sources over them keep a video in one part."
        ),
        layout=(
            "ROOT/train/JPEGImages/0043f083b5/00000.jpg, 00005.jpg ...\n"
            "ROOT/train.json                (2019)\n"
            "ROOT/train/instances.json      (2021)"
        ),
        cite=(
            "@inproceedings{yang2019video, title={Video Instance Segmentation}, author={Yang, Linjie and Fan, Yuchen "
            "and Xu, Ning}, booktitle={ICCV}, year={2019}}"
        ),
    )

    def __init__(self, options: YoutubeVisSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        required, split = RequiredFiles(options.root, SEE), options.split
        newer, older = options.root / split / "instances.json", options.root / f"{split}.json"
        file = required.file(newer if newer.is_file() else older, "split")
        images = required.folder(options.root / split / "JPEGImages", "split")
        required.raise_if_missing()
        super().__init__(options, split, open_index(file, "category"), images)
