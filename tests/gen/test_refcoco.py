"""refcoco: miniatures in all official layouts, and malformed ones."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from lavida_gen.cli import main
from lavida_gen.common.errors import DataError
from lavida_gen.common.findings import Finding
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name
from lavida_gen.sources.refcoco import RefCocoSource

SIZE = (48, 64)
Plain = dict[str, Any]
BOXES = {1: (4, 4, 20, 20), 2: (30, 4, 20, 20), 3: (10, 10, 30, 30), 4: (0, 0, 8, 8)}
CATEGORIES = [
    {"id": 1, "name": "person", "supercategory": "person"},
    {"id": 18, "name": "dog", "supercategory": "animal"},
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "cache"))


def polygon(box: tuple[int, int, int, int]) -> list[float]:
    x, y, w, h = box
    return [x, y, x + w, y, x + w, y + h, x, y + h]


def square(box: tuple[int, int, int, int]) -> np.ndarray:
    bits = np.zeros(SIZE, bool)
    x, y, w, h = box
    bits[y : y + h, x : x + w] = True
    return bits


def instances() -> Plain:
    """Image 9: two persons and a dog; image 25: a person; image 30: no annotations."""
    images = [
        {"id": n, "file_name": f"COCO_train2014_{n:012d}.jpg", "height": SIZE[0], "width": SIZE[1], "license": 4}
        for n in (9, 25, 30)
    ]
    owners = {1: (9, 1), 2: (9, 1), 3: (9, 18), 4: (25, 1)}
    annotations = [
        {"id": n, "image_id": i, "category_id": c, "iscrowd": 0, "segmentation": [polygon(BOXES[n])], "bbox": [0]}
        for n, (i, c) in owners.items()
    ]
    licences = [{"id": 4, "name": "Attribution License", "url": "u"}]
    return {"images": images, "annotations": annotations, "categories": CATEGORIES, "licenses": licences}


def ref(number: int, ann: Any, image: int, split: str, *texts: str, **more: Any) -> Plain:
    """A ref as in the files of the refer API."""
    sentences = [
        {"sent_id": 10 * number + n, "sent": t, "raw": t.upper(), "tokens": t.split()} for n, t in enumerate(texts)
    ]
    name = f"COCO_train2014_{image:012d}_{number}.jpg"
    plain = {"ref_id": number, "ann_id": ann, "image_id": image, "category_id": 1, "split": split, "file_name": name}
    return {**plain, "sent_ids": [s["sent_id"] for s in sentences], "sentences": sentences, **more}


REFS = [
    ref(0, 1, 9, "train", "man on left", "guy in  red "),
    ref(1, 2, 9, "train", "man on right", "person"),
    ref(2, 3, 9, "train", "brown dog"),
    ref(3, 4, 25, "val", "lady"),
    ref(4, 4, 25, "testAB", "the woman"),
]
PHOTOS = "images/train2014"


def write_dataset(
    root: Path, refs: list[Plain] | None = None, dataset: str = "refcoco", photos: str = PHOTOS, **more: Any
) -> Path:
    """A miniature in the official layout; more: instances=..., refs_name=..., protocol=..."""
    folder = root / dataset
    folder.mkdir(parents=True)
    plain = more.get("instances") or instances()
    (folder / "instances.json").write_text(json.dumps(plain))
    name = more.get("refs_name", "refs(unc).p")
    data = REFS if refs is None else refs
    as_json = name.endswith(".json")
    (folder / name).write_bytes(json.dumps(data).encode() if as_json else pickle.dumps(data, more.get("protocol", 2)))
    (root / photos).mkdir(parents=True)
    for image in plain["images"]:
        cv2.imwrite(str(root / photos / image["file_name"]), np.full((*SIZE, 3), 90, np.uint8))
    return root


def open_refcoco(root: Path, **options: Any) -> RefCocoSource:
    return RefCocoSource(RefCocoSource.Options(root=root, **options))


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_a_scene(tmp_path: Path, protocol: int) -> None:
    source = open_refcoco(write_dataset(tmp_path, protocol=protocol))
    assert source.kind == "image"
    assert len(source) == 1
    scene = source.scene(0)
    assert scene.key == source.key(0) == "refcoco/refcoco-unc-train/000000000009"
    assert scene.group == source.group(0) == "coco-photo/9"
    assert scene.size == SIZE
    assert scene.licence == "Attribution License; expressions for research"
    assert [(region.names, region.category) for region in scene.regions] == [
        (("person", "man on left", "guy in red"), "person"),
        (("person", "man on right"), "person"),
        (("dog", "brown dog"), "dog"),
    ]
    for region, box in zip(scene.regions, list(BOXES.values())[:3], strict=True):
        assert region.masks[0] is not None
        assert np.array_equal(masks.decode(region.masks[0]), square(box))
    assert scene.frames[0].pixels().shape == (*SIZE, 3)
    assert list(scene.absent()) == []
    assert list(source.findings()) == []


def test_a_crowd_is_not_a_thing(tmp_path: Path) -> None:
    plain = instances()
    plain["annotations"][1]["iscrowd"] = 1
    before, after = (
        open_refcoco(write_dataset(tmp_path / name, instances=content)).scene(0)
        for name, content in (("a", instances()), ("b", plain))
    )
    assert [region.kind for region in after.regions] == ["thing", "stuff", "thing"]
    assert [(region.names, region.masks, region.candidate) for region in after.regions] == [
        (region.names, region.masks, region.candidate) for region in before.regions
    ]


def test_vocabulary(tmp_path: Path) -> None:
    names = open_refcoco(write_dataset(tmp_path)).vocabulary()
    assert list(names) == [
        Name("person", "person", "person"),
        Name("dog", "dog", "animal"),
        Name("man on left", "person", "person"),
        Name("guy in red", "person", "person"),
        Name("man on right", "person", "person"),
        Name("brown dog", "dog", "animal"),
    ]
    assert len(names) == 6
    assert names[-1] == names[5]
    assert names[1:3] == [names[1], names[2]]
    with pytest.raises(IndexError):
        names[6]


def test_every_name_of_every_scene_is_in_the_vocabulary(tmp_path: Path) -> None:
    source = open_refcoco(write_dataset(tmp_path))
    known = {(name.text, name.category) for name in source.vocabulary()}
    used = {
        (text, region.category)
        for n in range(len(source))
        for region in source.scene(n).regions
        for text in region.names
    }
    assert used <= known


@pytest.mark.parametrize(
    ("split", "texts"),
    [
        ("val", {"lady"}),
        ("testA", {"the woman"}),
        ("testB", {"the woman"}),
        ("test", {"the woman"}),
        ("testAB", {"the woman"}),
    ],
)
def test_splits_as_the_refer_api_reads_them(tmp_path: Path, split: str, texts: set[str]) -> None:
    source = open_refcoco(write_dataset(tmp_path), split=split)
    assert {text for region in source.scene(0).regions for text in region.names} == {"person", *texts}


def test_unknown_split(tmp_path: Path) -> None:
    message = r"refs\(unc\)\.p: has no refs of split 'testC'; expected one of its splits: train \(3\), val \(1\), testAB \(1\)"
    with pytest.raises(DataError, match=message):
        open_refcoco(write_dataset(tmp_path), split="testC")


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("refcoco", "refs(unc).p"),
        ("refcoco+", "refs(unc).p"),
        ("refcocog", "refs(umd).p"),
        ("refclef", "refs(unc).p"),
        ("grefcoco", "grefs(unc).json"),
        ("grefcoco", "grefs(unc).p"),
    ],
)
def test_the_default_split_by(tmp_path: Path, dataset: str, name: str) -> None:
    photos = "images/saiapr_tc-12" if dataset == "refclef" else PHOTOS
    assert (
        len(open_refcoco(write_dataset(tmp_path, dataset=dataset, refs_name=name, photos=photos), dataset=dataset)) == 1
    )


@pytest.mark.parametrize("photos", [PHOTOS, "images/mscoco/images/train2014", "mscoco/images/train2014", "train2014"])
def test_image_folders_are_found(tmp_path: Path, photos: str) -> None:
    assert open_refcoco(write_dataset(tmp_path, photos=photos)).scene(0).frames[0].jpeg()


@pytest.mark.parametrize("absolute", [True, False])
def test_images_in_another_folder(tmp_path: Path, absolute: bool) -> None:
    root = write_dataset(tmp_path / "data", photos="far/away")
    assert open_refcoco(root, images=root / "far/away" if absolute else "far/away").scene(0).frames[0].jpeg()


def test_missing_image_folder(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"images: the folder of images does not exist; expected one of .*train2014.*; give `images`"
    ):
        open_refcoco(write_dataset(tmp_path, photos="elsewhere"))


def test_another_split_by_is_named(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, dataset="refcocog", refs_name="refs(google).p")
    with pytest.raises(DataError, match=r"refs\(umd\)\.p; .*give `split_by`: the folder has refs\(google\)\.p"):
        open_refcoco(root, dataset="refcocog")
    assert len(open_refcoco(root, dataset="refcocog", split_by="google")) == 1


def test_refclef_has_lists_of_run_lengths_and_its_own_photos(tmp_path: Path) -> None:
    plain = instances()
    parts = [BOXES[1], BOXES[2]]
    rles = [masks.encode(square(box)) for box in parts]
    plain["annotations"][0]["segmentation"] = [{"size": list(SIZE), "counts": rle.counts.decode()} for rle in rles]
    for image in plain["images"]:
        image["file_name"] = f"{image['id']}.jpg"
        del image["license"]
    source = open_refcoco(
        write_dataset(tmp_path, dataset="refclef", instances=plain, photos="images/saiapr_tc-12"), dataset="refclef"
    )
    scene = source.scene(0)
    assert scene.regions[0].masks[0] is not None
    assert np.array_equal(masks.decode(scene.regions[0].masks[0]), square(BOXES[1]) | square(BOXES[2]))
    assert scene.group == "saiapr-photo/9", "its ids are not those of COCO"
    assert scene.licence == "IAPR TC-12 terms; expressions for research"
    assert scene.frames[0].pixels().shape == (*SIZE, 3)


GREFS = [
    ref(0, [1, 2], 9, "train", "both men", category_id=[1, 1]),
    ref(1, [2, 3], 9, "train", "man with dog", category_id=[1, 18]),
    ref(2, [-1], 9, "train", "the zebra", "a  red kite", category_id=[-1]),
    ref(3, [], 25, "train", "the bus"),
    ref(4, -1, 30, "train", "a boat", no_target=True),
    ref(5, [4], 25, "val", "lady"),
]


def gref(root: Path, refs: list[Plain] = GREFS) -> RefCocoSource:
    write_dataset(root, refs, dataset="grefcoco", refs_name="grefs(unc).json")
    return open_refcoco(root, dataset="grefcoco")


def test_grefcoco_with_several_targets_and_with_none(tmp_path: Path) -> None:
    source = gref(tmp_path)
    assert len(source) == 3
    scenes = [source.scene(number) for number in range(3)]
    assert [region.names for region in scenes[0].regions] == [
        ("person", "both men"),
        ("person", "both men", "man with dog"),
        ("dog", "man with dog"),
    ]
    assert [list(scene.absent()) for scene in scenes] == [["the zebra", "a red kite"], ["the bus"], ["a boat"]]
    assert scenes[1].regions[0].names == ("person",), "the expression of another split is left out"
    assert scenes[2].regions == ()
    assert scenes[0].licence == "Attribution License; expressions CC-BY-NC-SA-4.0"
    assert Name("man with dog", "dog", "animal") in list(source.vocabulary())
    assert Name("man with dog", "person", "person") in list(source.vocabulary())
    assert not any("zebra" in name.text for name in source.vocabulary()), "its category is unknown"


def test_an_expression_with_and_without_target_is_present(tmp_path: Path) -> None:
    source = gref(tmp_path, [ref(0, [1], 9, "train", "the man"), ref(1, [-1], 9, "train", "the man", "the cat")])
    assert list(source.scene(0).absent()) == ["the cat"]
    text = "grefcoco: image id 9: 'the man' is annotated both with and without a target; treated as present"
    assert list(source.findings()) == [Finding("note", text)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ann_id": 77}, r"refs\[0\] \(ref_id 0\): ann_id 77 is not an annotation of .*instances\.json"),
        ({"ann_id": 4}, r"ann_id 4 belongs to another image than image_id 9"),
        ({"ann_id": "x"}, r"ann_id is 'x'; expected an integer"),
        ({"ann_id": None}, r"ann_id is 'None'; expected an integer"),
        ({"image_id": 8}, r"image_id 8 is not an image of .*instances\.json"),
        ({"sentences": None}, r"sentences are missing"),
        ({"sentences": ["a dog"]}, r"sentences are missing"),
        ({"sentences": [{"sent": 5}]}, r"a sentence is 5; expected its text under 'sent'"),
        ({"split": None}, r"refs\[0\] \(ref_id 0\): has no split; expected a ref as the refer API publishes it"),
        ({"no_target": True}, r"is marked no_target but names annotations \[1\]"),
    ],
)
def test_malformed_refs(tmp_path: Path, change: Plain, message: str) -> None:
    source = open_refcoco(write_dataset(tmp_path, [{**REFS[0], **change}, *REFS[1:]]))
    (found,) = source.left_out()
    assert re.search(message, found.text)
    assert (found.severity, found.scenes) == ("dropped", 0)
    assert len(source) == len(open_refcoco(write_dataset(tmp_path / "whole")))


def test_expressions_of_refs_that_are_left_out_are_not_absent(tmp_path: Path) -> None:
    """They are those of a thing without a mask; an image that has no other ref is no scene."""
    refs = [ref(0, None, 9, "train", "the tall man"), ref(1, 3, 9, "train", "the dog"), ref(2, 77, 25, "train", "he")]
    source = open_refcoco(write_dataset(tmp_path, refs))
    (scene,) = (source.scene(number) for number in range(len(source)))
    assert [(region.names, region.candidate) for region in scene.regions if region.masks == (None,)] == [
        (("the tall man",), False)
    ]
    assert "the tall man" not in {name.text for name in source.vocabulary()}
    found = [(finding.text.split(": ", 1)[1], finding.scenes) for finding in source.left_out()]
    assert [scenes for _, scenes in found] == [0, 0, 1]
    assert found[2][0] == "image id 25: none of its refs can be used"
    assert list(source.findings())[:3] == list(source.left_out())


def test_refs_none_of_which_can_be_used(tmp_path: Path) -> None:
    refs = [ref(n, 77, 9, "train", "x") for n in range(25)]
    with pytest.raises(DataError) as error:
        open_refcoco(write_dataset(tmp_path, refs))
    lines = str(error.value).split("\n")
    assert len(lines) == 12
    assert lines[-2] == "  25 refs that cannot be used, these 10 among them"


def test_repeated_annotation_ids(tmp_path: Path) -> None:
    plain = instances()
    plain["annotations"][1]["id"] = 1
    with pytest.raises(DataError, match=r"ann_id 1 is used twice in .*instances\.json"):
        open_refcoco(write_dataset(tmp_path, [REFS[0]], instances=plain))
    del plain["annotations"][1]["id"], plain["annotations"][2]["id"]
    assert len(open_refcoco(write_dataset(tmp_path / "b", [REFS[0]], instances=plain))) == 1, "ids may be missing"


def test_blank_expressions_are_counted(tmp_path: Path) -> None:
    source = open_refcoco(write_dataset(tmp_path, [ref(0, 1, 9, "train", " ", "man")]))
    assert source.scene(0).regions[0].names == ("person", "man")
    assert list(source.findings()) == [Finding("note", "refcoco: refs[0]: a blank expression was left out")]


def test_missing_images_of_the_split_are_reported(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    for path in (root / PHOTOS).iterdir():
        path.unlink()
    (found,) = open_refcoco(root).findings()
    assert (found.severity, found.scenes) == ("dropped", 1)
    assert found.text.endswith("COCO_train2014_000000000009.jpg; fetch it again, or check `images`")


def test_a_json_of_refs_that_is_not_a_list(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, dataset="grefcoco", refs_name="grefs(unc).json")
    (root / "grefcoco" / "grefs(unc).json").write_text('{"refs": []}')
    with pytest.raises(DataError, match=r"grefs\(unc\)\.json: is an object; expected a list"):
        open_refcoco(root, dataset="grefcoco")


def test_a_truncated_json_of_refs(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, dataset="grefcoco", refs_name="grefs(unc).json")
    path = root / "grefcoco" / "grefs(unc).json"
    path.write_text(path.read_text()[:300])
    with pytest.raises(DataError, match=r"grefs\(unc\)\.json:1:\d+: ends early at character"):
        open_refcoco(root, dataset="grefcoco")


def test_a_pickle_of_another_kind(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    (root / "refcoco" / "refs(unc).p").write_bytes(pickle.dumps({"refs": []}))
    with pytest.raises(DataError, match=r"refs\(unc\)\.p: holds a dict; expected a list"):
        open_refcoco(root)


@pytest.mark.parametrize("gone", ["", "refcoco", "refcoco/instances.json", "refcoco/refs(unc).p"])
def test_missing_files_are_named(tmp_path: Path, gone: str) -> None:
    root = write_dataset(tmp_path / "data")
    (root / gone).rename(tmp_path / "moved")
    with pytest.raises(DataError, match="see `lavida-gen sources refcoco`") as error:
        open_refcoco(root)
    assert str(root / gone) in str(error.value)


def test_check_reports_everything_missing_at_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    entry = {"name": "refcoco", "root": str(tmp_path / "data")}
    plain = {"name": "r", "samples": 4, "sources": [entry], "exposures": ["relabel"]}
    (tmp_path / "r.yaml").write_text(json.dumps(plain))
    done = CliRunner().invoke(main, ["check", "--recipe", str(tmp_path / "r.yaml")])
    folder, todo = tmp_path / "data" / "refcoco", "expected a file of the data set; see `lavida-gen sources refcoco`"
    lines = done.output.splitlines()
    assert lines[0] == f"sources[0] (refcoco): split_by: no file {folder}/refs(unc).p; {todo}"
    assert lines[1] == f"sources[0] (refcoco): root: no file {folder}/instances.json; {todo}"
    assert lines[2].startswith("sources[0] (refcoco): images: the folder of images does not exist; expected one of ")
    assert lines[3:] == ["recipe r: 3 problems"]
    assert done.exit_code == 1


def test_unknown_data_sets_are_refused() -> None:
    with pytest.raises(ValidationError, match="refcoco\\+"):
        RefCocoSource.Options.model_validate({"root": "x", "dataset": "refcoko"})


def test_the_fingerprint_is_that_of_the_files(tmp_path: Path) -> None:
    first, second = open_refcoco(write_dataset(tmp_path / "a")), open_refcoco(write_dataset(tmp_path / "b"))
    assert first.fingerprint() == second.fingerprint()
    other = open_refcoco(write_dataset(tmp_path / "c", REFS[:2]))
    assert first.fingerprint() != other.fingerprint()
    assert first.scene(0).regions == second.scene(0).regions


def test_the_second_opening_reads_only_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_dataset(tmp_path)
    regions = open_refcoco(root).scene(0).regions
    monkeypatch.setattr("lavida_gen.annotations.safe_pickle.load", None)
    monkeypatch.setattr("lavida_gen.coco.coco_index.InstancesReader", None)
    assert open_refcoco(root).scene(0).regions == regions
