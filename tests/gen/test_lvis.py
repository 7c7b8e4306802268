"""lvis: what LVIS alone states (verified absent, incomplete, synsets), and files that are not LVIS v1."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import traps
from miniatures import lvis, shapes

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.scenes.scene import Name
from lavida_gen.sources.lvis import LvisSource


def opened(root: Path, plain: dict[str, Any] | None = None, **options: Any) -> LvisSource:
    """The miniature, with another JSON if one is given."""
    lvis.draw(root)
    if plain is not None:
        shapes.write(root / "lvis_v1_train.json", plain)
    return LvisSource(LvisSource.Options.model_validate({"root": root, **options}))


def test_photos_lie_where_coco_url_ends(tmp_path: Path) -> None:
    source = opened(tmp_path)
    frames = [source.scene(number).frames[0] for number in range(3)]
    assert [Path(frame.where).relative_to(tmp_path).as_posix() for frame in frames] == [
        "val2017/000000000139.jpg", "train2017/000000000285.jpg", "train2017/000000000632.jpg",
    ]  # fmt: skip
    assert [source.key(0), source.group(0)] == ["lvis/train/000000000139", "coco-photo/139"]
    assert [traps.area(region) for region in source.scene(0).regions] == [[288], [192]]


def test_listed_categories_are_verified_absent_and_no_others(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert [list(source.scene(number).absent()) for number in range(3)] == [
        ["bull", "crow"],
        ["bat_(animal)", "bird"],
        [],
    ]
    assert {source.evidence_of_absence(name) for name in source.vocabulary()} == {"unannotated"}


def test_incomplete_categories_are_present_but_never_the_anomaly(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert anomaly_names(source.scene(1).regions) == ["aerosol_can"]
    assert [(region.names[0], region.masks[0] is not None) for region in source.scene(1).regions] == [
        ("book", True), ("aerosol_can", True), ("book", False),
    ]  # fmt: skip


def test_an_incomplete_category_without_annotations_is_present(tmp_path: Path) -> None:
    plain = lvis.plain()
    plain["images"][0]["not_exhaustive_category_ids"] = [6]
    source = opened(tmp_path, plain)
    bird = traps.named(source.scene(0), "bird")
    assert [(region.masks, region.candidate) for region in bird] == [((None,), False)]


def test_a_category_with_annotations_is_present_whatever_the_list_states(tmp_path: Path) -> None:
    plain = lvis.plain()
    plain["images"][0]["neg_category_ids"] = [1, 5]
    assert list(opened(tmp_path, plain).scene(0).absent()) == ["crow"]


def test_the_kind_of_something_present_is_not_absent(tmp_path: Path) -> None:
    plain = lvis.plain()
    plain["annotations"][0]["category_id"] = 5  # a crow, which is a bird
    plain["images"][0]["neg_category_ids"] = [6, 2]
    assert list(opened(tmp_path, plain).scene(0).absent()) == ["bull"]
    plain["annotations"][0]["category_id"], plain["images"][0]["neg_category_ids"] = 6, [5, 2]
    assert list(opened(tmp_path, plain).scene(0).absent()) == ["bull", "crow"], "a bird need not be a crow"


def test_names_have_their_synsets_and_synonyms(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert source.vocabulary()[2] == Name("aerosol_can", "aerosol_can", synset="aerosol.n.02")
    assert source.related()["aerosol_can"] == ["spray_can"]
    assert source.related()["bull"] == ["horned_cow"], "the only name that is not among its own synonyms"
    assert "crow" not in source.related()


def test_annotations_and_photos_in_other_folders(tmp_path: Path) -> None:
    lvis.draw(tmp_path)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "lvis_v1_train.json").rename(tmp_path / "annotations" / "lvis_v1_train.json")
    for folder in ("train2017", "val2017"):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / folder).rename(tmp_path / "images" / folder)
    source = LvisSource(LvisSource.Options(root=tmp_path))
    assert list(source.findings()) == []
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    moved = LvisSource(LvisSource.Options(root=tmp_path, images=Path("elsewhere")))
    assert list(moved.findings()) == []
    with pytest.raises(DataError, match=r"images: the folder of images does not exist; .*train2017"):
        LvisSource(LvisSource.Options(root=tmp_path))


def change(plain: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The first image with other members; None removes one."""
    image = {**plain["images"][0], **members}
    plain["images"][0] = {key: value for key, value in image.items() if value is not None}
    return plain


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"neg_category_ids": None},
            r"images\[0\] \(id 139\): has no 'neg_category_ids'; .*source `coco` or `coco_json`",
        ),
        ({"neg_category_ids": ["1"]}, r"neg_category_ids is \"\['1'\]\"; expected a list of category ids"),
        ({"not_exhaustive_category_ids": 4}, r"not_exhaustive_category_ids is '4'; expected a list"),
        ({"width": None}, r"has no 'width'; expected an image of LVIS v1"),
        ({"coco_url": None}, r"coco_url is None; expected an address that ends with FOLDER/FILE"),
        ({"coco_url": "a.jpg"}, r"coco_url is 'a.jpg'; expected an address"),
        ({"file_name": "COCO_val2014_000000000139.jpg"}, r"as in LVIS v0\.5; expected LVIS v1"),
    ],
)
def test_images_that_are_not_of_lvis_v1_are_left_out(members: dict[str, Any], message: str, tmp_path: Path) -> None:
    source = opened(tmp_path, change(lvis.plain(), **members))
    (finding,) = source.left_out()
    assert (finding.severity, finding.scenes, len(source)) == ("dropped", 1, 2)
    assert re.search(message, finding.text)


def test_files_of_coco_are_refused(tmp_path: Path) -> None:
    from miniatures import coco

    lvis.draw(tmp_path)
    coco.draw(tmp_path / "coco")
    (tmp_path / "coco" / "annotations" / "instances_train2017.json").rename(tmp_path / "lvis_v1_train.json")
    with pytest.raises(DataError, match=r"synset is None; expected LVIS v1"):
        LvisSource(LvisSource.Options(root=tmp_path))


def test_an_address_cannot_leave_the_folder(tmp_path: Path) -> None:
    shapes.jpeg(tmp_path.parent / "secret.jpg", 1)
    source = opened(tmp_path, change(lvis.plain(), coco_url="http://images.cocodataset.org/../secret.jpg"))
    with pytest.raises(DataError, match="leaves the data set's folder"):
        source.scene(0)


def test_categories_of_v05_are_refused(tmp_path: Path) -> None:
    plain = lvis.plain()
    plain["categories"].append({"id": 1230, "name": "zucchini", "synset": "zucchini.n.02", "synonyms": []})
    with pytest.raises(DataError, match=r"\(id 1230\): expected LVIS v1, where ids go up to 1203"):
        opened(tmp_path, plain)


def test_categories_without_synsets_are_refused(tmp_path: Path) -> None:
    plain = lvis.plain()
    del plain["categories"][0]["synset"]
    with pytest.raises(DataError, match=r"categories\[0\] \(id 1\): synset is None; expected LVIS v1"):
        opened(tmp_path, plain)


def test_a_split_without_annotations_is_named(tmp_path: Path) -> None:
    lvis.draw(tmp_path)
    with pytest.raises(DataError, match=r"annotations: no file .*lvis_v1_val\.json.*see `lavida-gen sources lvis`"):
        LvisSource(LvisSource.Options(root=tmp_path, split="val"))
    plain = lvis.plain()
    del plain["annotations"]
    with pytest.raises(DataError, match="has no 'annotations'"):
        opened(tmp_path, plain)
