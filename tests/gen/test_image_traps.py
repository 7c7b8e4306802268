"""Traps in official layouts of images: ids, void values, groups, encodings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import coco, mapillary, shapes
from PIL import Image
from traps import area, drawn, edit, named, opened

from lavida_gen.common.errors import DataError
from lavida_gen.exposures import _candidates as candidates
from lavida_gen.exposures._base import Limits
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name

# ---- ADE20K ----------------------------------------------------------------------------------------------------


def test_ade20k_0_is_void_and_backgrounds_are_no_candidates(tmp_path: Path) -> None:
    source = drawn("ade20k", tmp_path)
    scene = source.scene(0)
    assert [(r.category, r.kind, r.candidate) for r in scene.regions] == [
        ("wall", "stuff", False),
        ("person", "thing", True),
        ("bicycle", "thing", True),
    ]
    assert sum(sum(area(region)) for region in scene.regions) == 48 * 64 - 5 * 64, "the void belongs to nothing"
    assert Name("person", "person") in source.vocabulary(), "the first synonym"


def test_ade20k_the_official_list_has_20_backgrounds() -> None:
    from lavida_gen.sources.ade20k import BACKGROUND

    assert len(BACKGROUND) == 20


def test_ade20k_a_value_without_a_name(tmp_path: Path) -> None:
    source = drawn("ade20k", tmp_path)
    shapes.save(tmp_path / "annotations" / "training" / "ADE_train_00000002.png", shapes.plane({77: (0, 0, 9, 9)}))
    with pytest.raises(DataError, match=r"ADE_train_00000002\.png: holds the value 77"):
        source.scene(1)


# ---- Cityscapes ------------------------------------------------------------------------------------------------


def test_cityscapes_instances_groups_and_void(tmp_path: Path) -> None:
    scene = drawn("cityscapes", tmp_path).scene(0)
    assert scene.key == "cityscapes/aachen/aachen_000000_000019"
    cars = named(scene, "car")
    assert [(region.kind, sum(area(region))) for region in cars] == [("stuff", 140), ("thing", 140), ("thing", 140)]
    limits = Limits(min_area=0, min_pixels=1)
    whole = candidates.find_candidate(scene, "car", limits)
    assert isinstance(whole, candidates.Candidate)
    assert whole.masks[0] is not None
    assert masks.area(whole.masks[0]) == 420, "the group belongs to its class"
    assert {r.category: r.candidate for r in scene.regions} == {
        "road": False,
        "traffic sign": True,
        "sky": False,
        "car": True,
        "person": True,
    }
    assert sum(sum(area(r)) for r in scene.regions) == 44 * 64, "the ego vehicle is void"


def test_cityscapes_the_papers_classes(tmp_path: Path) -> None:
    source = drawn("cityscapes", tmp_path, classes="paper")
    assert sorted(name.text for name in source.vocabulary()) == [
        "bicycle", "bus", "car", "motorcycle", "person", "rider", "traffic sign", "truck",
    ]  # fmt: skip
    assert {r.category for r in source.scene(0).regions if not r.candidate} == {"road", "sky"}, "there, no anomalies"


def test_cityscapes_label_ids_where_there_are_no_instances(tmp_path: Path) -> None:
    drawn("cityscapes", tmp_path)
    for path in (tmp_path / "gtFine").rglob("*_instanceIds.png"):
        plane = np.asarray(Image.open(path))
        labels = np.where(plane >= 1000, plane // 1000, plane).astype(np.uint8)
        shapes.save(path.with_name(path.name.replace("instanceIds", "labelIds")), labels)
        path.unlink()
    scene = opened("cityscapes", {"root": tmp_path}).scene(2)
    assert [sum(area(region)) for region in named(scene, "car")] == [420]
    assert scene.key == "cityscapes/zurich/zurich_000000_000019"


def test_cityscapes_an_unknown_id(tmp_path: Path) -> None:
    source = drawn("cityscapes", tmp_path)
    name = "zurich_000000_000019_gtFine_instanceIds.png"
    shapes.save(tmp_path / "gtFine" / "train" / "zurich" / name, shapes.plane({34001: (0, 0, 9, 9)}, dtype=np.uint16))
    with pytest.raises(DataError, match=f"{name}: holds the value 34001"):
        source.scene(2)


def test_cityscapes_table_is_the_official_one() -> None:
    from lavida_gen.sources.cityscapes import TABLE

    assert sorted(TABLE) == list(range(7, 34))
    assert [TABLE[number][0] for number in TABLE if TABLE[number][2]] == [
        "person", "rider", "car", "truck", "bus", "caravan", "trailer", "train", "motorcycle", "bicycle",
    ]  # fmt: skip


# ---- Mapillary -------------------------------------------------------------------------------------------------


def test_mapillary_256_times_class_plus_instance(tmp_path: Path) -> None:
    source = drawn("mapillary", tmp_path)
    scene = source.scene(0)
    found = [(r.category, r.kind, r.candidate, sum(area(r))) for r in scene.regions]
    assert found == [
        ("bird", "thing", True, 80),
        ("road", "stuff", False, 48 * 64 - 80 - 2 * 192 - 64 - 3 * 64 - 4 * 64),
        ("car", "thing", True, 192),
        ("car", "thing", True, 192),
        ("traffic sign (front)", "thing", True, 64),
    ], "instance 0 is one too; void--ego-vehicle and what is not evaluated are void"
    assert Name("car", "car", "object--vehicle") in source.vocabulary()
    assert "ego vehicle" not in {name.text for name in source.vocabulary()}


@pytest.mark.parametrize("version", ["1.2", "2.0"])
def test_mapillary_2_has_the_masks_of_both_versions(tmp_path: Path, version: str) -> None:
    mapillary.draw(tmp_path)
    below = tmp_path / "training" / f"v{version}"
    below.mkdir()
    (tmp_path / "training" / "instances").rename(below / "instances")
    (tmp_path / "config.json").rename(tmp_path / f"config_v{version}.json")
    assert len(opened("mapillary", {"root": tmp_path, "version": version}).scene(0).regions) == 5
    other = "1.2" if version == "2.0" else "2.0"
    with pytest.raises(DataError, match="split: no folder .*instances"):
        opened("mapillary", {"root": tmp_path, "version": other})


def test_mapillary_without_names_or_with_too_few(tmp_path: Path) -> None:
    drawn("mapillary", tmp_path)
    edit(tmp_path / "config.json", lambda plain: plain["labels"].pop())
    with pytest.raises(DataError, match=r"\.png: holds the value 1280"):
        opened("mapillary", {"root": tmp_path}).scene(0)
    (tmp_path / "config.json").unlink()
    with pytest.raises(DataError, match=r"root: no file .*config\.json.*; see `lavida-gen sources mapillary`"):
        opened("mapillary", {"root": tmp_path})


# ---- COCO's family ---------------------------------------------------------------------------------------------


def test_data_sets_over_cocos_photos_share_their_groups(tmp_path: Path) -> None:
    groups = [
        {source.group(number) for number in range(len(source))}
        for source in (drawn(name, tmp_path / name) for name in ("coco", "coco_stuff", "coco_panoptic", "refcoco"))
    ]
    assert groups[0] == groups[1] == groups[2] == {f"coco-photo/{number}" for number in coco.PHOTOS}
    assert groups[3] < groups[0]


def test_coco_stuff_pixels_are_ids_less_one(tmp_path: Path) -> None:
    source = drawn("coco_stuff", tmp_path)
    found = {r.category: (r.kind, r.candidate) for r in source.scene(0).regions}
    assert found == {"person": ("thing", True), "blanket": ("stuff", True), "brick wall": ("stuff", False)}
    words = {name.text: name for name in source.vocabulary()}
    assert {"wall", "wood floor", "window blind", "tree", "playing field", "street sign"} <= set(words)
    assert not any(text.endswith(("-other", "-stuff", "-merged")) or "-" in text for text in words)
    assert words["blanket"].group == "textile"


def test_coco_stuff_json_without_the_things(tmp_path: Path) -> None:
    drawn("coco_stuff", tmp_path)
    whole = {"size": list(shapes.SIZE), "counts": [0, 48 * 64]}
    annotations = [
        {"id": 1, "image_id": 139, "category_id": 183, "iscrowd": 0, "segmentation": whole},
        {"id": 2, "image_id": 139, "category_id": 157, "iscrowd": 0, "segmentation": whole},
    ]
    kinds = [
        {"id": 157, "name": "sky-other", "supercategory": "sky"},
        {"id": 183, "name": "other", "supercategory": "other"},
    ]
    plain = {"images": coco.images(), "annotations": annotations, "categories": kinds}
    shapes.write(tmp_path / "annotations" / "stuff_train2017.json", plain)
    source = opened("coco_stuff", {"root": tmp_path, "annotations": "annotations/stuff_train2017.json"})
    assert [name.text for name in source.vocabulary()] == ["sky"]
    assert [r.names for r in source.scene(0).regions] == [("sky",)]
    assert source.group(0) == "coco-photo/139"
    assert list(source.findings()) == []
    assert source.scene(0).frames[0].pixels().shape == (48, 64, 3)


def test_coco_panoptic_ids_of_three_bytes(tmp_path: Path) -> None:
    scene = drawn("coco_panoptic", tmp_path).scene(1)
    assert [(r.category, r.kind, r.candidate, sum(area(r))) for r in scene.regions] == [
        ("sky", "stuff", False, 640),
        ("car", "thing", True, 192),
        ("car", "thing", True, 192),
        ("person", "stuff", True, 320),
        ("brick wall", "stuff", False, 512),
    ], "a crowd is not one thing"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda a: a["segments_info"].pop(1),
            r"000000000139\.png: holds id 300; expected only ids that panoptic_train2017",
        ),
        (lambda a: a["segments_info"][1].update(id=301), r"000000000139\.png: no pixel has id 301"),
        (lambda a: a["segments_info"][1].update(category_id=9), r"annotations\[0\]: category_id 9"),
        (lambda a: a.update(image_id=1), r"annotations\[0\]: image_id 1"),
        (
            lambda a: a.update(file_name="../x.png"),
            r"image id 139: file name '\.\./x\.png' leaves the data set's folder",
        ),
    ],
)
def test_coco_panoptic_png_and_json_must_agree(tmp_path: Path, change: Any, message: str) -> None:
    drawn("coco_panoptic", tmp_path)
    edit(tmp_path / "annotations" / "panoptic_train2017.json", lambda plain: change(plain["annotations"][0]))
    with pytest.raises(DataError, match=message):
        opened("coco_panoptic", {"root": tmp_path}).scene(0)
