"""phrasecut: phrases of several instances, groups, malformed tasks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import traps
from miniatures import phrasecut, shapes

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._base import Limits
from lavida_gen.exposures._candidates import anomaly_names, find_candidate
from lavida_gen.scenes.scene import Name
from lavida_gen.sources.phrasecut import PhraseCutSource


def opened(root: Path, tasks: Any = None, **options: Any) -> PhraseCutSource:
    """The miniature, with other tasks if some are given."""
    phrasecut.draw(root)
    if tasks is not None:
        shapes.write(root / "refer_train.json", tasks)
    return PhraseCutSource(PhraseCutSource.Options.model_validate({"root": root, **options}))


def test_each_instance_of_a_phrase_is_a_region(tmp_path: Path) -> None:
    source = opened(tmp_path)
    scene = source.scene(0)
    assert [(region.names, region.category, traps.area(region)) for region in scene.regions] == [
        (("cup", "red cups"), "cup", [288]),
        (("cup", "red cups"), "cup", [116]),
        (("table", "wooden table"), "table", [768]),
    ]
    assert anomaly_names(scene.regions) == ["red cups", "wooden table"]
    cups = find_candidate(scene, "red cups", Limits(min_area=0, min_pixels=1))
    assert len(getattr(cups, "regions", ())) == 2
    assert source.vocabulary()[0] == Name("cup", "cup")
    assert Name("red cups", "cup") in source.vocabulary()
    assert {source.evidence_of_absence(name) for name in source.vocabulary()} == {"unannotated"}


def test_pictures_of_coco_share_its_groups(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert [source.group(number) for number in range(2)] == ["coco-photo/139", "visual-genome/61512"]
    assert source.rights().use == "forbidden", "no licence was found"


def test_a_phrase_without_structure_has_no_category(tmp_path: Path) -> None:
    tasks = phrasecut.tasks()
    tasks[1]["phrase_structure"] = {}
    source = opened(tmp_path, tasks)
    assert [(region.names, region.category) for region in source.scene(1).regions] == [(("dog",), "")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phrase": " "}, r"\[0\]: phrase is ' '; expected some words"),
        ({"image_id": 7}, r"\[0\]: image_id 7 is no picture of image_data_split\.json"),
        ({"image_id": "x"}, r"\[0\]: image_id is 'x'; expected an integer"),
        ({"Polygons": []}, r"\[0\]: Polygons is '\[\]'; expected a list of polygons for each instance"),
    ],
)
def test_malformed_tasks_are_left_out(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    tasks = phrasecut.tasks()
    tasks[0].update(change)
    source = opened(tmp_path, tasks)
    (finding,) = source.left_out()
    assert finding.severity == "dropped"
    assert re.search(message, finding.text)
    assert {name for number in range(2) for name in anomaly_names(source.scene(number).regions)} == {
        "dog",
        "wooden table",
    }


@pytest.mark.parametrize(
    ("polygons", "message"),
    [
        ("x", r"\[0\] instance 0: Polygons: 'x'; expected polygons"),
        ([[[1, 2], [3]]], r"\[0\] instance 0: Polygons has a point that is not \[x, y\]"),
        ([[[1, 2], [3, "a"], [5, 5]]], r"\[0\] instance 0: "),
    ],
)
def test_an_instance_without_a_usable_mask_is_present(polygons: Any, message: str, tmp_path: Path) -> None:
    """So that the phrase, whose masks are incomplete, is never the anomaly."""
    tasks = phrasecut.tasks()
    tasks[0]["Polygons"][0] = polygons
    source = opened(tmp_path, tasks)
    assert [finding.severity for finding in source.left_out()] == ["dropped"]
    assert re.search(message, next(source.left_out()).text)
    assert anomaly_names(source.scene(0).regions) == ["wooden table"]


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"refer_train\.json: is an object; expected a list"):
        opened(tmp_path, {"tasks": []})
    phrasecut.draw(tmp_path)
    with pytest.raises(DataError, match=r"no file .*refer_val\.json.*see `lavida-gen sources phrasecut`"):
        opened(tmp_path, split="val")
    shapes.write(tmp_path / "image_data_split.json", [{"image_id": 1, "width": 0, "height": 4}])
    with pytest.raises(DataError, match=r"image_data_split\.json\[0\]: is 0 x 4 pixels; expected 1 to"):
        PhraseCutSource(PhraseCutSource.Options(root=tmp_path))
    phrasecut.draw(tmp_path)
    (tmp_path / "image_data_split.json").rename(tmp_path / "image_data_split3000.json")
    (tmp_path / "images").rename(tmp_path / "vg")
    assert len(PhraseCutSource(PhraseCutSource.Options(root=tmp_path, images=Path("vg")))) == 2
