"""coco: the real files decode as pycocotools decodes them; every form of mask; problems of images, reported together."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from miniatures import coco
from pycocotools import mask as api
from pycocotools.coco import COCO

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._base import Limits
from lavida_gen.exposures._candidates import Candidate, find_candidate
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name
from lavida_gen.sources.coco import CocoSource
from lavida_gen.sources.coco_json import CocoJsonSource

SIZE = (48, 64)
Plain = dict[str, Any]
REAL = [
    ("tinycoco", {"split": "train2017"}, 32, 288),
    ("tinycoco", {"split": "val2017"}, 6, 136),
    ("coco", {"split": "val2017"}, 2, 50),
    ("coco_polygons", {}, 3, 12),
]


def open_coco(root: Path, **options: Any) -> CocoSource:
    return CocoSource(CocoSource.Options(root=root, **{"split": "val2017", **options}))


def open_json(root: Path, **options: Any) -> CocoJsonSource:
    return CocoJsonSource(CocoJsonSource.Options(root=root, **options))


def open_real(folder: Path, options: Plain) -> CocoSource | CocoJsonSource:
    return open_coco(folder, **options) if options else open_json(folder)


@pytest.mark.parametrize(("folder", "options", "images", "annotations"), REAL)
def test_real_masks_equal_pycocotools(
    shared_data: Path, folder: str, options: Plain, images: int, annotations: int
) -> None:
    """Pixel by pixel, every annotation: polygons of several parts, run lengths of both kinds, crowds."""
    source = open_real(shared_data / folder, options)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = COCO(str(source.index.path))
    assert len(source) == images
    originals = {name.text: name.original or name.text for name in source.vocabulary()}
    seen = 0
    for number in range(len(source)):
        scene = source.scene(number)
        expected = theirs.imgToAnns[int(source.index.image_id[number])]
        assert len(scene.regions) == len(expected)
        for region, annotation in zip(scene.regions, expected, strict=True):
            assert region.masks[0] is not None
            assert np.array_equal(masks.decode(region.masks[0]), theirs.annToMask(annotation) != 0)
            (name,) = region.names
            assert originals[name] == theirs.cats[annotation["category_id"]]["name"]
            seen += 1
    assert seen == annotations


@pytest.mark.parametrize(("folder", "options", "images", "annotations"), REAL)
def test_real_images_match_their_annotations(
    shared_data: Path, folder: str, options: Plain, images: int, annotations: int
) -> None:
    source = open_real(shared_data / folder, options)
    for number in range(images):
        scene = source.scene(number)
        assert scene.frames[0].pixels().shape == (*scene.size, 3)
    assert list(source.findings()) == []
    assert sum(len(source.scene(number).regions) for number in range(images)) == annotations


def test_real_keys_licences_and_names(shared_data: Path) -> None:
    source = open_coco(shared_data / "tinycoco", split="train2017")
    scenes = [source.scene(number) for number in range(len(source))]
    assert len({scene.key for scene in scenes}) == len(source)
    assert scenes[0].key == source.key(0) == "coco/train2017/000000397133"
    assert scenes[0].group == source.group(0) == "coco-photo/397133"
    assert scenes[0].licence == "Attribution License"
    assert scenes[0].attribution == "http://farm7.staticflickr.com/6116/6255196340_da26cf2c9e_z.jpg"
    assert len(source.vocabulary()) == 80
    assert Name("bicycle", "bicycle", "vehicle") in source.vocabulary()


def test_a_file_without_licences(shared_data: Path) -> None:
    scene = open_json(shared_data / "coco_polygons").scene(0)
    assert scene.licence == "as you hold the files"
    assert scene.frames[0].where.endswith("JPEGImages/2011_000003.jpg"), "a file name with a folder in it"


# ---- drawn ones ------------------------------------------------------------------------------------------------


def instances(*segmentations: Any, **more: Any) -> Plain:
    """One image with these annotations, one image with none."""
    annotations = [
        {"id": n, "image_id": 1, "category_id": (18, 3)[n % 2], "iscrowd": 0, "segmentation": segmentation}
        for n, segmentation in enumerate(segmentations)
    ]
    images = [{"id": n, "file_name": f"{n}.jpg", "height": SIZE[0], "width": SIZE[1]} for n in (1, 2)]
    kinds = [{"id": 18, "name": "dog", "supercategory": "animal"}, {"id": 3, "name": "car"}]
    return {"images": images, "annotations": annotations, "categories": kinds, **more}


def write_dataset(root: Path, plain: Plain) -> Path:
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(plain))
    for image in plain["images"]:
        path = root / "val2017" / image["file_name"]
        if path.resolve().is_relative_to(root):
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((*SIZE, 3), 100, np.uint8))
    return root


BOX = [5.0, 5.0, 25.0, 5.0, 25.0, 30.0, 5.0, 30.0]
OTHER = [40.0, 10.0, 50.0, 10.0, 45.0, 20.0]
RUNS = [100, 50, SIZE[0] * SIZE[1] - 150]


def test_every_form_of_mask(tmp_path: Path) -> None:
    bits = np.zeros(SIZE, bool)
    bits[3:9, 20:40] = True
    compressed = masks.encode(bits).counts.decode()
    run_lengths = {"size": list(SIZE), "counts": RUNS}
    source = open_coco(
        write_dataset(tmp_path, instances([BOX, OTHER], run_lengths, {"size": list(SIZE), "counts": compressed}, [BOX]))
    )
    decoded = [masks.decode(region.masks[0]) for region in source.scene(0).regions if region.masks[0] is not None]
    parts = api.merge(api.frPyObjects([BOX, OTHER], *SIZE))
    flat = np.zeros(SIZE[0] * SIZE[1], bool)
    flat[100:150] = True
    assert np.array_equal(decoded[0], api.decode(parts) != 0)
    assert np.array_equal(decoded[1], flat.reshape(SIZE, order="F"))
    assert np.array_equal(decoded[2], bits)
    assert len(decoded) == 4


def test_an_image_without_annotations_is_a_scene(tmp_path: Path) -> None:
    source = open_coco(write_dataset(tmp_path, instances([BOX])))
    assert len(source) == 2
    assert source.scene(1).regions == ()


def test_a_crowd_belongs_to_its_category(tmp_path: Path) -> None:
    plain = instances([BOX], [OTHER], {"size": list(SIZE), "counts": RUNS})
    plain["annotations"][2]["iscrowd"] = 1
    source = open_coco(write_dataset(tmp_path, plain))
    crowd = source.scene(0).regions[2]
    assert source.index.annotations(0)[2].crowd
    assert crowd.names == ("dog",)
    assert crowd.candidate
    assert [region.kind for region in source.scene(0).regions] == ["thing", "thing", "stuff"], "it is not one thing"
    dogs = find_candidate(source.scene(0), "dog", Limits())
    assert isinstance(dogs, Candidate)
    assert len(dogs.regions) == 2, "named and masked with its kind"


def test_degenerate_polygons_are_left_out_and_reported(tmp_path: Path) -> None:
    """An annotation that lost its whole mask is present: its name is neither a verified negative nor an anomaly."""
    source = open_coco(write_dataset(tmp_path, instances([BOX, [1, 2, 3, 4]], [[1, 2, 3, 4]], [])))
    whole, gone, empty = source.scene(0).regions
    assert whole.masks[0] == masks.from_polygons([BOX], SIZE)
    assert whole.candidate
    assert (gone.names, gone.masks, gone.candidate) == (("car",), (None,), False)
    assert (empty.names, empty.masks, empty.candidate) == (("dog",), (None,), False)
    path = source.index.path
    assert {finding.severity for finding in source.findings()} == {"note"}
    assert [finding.text for finding in source.findings()] == [
        f"{path}: annotations[0] (id 0): 1 of 2 polygons have less than 3 corners and were left out",
        f"{path}: annotations[1] (id 1): 1 of 1 polygons have less than 3 corners and were left out; "
        "nothing is left of its mask",
        f"{path}: annotations[2] (id 2): has no polygon; nothing is left of its mask",
    ]


def test_a_missing_image_names_annotations_id_and_path(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, instances([BOX]))
    (root / "val2017" / "1.jpg").unlink()
    source = open_coco(root)
    scene = source.scene(0)
    message = (
        rf"{root}/annotations/instances_val2017\.json: image id 1: {root}/val2017/1\.jpg: cannot be read "
        r"\(No such file or directory\); expected its image file; fetch it again, or check `images`"
    )
    with pytest.raises(DataError, match=message):
        scene.frames[0].pixels()


def test_all_missing_images_are_reported_at_once(tmp_path: Path) -> None:
    plain = instances([BOX])
    plain["images"] = [{"id": n, "file_name": f"{n}.jpg", "height": SIZE[0], "width": SIZE[1]} for n in range(1, 31)]
    plain["images"].append({"id": 99, "file_name": "../out.jpg", "height": SIZE[0], "width": SIZE[1]})
    root = write_dataset(tmp_path, plain)
    for number in range(6, 31):
        (root / "val2017" / f"{number}.jpg").unlink()
    found = list(open_coco(root).findings())
    assert [(finding.severity, finding.scenes) for finding in found] == 10 * [("dropped", 1)] + [("dropped", 16)]
    assert found[0].text.endswith(f"image id 6: no file {root}/val2017/6.jpg; fetch it again, or check `images`")
    assert found[10].text == "26 images are missing, these 10 among them"


@pytest.mark.parametrize("name", ["../out.jpg", "/etc/passwd", "a/../../b.jpg", "C:\\x.jpg"])
def test_names_that_leave_the_folder(tmp_path: Path, name: str) -> None:
    plain = instances([BOX])
    plain["images"][0]["file_name"] = name
    source = open_coco(write_dataset(tmp_path, plain))
    with pytest.raises(DataError, match="image id 1: file name .* leaves the data set's folder"):
        source.scene(0)
    assert any("leaves the data set's folder" in text for text in [finding.text for finding in source.findings()])


def test_names_with_folders(tmp_path: Path) -> None:
    plain = instances([BOX])
    plain["images"][0]["file_name"] = "a/b/1.jpg"
    assert open_coco(write_dataset(tmp_path, plain)).scene(0).frames[0].jpeg()


def test_image_folder_below_images(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, instances([BOX]))
    (root / "images").mkdir()
    (root / "val2017").rename(root / "images" / "val2017")
    assert open_coco(root).scene(0).frames[0].jpeg()


@pytest.mark.parametrize("absolute", [True, False])
def test_paths_may_be_given(tmp_path: Path, absolute: bool) -> None:
    root = write_dataset(tmp_path / "data", instances([BOX]))
    (root / "annotations" / "instances_val2017.json").rename(root / "mine.json")
    (root / "val2017").rename(root / "photos")
    given = {"annotations": "mine.json", "images": "photos"}
    if absolute:
        given = {key: str(root / name) for key, name in given.items()}
    assert open_coco(root, **given).scene(0).frames[0].jpeg()


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"root: no folder .*nowhere.*lavida-gen sources coco"):
        open_coco(tmp_path / "nowhere")
    root = write_dataset(tmp_path / "data", instances([BOX]))
    with pytest.raises(
        DataError, match=r"annotations: no file .*instances_val2014\.json.*give `split` or `annotations`"
    ):
        open_coco(root, split="val2014")
    (root / "val2017").rename(root / "photos")
    with pytest.raises(
        DataError, match=r"images: the folder of images does not exist; expected one of .*val2017.*give `images`"
    ):
        open_coco(root)


def test_two_categories_with_the_same_name_are_one_name(tmp_path: Path) -> None:
    plain = instances([BOX], [OTHER])
    plain["categories"][1].update(name=" dog ", supercategory="animal")
    source = open_coco(write_dataset(tmp_path, plain))
    assert source.vocabulary() == [Name("dog", "dog", "animal")]
    assert [region.names for region in source.scene(0).regions] == [("dog",), ("dog",)]


def test_the_fingerprint_is_that_of_the_annotations(tmp_path: Path) -> None:
    first, second = (
        open_coco(write_dataset(tmp_path / "a", instances([BOX]))),
        open_coco(write_dataset(tmp_path / "b", instances([BOX]))),
    )
    third = open_coco(write_dataset(tmp_path / "c", instances([OTHER])))
    assert first.fingerprint() == second.fingerprint() != third.fingerprint()


def test_stuff_of_a_panoptic_file_is_named_in_words(tmp_path: Path) -> None:
    """A panoptic file that was converted to instances ("tree-merged") reads as `coco_panoptic` does."""
    coco.draw(tmp_path)
    file = tmp_path / "annotations" / "instances_train2017.json"
    plain = json.loads(file.read_text())
    stuff = ((184, "tree-merged", "plant"), (175, "wall-tile", "wall"), (93, "banner", "textile"))
    for ident, name, group in stuff:
        plain["categories"].append({"id": ident, "name": name, "supercategory": group})
        square = [[0, 0, 20, 0, 20, 20, 0, 20]]
        entry = {"id": ident, "image_id": 632, "category_id": ident, "iscrowd": 0, "segmentation": square}
        plain["annotations"].append(entry)
    file.write_text(json.dumps(plain))
    source = open_coco(tmp_path, split="train2017")
    names = {name.text: name.original for name in source.vocabulary()}
    assert names == {"person": "", "car": "", "dog": "", "tree": "tree-merged", "tile wall": "wall-tile", "banner": ""}
    (scene,) = (s for s in map(source.scene, range(len(source))) if "632" in s.key)
    found = {region.category: (region.kind, region.candidate) for region in scene.regions}
    assert found == {"tree": ("stuff", False), "tile wall": ("stuff", False), "banner": ("stuff", True)}
