"""Traps in official layouts of images: ids, void values, groups, encodings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import coco, mapillary, shapes
from PIL import Image
from traps import BOX, area, drawn, edit, named, opened

from lavida_gen.classes import mapillary_names
from lavida_gen.common.errors import DataError
from lavida_gen.exposures import _candidates as candidates
from lavida_gen.exposures._base import Limits
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import Source

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


def test_ade20k_masks_that_count_from_0(tmp_path: Path) -> None:
    whole = drawn("ade20k", tmp_path).scene(0)
    for path in (tmp_path / "annotations" / "training").glob("*.png"):
        shapes.save(path, np.asarray(Image.open(path)) - np.uint8(1))
    with pytest.raises(DataError, match=r"holds the values 0, 12, 127, 255: labels one lower.*add `first: 0`"):
        opened("ade20k", {"root": tmp_path})
    assert opened("ade20k", {"root": tmp_path, "first": 0}).scene(0).regions == whole.regions


def test_ade20k_the_full_release_is_another_data_set(tmp_path: Path) -> None:
    drawn("ade20k", tmp_path)
    shapes.save(tmp_path / "images" / "ADE" / "training" / "x_seg.png", shapes.photo(1))
    with pytest.raises(DataError, match=r"is the full ADE20K release \(index_ade20k\.pkl.*use source `ade20k_full`"):
        opened("ade20k", {"root": tmp_path})


def test_ade20k_parts_of_other_objects_may_be_there(tmp_path: Path) -> None:
    source = drawn("ade20k", tmp_path)
    assert source.evidence_of_absence(Name("person", "person")) == "exhaustive"
    assert source.evidence_of_absence(Name("windowpane", "windowpane")) == "unannotated"
    assert source.related()["bicycle"] == ["bike", "wheel", "cycle"]


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cityscapes_licence_plates_are_void(tmp_path: Path, dtype: Any) -> None:
    drawn("cityscapes", tmp_path)
    for path in (tmp_path / "gtFine").rglob("*_instanceIds.png"):
        shapes.save(path, shapes.plane({26: BOX, np.iinfo(dtype).max: (0, 0, 9, 9)}, ground=7, dtype=dtype))
    assert [region.category for region in opened("cityscapes", {"root": tmp_path}).scene(0).regions] == ["road", "car"]


def test_cityscapes_a_group_of_poles_is_poles(tmp_path: Path) -> None:
    drawn("cityscapes", tmp_path)
    for path in (tmp_path / "gtFine").rglob("*_instanceIds.png"):
        shapes.save(path, shapes.plane({17: BOX, 18: (40, 0, 9, 9)}, ground=7, dtype=np.uint16))
    source = opened("cityscapes", {"root": tmp_path})
    found = [(region.category, region.kind, region.candidate) for region in source.scene(0).regions]
    assert found == [("road", "stuff", False), ("pole", "thing", True), ("pole", "stuff", True)]
    assert len(source.vocabulary()) == 26


def test_cityscapes_dummy_masks_of_test(tmp_path: Path) -> None:
    drawn("cityscapes", tmp_path)
    for path in (tmp_path / "gtFine").rglob("*_instanceIds.png"):
        shapes.save(path, shapes.plane({}, ground=3, dtype=np.uint16))
    with pytest.raises(
        DataError, match=r"no pixel has a class \(values 3\).* in 2 others.*the masks of `test` are dummies"
    ):
        opened("cityscapes", {"root": tmp_path})


def test_cityscapes_train_ids_are_no_ids(tmp_path: Path) -> None:
    drawn("cityscapes", tmp_path)
    for path in (tmp_path / "gtFine").rglob("*_instanceIds.png"):
        shapes.save(path.with_name(path.name.replace("instance", "label")), shapes.plane({13: BOX, 255: (0, 0, 9, 9)}))
        path.unlink()
    with pytest.raises(
        DataError, match=r"labelIds\.png: holds no value from 19 to 254, but 0 and 255: train ids, not ids"
    ):
        opened("cityscapes", {"root": tmp_path})
    for path in (tmp_path / "gtFine").rglob("*_labelIds.png"):
        path.rename(path.with_name(path.name.replace("labelIds", "labelTrainIds")))
    with pytest.raises(
        DataError, match=r"gtFine/train: holds \w+_gtFine_labelTrainIds\.png; expected \*_gtFine_instanceIds"
    ):
        opened("cityscapes", {"root": tmp_path})


def test_cityscapes_coarse_masks_are_not_complete(tmp_path: Path) -> None:
    source = drawn("cityscapes", tmp_path)
    assert {source.evidence_of_absence(name) for name in source.vocabulary()} == {"exhaustive"}
    (tmp_path / "gtFine").rename(tmp_path / "gtCoarse")
    for path in (tmp_path / "gtCoarse").rglob("*.png"):
        path.rename(path.with_name(path.name.replace("gtFine", "gtCoarse")))
    source = opened("cityscapes", {"root": tmp_path, "annotations": "gtCoarse"})
    assert {source.evidence_of_absence(name) for name in source.vocabulary()} == {"unannotated"}


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
        ("traffic sign", "thing", True, 64),
    ], "instance 0 is one too; void--ego-vehicle and what is not evaluated are void"
    assert Name("car", "car", "object--vehicle") in source.vocabulary()
    original = {name.text: name.original for name in source.vocabulary()}
    assert (original["traffic sign"], original["car"]) == ("Traffic Sign (Front)", "")
    assert "ego vehicle" not in {name.text for name in source.vocabulary()}


def test_mapillary_a_value_below_0(tmp_path: Path) -> None:
    source = drawn("mapillary", tmp_path)
    for path in (tmp_path / "training" / "instances").glob("*.png"):
        Image.fromarray(shapes.plane({1: BOX}).astype(np.int32) - 1).save(path, "TIFF")
    with pytest.raises(DataError, match=r"\.png: holds the value -1"):
        source.scene(0)


def mapillary_with(root: Path, values: dict[int, tuple[int, int, int, int]], *classes: tuple[str, str, bool]) -> Source:
    drawn("mapillary", root)
    labels = [
        {
            "name": path,
            "readable": name,
            "instances": instances,
            "evaluate": "-group" not in path and "ambig" not in path,
        }
        for path, name, instances in classes
    ]
    shapes.write(root / "config.json", {"labels": labels})
    for path in (root / "training" / "instances").glob("*.png"):
        shapes.save(path, shapes.plane({256 * at: box for at, box in values.items()}, dtype=np.uint16))
    return opened("mapillary", {"root": root})


def test_mapillary_groups_belong_to_their_members(tmp_path: Path) -> None:
    classes = [
        ("nature--sky", "Sky", False),
        ("human--person--individual", "Person", True),
        ("human--person--person-group", "Person Group", False),
        ("object--vehicle--car", "Car", True),
        ("object--vehicle--vehicle-group", "Vehicle Group", False),
        ("object--traffic-sign--front", "Traffic Sign (Front)", True),
        ("object--traffic-sign--ambiguous", "Traffic Sign - Ambiguous", True),
    ]
    source = mapillary_with(tmp_path, {2: (0, 0, 9, 9), 4: (20, 0, 9, 9), 6: (40, 0, 9, 9)}, *classes)
    found = {region.category: (region.kind, region.candidate) for region in source.scene(0).regions}
    assert found == {
        "sky": ("stuff", False),
        "person": ("stuff", True),
        "vehicle group": ("stuff", False),
        "traffic sign - ambiguous": ("thing", False),
    }
    assert candidates.anomaly_names(source.scene(0).regions) == ["person"]
    related = source.related()
    assert related["vehicle group"] == ["car"]
    assert related["traffic sign - ambiguous"] == ["traffic sign"]
    names = {name.text: name.original for name in source.vocabulary()}
    assert names == {"sky": "", "person": "", "car": "", "traffic sign": "Traffic Sign (Front)"}


def test_mapillary_names_as_people_use_them() -> None:
    names = mapillary_names.EVERYDAY
    assert mapillary_names.everyday_name("object--vehicle--on-rails", "On Rails") == "rail vehicle"
    assert mapillary_names.everyday_name("marking-only--discrete--text", "Lane Marking (only) - Test") == "text marking"
    assert mapillary_names.everyday_name("object--cctv-camera", "CCTV Camera") == "cctv camera"
    both = [name for name in set(names.values()) if list(names.values()).count(name) > 1]
    assert sorted(both) == ["lane marking", "zebra crossing"], "classes of one name: one in 1.2, one in 2.0"
    assert not [name for name in names.values() if set(name) & set("()-") or name != name.lower()]
    assert mapillary_names.related_names({"object--wire-group": "wire group", "object--bench": "bench"}) == {}
    crosswalks = {path: names[path] for path in ("construction--flat--crosswalk-plain", "marking--crosswalk-zebra")}
    assert "zebra crossing" in mapillary_names.related_names(crosswalks)["plain crosswalk"]


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


def stuff_maps(root: Path, *values: int) -> None:
    for path in (root / "stuffthingmaps").rglob("*.png"):
        shapes.save(path, shapes.plane(dict(zip(values, [BOX, (40, 0, 9, 9)], strict=False))))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((1, 2), r"seem to count from 1.*none of those looked at holds 255.*add `first: 1`"),
        ((12, 255), None),
        ((11, 255), r"seem to count from 1.*value 11 would be 'street sign', never annotated"),
    ],
)
def test_coco_stuff_maps_that_count_from_1(tmp_path: Path, values: tuple[int, ...], message: str | None) -> None:
    drawn("coco_stuff", tmp_path)
    stuff_maps(tmp_path, *values)
    if message is None:
        opened("coco_stuff", {"root": tmp_path})
        return
    with pytest.raises(DataError, match=message):
        opened("coco_stuff", {"root": tmp_path})
    source = opened("coco_stuff", {"root": tmp_path, "first": 1})
    expected = {(1, 2): ["person", "bicycle"], (11, 255): ["fire hydrant"]}
    assert [region.category for region in source.scene(0).regions] == expected[values]
    assert len(opened("coco_stuff", {"root": tmp_path, "first": 0})) == len(source)


def test_coco_stuff_what_is_left_over_is_general(tmp_path: Path) -> None:
    source = drawn("coco_stuff", tmp_path)
    names = {name.text: name for name in source.vocabulary()}
    assert (names["brick wall"].original, names["tree"].original) == ("wall-brick", "")
    assert "solid" not in names
    assert {"cabinet", "chair"} <= set(source.related()["furniture"])
    evidence = {name: source.evidence_of_absence(names[name]) for name in ("metal", "wood floor")}
    assert evidence == {"metal": "unannotated", "wood floor": "exhaustive"}, "cars are of metal, too"


def test_coco_stuff_pixels_are_ids_less_one(tmp_path: Path) -> None:
    source = drawn("coco_stuff", tmp_path)
    found = {r.category: (r.kind, r.candidate) for r in source.scene(0).regions}
    assert found == {"person": ("thing", True), "blanket": ("stuff", True), "brick wall": ("stuff", False)}
    words = {name.text: name for name in source.vocabulary()}
    assert {"wall", "wood floor", "window blind", "tree", "playing field"} <= set(words)
    assert not {"street sign", "hat", "hair brush"} & set(words), "these were never annotated"
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
    annotations[1]["segmentation"] = None
    shapes.write(tmp_path / "annotations" / "stuff_train2017.json", plain)
    broken = opened("coco_stuff", {"root": tmp_path, "annotations": "annotations/stuff_train2017.json"})
    (found,) = broken.left_out()
    assert "annotations[1] (id 2): segmentation is 'None'" in found.text
    assert [(r.masks, r.candidate) for r in broken.scene(0).regions] == [((None,), False)]


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda a: a["segments_info"][1].update(category_id=9),
            r"annotations\[0\]: category_id 9; expected a category",
        ),
        (lambda a: a.update(image_id=1), r"annotations\[0\]: image_id 1; expected an image of this file"),
        (lambda a: a.pop("segments_info"), r"annotations\[0\]: has no 'segments_info'"),
        (lambda a: a["segments_info"][1].pop("id"), r"annotations\[0\]: segments_info\[1\]: has no 'id'"),
    ],
)
def test_one_odd_annotation_of_coco_panoptic_costs_one_scene(tmp_path: Path, change: Any, message: str) -> None:
    whole = drawn("coco_panoptic", tmp_path)
    edit(tmp_path / "annotations" / "panoptic_train2017.json", lambda plain: change(plain["annotations"][0]))
    source = opened("coco_panoptic", {"root": tmp_path})
    assert len(source) == len(whole) - 1
    (found,) = source.left_out()
    assert (found.severity, found.scenes) == ("dropped", 1)
    assert re.search(message, found.text)


def test_panoptic_categories_with_true_and_false(tmp_path: Path) -> None:
    usual = drawn("coco_panoptic", tmp_path)
    regions = usual.scene(0).regions

    def change(plain: Any) -> None:
        for category in plain["categories"]:
            category["isthing"] = bool(category["isthing"])

    edit(tmp_path / "annotations" / "panoptic_train2017.json", change)
    source = opened("coco_panoptic", usual.options.model_dump(exclude_unset=True))
    assert source.scene(0).regions == regions
    assert list(source.left_out()) == []
