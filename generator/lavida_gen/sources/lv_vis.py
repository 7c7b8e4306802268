"""LV-VIS: 4,828 videos with instances of 1,196 categories.

Wang et al., Towards Open-Vocabulary Video Instance Segmentation, ICCV 2023. https://github.com/haochenheheda/LVVIS
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations.masklet_index import open_index
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import ClipOptions
from lavida_gen.sources._masklets import MaskletSource

SEE = "see `lavida-gen sources lv_vis`"


class LvVisSourceOptions(ClipOptions):
    """Options of `lv_vis`."""

    root: LocalPath = Field(description="folder that contains train_instances.json and the frames")
    split: Literal["train", "val"] = Field(
        default="train", description="train or val: reads SPLIT_instances.json (test has no annotations)"
    )


class LvVisSource(MaskletSource[LvVisSourceOptions]):
    """Each clip is a scene; each object a region.

    Its authors state that train is not annotated completely, so that of a category that is not annotated nothing is
    known: "unannotated".
    """

    prefix, family = "lv_vis", "lv-vis-video"

    Options = LvVisSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="LV-VIS (Large-Vocabulary Video Instance Segmentation)",
        page="https://github.com/haochenheheda/LVVIS",
        licence="CC-BY-NC-SA-4.0 (by its repository)",
        use="noncommercial",
        attribution="LV-VIS (Wang, Yan, Wang, Jiang, Tang, Hu, Xie, Gavves)",
        pictures="photographed",
        get=(
            "Fetch the videos and annotations of train or val from the page. Not verified: no file of the release was\n"
            "seen beside its description, nor how many frames of a second there are (`fps` stays unknown)."
        ),
        layout=(
            "ROOT/train_instances.json                      ROOT/val_instances.json    (or in ROOT/annotations)\n"
            "ROOT/train/JPEGImages/00000/00000.jpg ...      or ROOT/JPEGImages/train/00000/00000.jpg ..."
        ),
        cite=(
            "@inproceedings{wang2023towards, title={Towards Open-Vocabulary Video Instance Segmentation}, "
            "author={Wang, Haochen and others}, booktitle={ICCV}, year={2023}}"
        ),
    )

    def __init__(self, options: LvVisSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        required, split = RequiredFiles(options.root, SEE), options.split
        name = f"{split}_instances.json"
        file = required.file(_first(options.root, [name, f"annotations/{name}", f"{split}/{name}"]), "split")
        folders = [f"{split}/JPEGImages", f"JPEGImages/{split}"]
        images = required.folder(_first(options.root, folders), "split")
        required.raise_if_missing()
        super().__init__(options, split, open_index(file, "category"), images)


def _first(root: Path, names: list[str]) -> Path:
    """The first place that exists, else the usual one."""
    places = [root / name for name in names]
    return next((place for place in places if place.exists()), places[0])
