"""Files whose suffix is written otherwise than usual: masks and pictures are found, or the message names what is there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import traps
from PIL import Image

from lavida_gen.common.errors import DataError

MASKS = ("ade20k", "cityscapes", "coco_stuff", "davis", "mapillary", "ref_youtube_vos", "vipseg", "youtube_vos")
PICTURES = ("ade20k", "cityscapes", "davis", "mapillary", "phrasecut", "vipseg", "youtube_vos")


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


@pytest.mark.parametrize("name", ["coco_panoptic", "coco_stuff", "lv_vis", "sa_co", "youtube_vis"])
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
