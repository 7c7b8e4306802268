"""The index of a COCO JSON: checks of the file; one odd entry costs that one alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_coco import BOX, SIZE, Plain, contents, data, write

from lavida_gen.coco.coco_index import open_index
from lavida_gen.coco.segmentation import segmentation
from lavida_gen.common.errors import DataError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "cache"))


def test_annotations_are_grouped_by_image_in_the_order_of_the_file(tmp_path: Path) -> None:
    index = open_index(write(tmp_path, data()))
    assert [[one.id for one in index.annotations(n)] for n in range(3)] == [[0, 2, 4], [1, 3, 5], []]
    names = [index.categories[one.category].text for one in index.annotations(0)]
    assert names == ["kind 7", "kind 5", "kind 6"]


def test_the_order_of_the_parts_does_not_matter(tmp_path: Path) -> None:
    first = contents(open_index(write(tmp_path, data())))
    turned = dict(reversed(data().items()))
    assert list(turned)[1] == "annotations"
    assert contents(open_index(write(tmp_path, turned))) == first


def corrupt(change: Callable[[Plain], Any]) -> Callable[[Plain], Any]:
    def apply(plain: Plain) -> Any:
        change(plain)
        return plain

    return apply


def segment(value: Any) -> Callable[[Plain], Any]:
    return corrupt(lambda plain: plain["annotations"][2].update(segmentation=value))


def field(key: str, at: int, **change: Any) -> Callable[[Plain], Any]:
    return corrupt(lambda plain: plain[key][at].update(change))


def without(key: str, at: int, name: str) -> Callable[[Plain], Any]:
    return corrupt(lambda plain: plain[key][at].pop(name))


RLE = {"size": list(SIZE), "counts": [10, SIZE[0] * SIZE[1] - 10]}
PROBLEMS: list[tuple[Callable[[Plain], Any], str]] = [
    (
        lambda plain: {k: v for k, v in plain.items() if k != "images"},
        "has no 'images'; expected a COCO instances file",
    ),
    (lambda plain: {k: v for k, v in plain.items() if k != "annotations"}, "has no 'annotations'"),
    (lambda plain: {k: v for k, v in plain.items() if k != "categories"}, "has no 'categories'"),
    (lambda plain: {**plain, "images": {"a": 1}}, "images: is \"{'a': 1}\"; expected a list"),
    (lambda plain: {**plain, "images": [{"id": 1}, 5]}, "images[0] (id 1): file_name is None"),
    (lambda plain: {**plain, "images": "x"}, "images: is 'x'; expected a list"),
    (lambda plain: {**plain, "categories": [3]}, "categories[0]: is '3'; expected an object"),
    (field("images", 1, id=0), "images[1] (id 0): images[0] has the same id 0"),
    (field("categories", 1, id=7), "categories[1] (id 7): id 7 is used twice"),
]
DROPPED: list[tuple[Callable[[Plain], Any], str]] = [
    (field("annotations", 2, image_id=99), "annotations[2] (id 2): image_id 99 is not an image of this file"),
    (field("annotations", 2, image_id=[1]), "annotations[2] (id 2): image_id is '[1]'; expected an integer"),
    (field("annotations", 2, category_id=99), "annotation id 2: category_id 99 is not a category of this file"),
    (without("annotations", 2, "image_id"), "annotations[2] (id 2): has no 'image_id'"),
    (without("annotations", 2, "segmentation"), "annotations[2] (id 2): segmentation is 'None'; expected polygons"),
    (field("images", 1, height=0), "images[1] (id 10): is 64 x 0 pixels; expected 1 to"),
    (field("images", 1, height=10**6, width=10**6), "is 1000000 x 1000000 pixels; expected 1 to 128,000,000"),
    (field("images", 1, height=True), "height is 'True'; expected an integer"),
    (field("images", 1, file_name=""), "file_name is ''; expected the name of the image file"),
    (without("images", 1, "file_name"), "file_name is None; expected the name of the image file"),
    (segment([[*BOX[:-1], 1.0, 2.0]]), "7 numbers; expected an even count of at least 6"),
    (segment(BOX), "expected a list of polygons, each a list x, y, x, y"),
    (segment([BOX, RLE]), "expected a list of polygons"),
    (segment([[*BOX, float("nan"), 1.0]]), "segmentation has a corner at nan; expected finite coordinates"),
    (segment([[*BOX, 1.0, float("-inf")]]), "segmentation has a corner at -inf; expected finite coordinates"),
    (
        segment([[*BOX, 1.0, 1e9]]),
        "segmentation has a corner at 1000000000.0; expected finite coordinates, at most 640",
    ),
    (segment([[*BOX, 1.0, "x"]]), "segmentation has the corner 'x', which is no number"),
    (segment([[*BOX, 1.0, None]]), "segmentation has the corner 'None', which is no number"),
    (
        segment([[[5, 5], [25, 5], [25, 25], [5, 25]]]),
        "the polygon [[5, 5], [25, 5], [25, 25], [5, 25]]; expected a flat",
    ),
    (segment({}), "run lengths of size None; expected [48, 64]"),
    (segment({**RLE, "counts": "b'11'"}), "Python's wording of bytes; expected the text in it; write counts.decode()"),
    (lambda plain: {**plain, "images": [*plain["images"], 7]}, "images[3]: is '7'; expected an object"),
    (lambda plain: {**plain, "annotations": [*plain["annotations"], 7]}, "annotations[6]: is '7'; expected an object"),
    (without("images", 1, "height"), "images[1] (id 10): has no 'height'"),
    (segment({**RLE, "size": [64, 48]}), "run lengths of size [64, 48]; expected [48, 64], the image's size"),
    (segment({"counts": [1]}), "run lengths of size None; expected [48, 64]"),
    (segment({**RLE, "counts": [10, 10]}), "segmentation: run lengths sum up to 20; expected 3072"),
    (segment({**RLE, "counts": [3082, -10]}), "run lengths sum up to 3072"),
    (segment({**RLE, "counts": [1.5, 3070.5]}), "counts are '[1.5, 3070.5]'; expected integers"),
    (segment({**RLE, "counts": "11"}), "segmentation: run lengths sum up to 2; expected 3072"),
    (segment({**RLE, "counts": "1o"}), "compressed run lengths end in the middle of a number"),
    (segment({**RLE, "counts": "1 "}), "byte 32 in compressed run lengths; expected characters 48..111"),
    (segment({**RLE, "counts": "O"}), "run 0 is negative (-1)"),
]


@pytest.mark.parametrize(("change", "message"), PROBLEMS, ids=[message[:40] for _, message in PROBLEMS])
def test_malformed_files(tmp_path: Path, change: Callable[[Plain], Any], message: str) -> None:
    path = write(tmp_path, change(data()))
    with pytest.raises(DataError) as error:
        open_index(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert not list((tmp_path / "cache").glob("coco-*/")), "nothing is kept of such a file"


@pytest.mark.parametrize(("change", "message"), DROPPED, ids=[message[:40] for _, message in DROPPED])
def test_one_odd_entry_costs_that_one_alone(tmp_path: Path, change: Callable[[Plain], Any], message: str) -> None:
    index = open_index(write(tmp_path, change(data())))
    (found,) = index.left_out()
    assert found.text.startswith(f"{index.path}: ")
    assert message in found.text
    assert found.severity == "dropped"
    assert found.scenes == ("images[" in found.text)
    assert len(index) in (2, 3)
    whole = open_index(write(tmp_path, data()))
    others = [one for n in range(len(index)) if n != 0 for one in index.annotations(n)]
    assert all(one.mask for one in others)
    assert len(whole.annotations(0)) - len(index.annotations(0)) == ("category_id" in message or "image_id" in message)
    if "segmentation" in found.text:
        assert [one.mask is None for one in index.annotations(0)] == [False, True, False], "it is there, unmasked"
        assert [usable for _, usable in index.annotation_categories(0)] == [True, False, True]


def test_boxes_are_not_required(tmp_path: Path) -> None:
    plain = data()
    for annotation in plain["annotations"]:
        annotation.update(bbox=["nonsense"], area=None)
    assert len(open_index(write(tmp_path, plain)).annotations(0)) == 3


def test_all_that_is_left_out_is_counted_and_the_first_ones_listed(tmp_path: Path) -> None:
    plain = data()
    plain["annotations"] += [{**plain["annotations"][0], "id": n, "image_id": 99} for n in range(25)]
    plain["images"] += [{"id": 100 + n, "file_name": "x.jpg", "height": 4} for n in range(12)]
    found = [
        (finding.text.partition(": ")[2], finding.scenes) for finding in open_index(write(tmp_path, plain)).left_out()
    ]
    assert [scenes for _, scenes in found] == [1] * 10 + [2] + [0] * 11
    assert found[10][0] == "12 images that cannot be used, these 10 among them"
    assert found[21][0] == "25 annotations of no image, these 10 among them"


def test_ids_may_be_texts_or_missing(tmp_path: Path) -> None:
    plain = data()
    for row in plain["images"]:
        row["id"] = f"img {row['id']}"
    for row in plain["annotations"]:
        row["image_id"] = f"img {row['image_id']}"
        del row["id"]
    for row in (*plain["categories"], *plain["annotations"]):
        key = "category_id" if "category_id" in row else "id"
        row[key] = f"c{row[key]}"
    index = open_index(write(tmp_path, plain))
    assert list(index.left_out()) == []
    assert [index.ident(n) for n in range(3)] == ["img 0", "img 10", "img 20"]
    assert index.where(1).endswith(": image id img 10")
    names = [[index.categories[one.category].text for one in index.annotations(n)] for n in range(3)]
    assert names == [["kind 7", "kind 5", "kind 6"], ["kind 6", "kind 7", "kind 5"], []]
    numbers = open_index(write(tmp_path, json.loads(json.dumps(data()).replace('"image_id": 10', '"image_id": "10"'))))
    assert [len(numbers.annotations(n)) for n in range(3)] == [3, 3, 0]
    assert numbers.ident(1) == "000000000010"


@pytest.mark.parametrize("change", [{"name": " "}, {"id": None}])
def test_a_category_that_cannot_be_used(tmp_path: Path, change: Plain) -> None:
    plain = data()
    plain["categories"][1].update(change)
    index = open_index(write(tmp_path, plain))
    assert [one.text for one in index.categories] == ["kind 7", "kind 6"]
    found = [finding.text for finding in index.left_out()]
    assert re.search(r"categories\[1\] \(id (5|None)\): (has no name|id is 'None')", found[0])
    assert all("category_id 5 is not a category of this file" in text for text in found[1:])
    assert len(found) == 3, "two annotations are of it"


def test_an_image_that_is_listed_twice(tmp_path: Path) -> None:
    plain = data()
    plain["images"].append(plain["images"][1])
    index = open_index(write(tmp_path, plain))
    assert len(index) == 3
    assert index.notes[:] == ["image id 10 is listed twice"]


def test_two_images_of_one_file_are_one(tmp_path: Path) -> None:
    """As merged exports have them; else a thing of the one would be listed as absent from the other."""
    plain = data()
    plain["images"][2]["file_name"] = "1.jpg"
    plain["annotations"][5]["image_id"] = 20
    index = open_index(write(tmp_path, plain))
    assert [len(index.annotations(n)) for n in range(len(index))] == [3, 3]
    assert index.notes[:] == ["image ids 10 and 20 are the same file 1.jpg; taken as one image"]
    plain["images"][2]["height"] = 5
    other = open_index(write(tmp_path, plain))
    assert [len(other.annotations(n)) for n in range(len(other))] == [3, 2]
    (found,) = other.left_out()
    assert found.scenes == 1
    assert "images[2] (id 20): is 64 x 5 pixels; expected the size of images[1]" in found.text


def test_a_file_without_annotations_or_categories(tmp_path: Path) -> None:
    assert open_index(write(tmp_path, {**data(), "annotations": []})).notes[:] == [
        "has no annotation, so that nothing of it can be the anomaly"
    ]
    with pytest.raises(DataError, match="has no category; expected an id and a name"):
        open_index(write(tmp_path, {**data(), "categories": []}))


@pytest.mark.parametrize(("value", "flag"), [("0", False), ("1", True), (0, False), (True, True), (None, False)])
def test_flags(tmp_path: Path, value: object, flag: bool) -> None:
    plain = data()
    plain["annotations"][0].update(iscrowd=value)
    plain["annotations"][2].update(ignore=value)
    first, second, _ = open_index(write(tmp_path, plain)).annotations(0)
    assert (first.crowd, first.ignore, second.crowd, second.ignore) == (flag, False, False, flag)


def test_corners_outside_the_image_are_counted(tmp_path: Path) -> None:
    plain = data()
    plain["annotations"][1]["segmentation"] = [[-9, 0, 10, 0, 10, 10]]
    plain["annotations"][4]["segmentation"] = [[1, 1, 70, 1, 70, 48.5]]
    plain["annotations"][5]["segmentation"] = [[0, 0, 64.5, 0, 64, 48.5]]
    index = open_index(write(tmp_path, plain))
    note = "2 annotations with corners outside the image, such as annotations[1] (id 1); cut off at its border"
    assert index.notes[:] == [note]


def test_statements_about_categories_of_an_image(tmp_path: Path) -> None:
    """As LVIS makes them: absent; or present, with things that have no mask."""
    plain = data()
    plain["images"][0].update(neg_category_ids=[6, 99], not_exhaustive_category_ids=[])
    plain["images"][1].update(neg_category_ids=[], not_exhaustive_category_ids=[5])
    plain["images"][2].update(neg_category_ids=[7, 5], not_exhaustive_category_ids=[6])
    index = open_index(write(tmp_path, plain))
    assert [index.absent(n) for n in range(3)] == [[], [], [0, 1]], "kind 6 is annotated in image 0"
    assert index.annotation_categories(2) == [(2, False)]
    assert index.annotation_categories(1)[-1] == (1, False)


COORDINATE = st.floats(-20, 90, allow_nan=False).map(lambda x: round(x, 2))


@given(
    st.lists(st.lists(COORDINATE, min_size=6, max_size=24).filter(lambda p: len(p) % 2 == 0), min_size=1, max_size=3)
)
def test_polygons_are_drawn_as_pycocotools_draws_them(polygons: list[list[float]]) -> None:
    from pycocotools import mask as api

    mask, note, _ = segmentation(polygons, SIZE)
    assert mask is not None
    assert note == ""
    assert mask.counts == api.merge(api.frPyObjects(polygons, *SIZE))["counts"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json: cannot be read \(No such file"):
        open_index(tmp_path / "none.json")


def test_a_file_with_nothing_in_it(tmp_path: Path) -> None:
    index = open_index(write(tmp_path, {"images": [], "annotations": [], "categories": []}))
    assert len(index) == len(index.categories) == 0
    assert list(index.missing(tmp_path)) == []
