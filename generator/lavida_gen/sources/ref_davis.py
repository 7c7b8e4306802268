"""Ref-DAVIS17: DAVIS 2017 with about 1,500 expressions, four for each object, in the layout of Ref-YouTube-VOS.

Khoreva, Rohrbach, Schiele: Video Object Segmentation with Language Referring Expressions, ACCV 2018.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lavida_gen.sources._base import SourceInfo
from lavida_gen.sources._referring import ReferringOptions, ReferringSource


class RefDavisSourceOptions(ReferringOptions):
    """Options of `ref_davis`."""

    stride: int = Field(default=4, ge=1, le=1000, description="frames from one frame of a clip to the next")


class RefDavisSource(ReferringSource[RefDavisSourceOptions]):
    """Each clip is a scene; each object a region that is named by its category and its expressions."""

    prefix, family, rate = "ref_davis", "davis-video", 24.0

    Options = RefDavisSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Ref-DAVIS17",
        page="https://www.mpi-inf.mpg.de/departments/computer-vision-and-machine-learning/research/"
        "video-segmentation/video-object-segmentation-with-language-referring-expressions",
        licence="CC-BY-NC-4.0 (DAVIS); expressions for research",
        use="noncommercial",
        attribution="DAVIS (Perazzi et al.; Pont-Tuset et al.); expressions: Khoreva, Rohrbach, Schiele",
        pictures="photographed",
        get=(
            "Fetch DAVIS-2017-Unsupervised-trainval-480p.zip and DAVIS-2017_semantics-480p.zip from\n"
            "davischallenge.org and davis_text_annotations.zip from the page, and convert them to the layout below,\n"
            "as ReferFormer's tools/data/convert_davis_to_ytvos.py does."
        ),
        layout=(
            "ROOT/train/JPEGImages/bear/00000.jpg ...\n"
            "ROOT/train/Annotations/bear/00000.png ...              palette PNGs, value = object id, every frame\n"
            "ROOT/train/meta.json                                   categories (optional)\n"
            "ROOT/meta_expressions/train/meta_expressions.json      (or train/meta_expressions/train/...)\n"
            '    {"videos": {"bear": {"expressions": {"0": {"exp": "a bear", "obj_id": "1"}}}}}'
        ),
        cite=(
            "@inproceedings{khoreva2018video, title={Video Object Segmentation with Language Referring Expressions},\n"
            "  author={Khoreva, Anna and Rohrbach, Anna and Schiele, Bernt}, booktitle={ACCV}, year={2018}}"
        ),
    )

    def __init__(self, options: RefDavisSourceOptions) -> None:
        """Read the JSON files and list the masks. Raises DataError."""
        see = "see `lavida-gen sources ref_davis`"
        convert = "ReferFormer's tools/data/convert_davis_to_ytvos.py makes it of davis_text_annotations"
        super().__init__(options, see, f"{convert}; {see}")
