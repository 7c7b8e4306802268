"""Files whose suffix is written otherwise than usual: masks and pictures are found, or the message names what is there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import traps
from PIL import Image

from lavida_gen.common.errors import DataError
from lavida_gen.sources._label_maps import LabelMapSource

MASKS = ("ade20k", "cityscapes", "coco_stuff", "davis", "mapillary", "ref_youtube_vos", "vipseg", "youtube_vos")
PICTURES = (
    "ade20k",
    "cityscapes",
    "davis",
    "lv_vis",
    "mapillary",
    "phrasecut",
    "sa_co",
    "vipseg",
    "youtube_vis",
    "youtube_vos",
)


def rename(root: Path, old: str, new: str) -> None:
    for path in sorted(root.rglob(f"*{old}")):
        path.rename(path.with_name(path.name.removesuffix(old) + new))


@pytest.mark.parametrize("name", MASKS)
def test_masks_in_capitals(name: str, tmp_path: Path) -> None:
    usual = traps.drawn(name, tmp_path)
    scenes = [usual.scene(number) for number in range(len(usual))]
    rename(tmp_path, ".png", ".PNG")
    source = traps.opened(name, usual.options.model_dump(exclude_unset=True))
    assert [source.key(number) for number in range(len(source))] == [scene.key for scene in scenes]
    assert [source.scene(number).regions for number in range(len(source))] == [scene.regions for scene in scenes]
    assert [finding.text for finding in source.findings() if finding.severity == "dropped"] == []


@pytest.mark.parametrize("form", [".JPG", ".jpeg", ".JPEG", ".png"])
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_another_suffix(name: str, form: str, tmp_path: Path) -> None:
    options = traps.drawn(name, tmp_path).options.model_dump(exclude_unset=True)
    if name == "cityscapes":
        for path in (tmp_path / "leftImg8bit").rglob("*.png"):
            Image.open(path).save(path.with_suffix(".jpg"))
            path.unlink()
    rename(tmp_path, ".jpg", form)
    source = traps.opened(name, options)
    assert np.asarray(source.scene(0).frames[0].pixels()).shape[2] == 3
    assert [finding.text for finding in source.findings() if finding.severity == "dropped"] == []


@pytest.mark.parametrize("name", ["coco_panoptic", "coco_stuff"])
def test_a_picture_that_is_not_found_is_named(name: str, tmp_path: Path) -> None:
    options = traps.drawn(name, tmp_path).options.model_dump(exclude_unset=True)
    rename(tmp_path, ".jpg", ".jpeg")
    source = traps.opened(name, options)
    assert re.search(r"no file .*/(\d+)\.jpg; there is \1\.jpeg$", next(source.findings()).text)
    with pytest.raises(DataError, match=r"\.jpg: cannot be read .*; there is \d+\.jpeg"):
        source.scene(0).frames[0].pixels()


@pytest.mark.parametrize("name", ["ade20k", "coco_stuff", "mapillary"])
def test_masks_of_another_format_are_named(name: str, tmp_path: Path) -> None:
    options = traps.drawn(name, tmp_path).options.model_dump(exclude_unset=True)
    rename(tmp_path, ".png", ".npy")
    with pytest.raises(DataError, match=r": has no masks \(\*\.png\), but .*\.npy; expected index masks as PNG"):
        traps.opened(name, options)


@pytest.mark.parametrize("name", ["ade20k", "davis", "vipseg"])
def test_lists_as_editors_save_them(name: str, tmp_path: Path) -> None:
    """With a byte order mark and line ends of Windows."""
    options = traps.drawn(name, tmp_path).options.model_dump(exclude_unset=True)
    usual = traps.opened(name, options)
    for path in tmp_path.rglob("*.txt"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    source = traps.opened(name, options)
    assert [source.key(number) for number in range(len(source))] == [usual.key(number) for number in range(len(usual))]
    assert list(source.vocabulary()) == list(usual.vocabulary())


def test_the_full_release_of_ade20k_in_capitals(tmp_path: Path) -> None:
    usual = traps.drawn("ade20k_full", tmp_path)
    regions = [usual.scene(number).regions for number in range(len(usual))]
    for form in (".png", ".jpg", ".json"):
        rename(tmp_path, form, form.upper())
    source = traps.opened("ade20k_full", usual.options.model_dump(exclude_unset=True))
    assert [source.scene(number).regions for number in range(len(source))] == regions
    assert [finding.text for finding in source.findings() if finding.severity == "dropped"] == []


@pytest.mark.parametrize("name", ["ade20k", "cityscapes", "mapillary"])
def test_pictures_without_a_mask_are_counted(name: str, tmp_path: Path) -> None:
    source = traps.drawn(name, tmp_path)
    assert isinstance(source, LabelMapSource)
    source.mask_path(source.names[0]).unlink()
    (found,) = traps.opened(name, source.options.model_dump(exclude_unset=True)).findings()
    assert (found.severity, found.text) == (
        "note", f"1 of 3 images have no mask and were left out, such as {source.names[0]}"
    )  # fmt: skip


def test_videos_that_no_list_names_are_counted(tmp_path: Path) -> None:
    source = traps.drawn("youtube_vos", tmp_path)
    traps.edit(tmp_path / "train" / "meta.json", lambda plain: plain["videos"].pop("003234408d"))
    (found,) = traps.opened("youtube_vos", source.options.model_dump(exclude_unset=True)).findings()
    assert re.search(r"1 folder of masks not in .*meta\.json: left out, such as 003234408d$", found.text)


def test_labels_of_mapillary_are_no_instances(tmp_path: Path) -> None:
    options = traps.drawn("mapillary", tmp_path).options.model_dump(exclude_unset=True)
    for path in (tmp_path / "training" / "instances").glob("*.png"):
        Image.fromarray((np.asarray(Image.open(path)) // 256).astype(np.uint8)).save(path)
    with pytest.raises(
        DataError, match=r"\.png: holds no value above 5, .*: labels, not instances; expected 256 \* class"
    ):
        traps.opened("mapillary", options)
