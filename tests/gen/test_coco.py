"""COCO: every mask equals pycocotools' own decoding; odd annotations are told, not guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from lavida_gen import cache, coco_index, masks
from lavida_gen.errors import DataError
from lavida_gen.sources.coco import Coco

REAL = [
    ("tinycoco", {"split": "train2017"}, "annotations/instances_train2017.json"),
    ("tinycoco", {"split": "val2017"}, "annotations/instances_val2017.json"),
    ("coco", {"split": "val2017"}, "annotations/instances_val2017.json"),
]


def polygons_file(folder: Path) -> Path:
    return next(path for path in sorted(folder.rglob("*.json")) if "annotations" in json.loads(path.read_text()))


def equal_to_pycocotools(source: Coco, file: Path) -> int:
    """Compare every mask pixel by pixel; the number of annotations compared."""
    oracle = COCO(str(file))
    compared = 0
    for number in range(len(source)):
        image = int(source.index.image_id[number])
        theirs = oracle.loadAnns(oracle.getAnnIds(imgIds=[image]))
        scene = source.scene(number)
        assert len(scene.regions) == len(theirs)
        for region, annotation in zip(scene.regions, theirs, strict=True):
            (mask,) = region.masks
            assert mask is not None
            assert np.array_equal(masks.decode(mask), oracle.annToMask(annotation).astype(bool))
            assert region.category == oracle.cats[annotation["category_id"]]["name"].strip()
            compared += 1
    return compared


@pytest.mark.parametrize(("folder", "options", "file"), REAL)
def test_real_masks(shared_data: Path, folder: str, options: dict[str, str], file: str) -> None:
    root = shared_data / folder
    source = Coco(Coco.Options(root=root, **options))
    assert equal_to_pycocotools(source, root / file) == len(json.loads((root / file).read_text())["annotations"])
    for number in range(len(source)):
        assert source.scene(number).frames[0].pixels().shape[:2] == source.scene(number).size


def test_real_polygons_with_folders_in_file_names(shared_data: Path) -> None:
    root = shared_data / "coco_polygons"
    file = polygons_file(root)
    source = Coco(
        Coco.Options(root=root, annotations=str(file.relative_to(root)), images=str(file.parent.relative_to(root)))
    )
    assert equal_to_pycocotools(source, file) == 12
    assert "/" in source.index.file(0)
    assert list(source.faults()) == []


def small(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "images": [{"id": 7, "file_name": "a.jpg", "height": 10, "width": 12}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "segmentation": [[1, 1, 8, 1, 8, 8]]}],
        "categories": [{"id": 3, "name": "dog", "supercategory": "animal"}],
    }
    return {**plain, **changes}


def index(tmp_path: Path, plain: Any) -> coco_index.CocoIndex:
    file = tmp_path / "i.json"
    file.write_text(plain if isinstance(plain, str) else json.dumps(plain))
    return coco_index.open_index(file)


def ann(**changes: Any) -> dict[str, Any]:
    return small(annotations=[{**small()["annotations"][0], **changes}])


def test_annotations_may_come_before_images(tmp_path: Path) -> None:
    plain = small()
    first = index(tmp_path, plain)
    turned = index(tmp_path, dict(reversed(list(plain.items()))))
    assert first.annotations(0) == turned.annotations(0) != []


def test_all_three_codings_of_a_mask_agree(tmp_path: Path) -> None:
    bits = np.zeros((10, 12), bool)
    bits[2:5, 3:9] = True
    flat = bits.ravel(order="F")
    runs = np.diff([0, *(np.flatnonzero(np.diff(flat.astype(int))) + 1), flat.size]).tolist()
    packed = masks.encode(bits).counts.decode()
    for counts in (runs, packed):
        found = index(tmp_path, ann(iscrowd=1, segmentation={"size": [10, 12], "counts": counts}))
        (one,) = found.annotations(0)
        assert one.crowd
        assert np.array_equal(masks.decode(one.mask), bits)


def test_images_without_annotations_are_scenes(tmp_path: Path) -> None:
    found = index(tmp_path, small(annotations=[]))
    assert len(found) == 1
    assert found.annotations(0) == []


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        (ann(image_id=8), r"annotations\[0\] \(id 1\): image_id 8 is no image of this file"),
        (ann(category_id=9), r"annotation id 1: category_id 9 is no category of this file"),
        (ann(segmentation={"size": [9, 9], "counts": [81]}), r"run lengths of \[9, 9\]; expected \[10, 12\]"),
        (ann(segmentation={"size": [10, 12], "counts": [100]}), r"sum up to 100; expected 120"),
        (ann(segmentation={"size": [10, 12], "counts": "~~~"}), r"compressed run lengths"),
        (ann(segmentation=[[1, 2, float("nan"), 4, 5, 6]]), r"a corner is not finite"),
        (ann(segmentation=[[1, 2, 3, 4, 5, 6, 7]]), r"7 numbers; expected an even count"),
        (small(annotations=[{"id": 1, "image_id": 7}]), r"annotations\[0\]: has no 'category_id'"),
        (small(images=[*small()["images"], *small()["images"]]), r"images\[1\]: id 7 stands twice"),
        (small(images=[{"id": 7, "height": 1, "width": 1}]), r"images\[0\]: has no 'file_name'"),
        (small(images=[{"id": 7, "file_name": "x", "height": 0, "width": 1}]), r"images\[0\]: is 1 x 0 pixels"),
        (small(categories=[{"id": 3, "name": " "}]), r"categories\[0\]: has a blank name"),
        (small(images=[5]), r"images\[0\]: is 5; expected an object"),
        ({"images": []}, r"has no 'annotations'; expected a COCO instances file"),
        (json.dumps(small())[:80], r"i.json:1:\d+: breaks off at byte"),
        ("[1, 2]", r"i.json:1:1: is no JSON"),
        ('{"images" 3}', r"i.json:1:11: is no JSON"),
        ('{"images": [1 2]}', r"i.json:1:\d+: is no JSON"),
        ("", r"i.json:1:1: breaks off"),
    ],
)
def test_faults_are_told_with_their_place(tmp_path: Path, plain: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        index(tmp_path, plain)


def test_degenerate_polygons_are_left_out_and_told(tmp_path: Path) -> None:
    found = index(tmp_path, ann(segmentation=[[1, 1, 2, 2], [1, 1, 8, 1, 8, 8]]))
    assert len(found.annotations(0)) == 1
    assert found.skipped == ["annotations[0] (id 1): 1 of 2 polygons have less than 3 corners"]
    assert index(tmp_path, ann(segmentation=[[1, 1, 2, 2]])).annotations(0) == []


def test_many_faults_are_told_at_once(tmp_path: Path) -> None:
    plain = small(annotations=[{**small()["annotations"][0], "image_id": 100 + n} for n in range(30)])
    with pytest.raises(DataError) as error:
        index(tmp_path, plain)
    assert str(error.value).count("is no image of this file") == 10
    assert "... and 20 more" in str(error.value)


def test_the_cache_follows_the_content_and_mends_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "own"))
    first = index(tmp_path, small())
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "own").glob("coco-*")}
    again = index(tmp_path, small())
    assert again.digest == first.digest
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "own").glob("coco-*")} == made
    for path in (tmp_path / "own").glob("coco-*/counts.npy"):
        path.write_bytes(path.read_bytes()[:-1])
    assert index(tmp_path, small()).annotations(0) == first.annotations(0)
    other = index(tmp_path, ann(segmentation=[[1, 1, 9, 1, 9, 9]]))
    assert other.digest != first.digest
    assert other.annotations(0) != first.annotations(0)


def test_a_digest_is_remembered_but_not_past_a_change(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"one")
    first = cache.file_digest(file)
    assert cache.file_digest(file) == first
    file.write_bytes(b"three")
    assert cache.file_digest(file) != first


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder .*nowhere"):
        Coco(Coco.Options(root=tmp_path / "nowhere"))
    with pytest.raises(DataError, match="no file .*instances_val2017.json"):
        Coco(Coco.Options(root=tmp_path, split="val2017"))
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val2017.json").write_text(json.dumps(small()))
    with pytest.raises(DataError, match="no folder of photos; looked for .*val2017"):
        Coco(Coco.Options(root=tmp_path, split="val2017"))
    (tmp_path / "val2017").mkdir()
    assert list(Coco(Coco.Options(root=tmp_path, split="val2017")).faults()) == [
        f"image id 7: no file {tmp_path / 'val2017' / 'a.jpg'}"
    ]
