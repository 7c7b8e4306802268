"""Ref-YouTube-VOS: YouTube-VOS with about 15,000 expressions that each name one object.

Seo, Lee, Han: URVOS: Unified Referring Video Object Segmentation Network, ECCV 2020. https://youtube-vos.org/dataset/rvos
"""

from __future__ import annotations

from typing import ClassVar

from lavida_gen.sources._base import SourceInfo
from lavida_gen.sources._referring import ReferringOptions, ReferringSource


class RefYoutubeVosSourceOptions(ReferringOptions):
    """Options of `ref_youtube_vos`."""


class RefYoutubeVosSource(ReferringSource[RefYoutubeVosSourceOptions]):
    """Each clip is a scene; each object a region that is named by its category and its expressions."""

    prefix, family, rate = "ref_youtube_vos", "youtube-vos-video", 30.0

    Options = RefYoutubeVosSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Ref-YouTube-VOS",
        page="https://youtube-vos.org/dataset/rvos/",
        licence="annotations CC-BY-4.0; videos: non-commercial research, rights of their YouTube authors",
        use="noncommercial",
        attribution="Ref-YouTube-VOS (Seo, Lee, Han), YouTube-VOS; videos: their YouTube authors",
        pictures="photographed",
        get=(
            "Register at the page, fetch train.zip and meta_expressions.zip and unzip them into one folder. Keep\n"
            "meta.json of train.zip: its categories make negatives more reliable."
        ),
        layout=(
            "ROOT/train/JPEGImages/003234408d/00000.jpg ...\n"
            "ROOT/train/Annotations/003234408d/00000.png ...        palette PNGs, value = object id\n"
            "ROOT/train/meta.json                                   categories (optional)\n"
            "ROOT/meta_expressions/train/meta_expressions.json\n"
            "                                                       (or train/meta_expressions/train/...)\n"
            "Objects with neither category nor expression are left out."
        ),
        cite=(
            "@inproceedings{seo2020urvos, title={{URVOS}: Unified Referring Video Object Segmentation Network with a "
            "Large-Scale Benchmark},\n  author={Seo, Seonguk and Lee, Joon-Young and Han, Bohyung}, booktitle={ECCV}, "
            "year={2020}}"
        ),
    )

    def __init__(self, options: RefYoutubeVosSourceOptions) -> None:
        """Read the JSON files and list the masks. Raises DataError."""
        super().__init__(options, "see `lavida-gen sources ref_youtube_vos`")
