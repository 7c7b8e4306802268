"""sa_co_images: phrases that are present, incomplete, absent; marks of test data; malformed pairs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import traps
from miniatures import sa_co_images, shapes

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.scenes.scene import Name
from lavida_gen.sources.sa_co_images import SaCoImagesSource

JSON = "gold_metaclip_merged_a_release_test.json"


def opened(root: Path, plain: dict[str, Any] | None = None) -> SaCoImagesSource:
    """The miniature, with another JSON if one is given."""
    options = sa_co_images.draw(root)
    if plain is not None:
        shapes.write(root / JSON, plain)
    return SaCoImagesSource(SaCoImagesSource.Options.model_validate(options))


def test_a_picture_is_one_scene_with_all_of_its_phrases(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert [source.key(number) for number in range(len(source))] == [
        "sa_co_images/1/metaclip_a.jpeg", "sa_co_images/1/metaclip_b.jpeg",
    ]  # fmt: skip
    cups, dogs = source.scene(0), source.scene(1)
    assert [(region.names, traps.area(region)) for region in cups.regions] == [
        (("red cup",), [288]), (("red cup",), [100]), (("plate",), [200]),
    ]  # fmt: skip
    assert [(region.names, traps.area(region)) for region in dogs.regions] == [(("dog", "brown dog"), [600])]


def test_phrases_without_masks_are_verified_absent(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert [list(source.scene(number).absent()) for number in range(2)] == [["blue cup"], ["cat"]]
    assert source.vocabulary()[0] == Name("red cup")
    assert {source.evidence_of_absence(name) for name in source.vocabulary()} == {"unannotated"}


def test_phrases_that_are_not_completely_drawn_are_no_anomaly(tmp_path: Path) -> None:
    """One of the two marks of completeness is enough, since masks are united."""
    source = opened(tmp_path)
    assert anomaly_names(source.scene(0).regions) == ["red cup"]
    assert anomaly_names(source.scene(1).regions) == ["dog", "brown dog"]


def test_a_phrase_that_is_asked_twice_is_present_if_one_answer_is(tmp_path: Path) -> None:
    plain = sa_co_images.plain()
    plain["images"][3]["text_input"] = "red  cup"
    assert list(opened(tmp_path, plain).scene(0).absent()) == []


def test_a_phrase_whose_annotations_cannot_be_used_is_present(tmp_path: Path) -> None:
    plain = sa_co_images.plain()
    plain["annotations"][2]["category_id"] = 7  # of the dog
    plain["annotations"][4]["segmentation"] = None  # of the brown dog
    source = opened(tmp_path, plain)
    assert {finding.severity for finding in source.left_out()} == {"dropped"}
    scene = source.scene(1)
    assert [(region.names, region.candidate) for region in scene.regions] == [(("dog", "brown dog"), False)]
    assert list(scene.absent()) == ["cat"]


def test_masks_of_several_things_are_no_things(tmp_path: Path) -> None:
    plain = sa_co_images.plain()
    plain["annotations"][0]["iscrowd"] = 1
    assert [region.kind for region in opened(tmp_path, plain).scene(0).regions] == ["stuff", "thing", "thing"]


def test_samples_are_marked_as_test_data(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert source.rights().use == "forbidden"
    assert "TEST DATA" in source.scene(0).licence


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"text_input": None}, r"images\[2\] \(id 10000002\): text_input is None; .* other data: source `coco_json`"),
        ({"text_input": " "}, r"text_input is ' '; expected a noun phrase"),
        (
            {"is_instance_exhaustive": None, "is_pixel_exhaustive": None},
            r"has neither is_instance_exhaustive nor is_pixel_exhaustive",
        ),
        ({"width": 32}, r"height, width are \(48, 32\); expected \(48, 64\), as for other phrases of 1/metaclip_a"),
    ],
)
def test_malformed_pairs_are_left_out(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    plain = sa_co_images.plain()
    plain["images"][2].update(values)
    source = opened(tmp_path, plain)
    found = [finding for finding in source.left_out() if "images[2]" in finding.text]
    assert [finding.severity for finding in found] == ["dropped"]
    assert re.search(message, found[0].text)
    assert [region.names for region in source.scene(0).regions] == [("red cup",), ("red cup",)]
    assert [list(source.scene(number).absent()) for number in range(2)] == [["blue cup"], ["cat"]]


def test_other_files_are_refused(tmp_path: Path) -> None:
    from miniatures import coco

    coco.draw(tmp_path)
    (tmp_path / "annotations" / "instances_train2017.json").rename(tmp_path / JSON)
    with pytest.raises(DataError, match=r"text_input is None; expected a noun phrase"):
        SaCoImagesSource(SaCoImagesSource.Options(root=tmp_path, annotations=Path(JSON)))


def test_a_pair_that_is_listed_twice_is_one(tmp_path: Path) -> None:
    plain = sa_co_images.plain()
    plain["images"].insert(1, dict(plain["images"][0]))
    before = [opened(tmp_path).scene(number).regions for number in range(2)]
    assert [opened(tmp_path, plain).scene(number).regions for number in range(2)] == before


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    sa_co_images.draw(tmp_path)
    with pytest.raises(DataError, match=r"annotations: no file .*none\.json.*see `lavida-gen sources sa_co_images`"):
        SaCoImagesSource(SaCoImagesSource.Options(root=tmp_path, annotations=Path("none.json")))
    (tmp_path / "images" / "1" / "metaclip_b.jpeg").unlink()
    source = SaCoImagesSource(SaCoImagesSource.Options(root=tmp_path, annotations=Path(JSON)))
    assert [(finding.severity, finding.scenes) for finding in source.findings()] == [("dropped", 1)]
    (tmp_path / "images").rename(tmp_path / "pictures")
    options = SaCoImagesSource.Options(root=tmp_path, annotations=Path(JSON), images=Path("pictures"))
    assert len(list(SaCoImagesSource(options).findings())) == 1
