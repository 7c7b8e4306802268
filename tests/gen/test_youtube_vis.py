"""youtube_vis and lv_vis: categories, masks of both forms, layouts, what is known about absence, other files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import traps
from miniatures import lv_vis, shapes, youtube_vis

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.scenes.scene import Name
from lavida_gen.sources.lv_vis import LvVisSource
from lavida_gen.sources.youtube_vis import YoutubeVisSource


def opened(root: Path, plain: dict[str, Any] | None = None, **options: Any) -> YoutubeVisSource:
    """The miniature, with another JSON if one is given."""
    youtube_vis.draw(root)
    if plain is not None:
        shapes.write(root / "train" / "instances.json", plain)
    return YoutubeVisSource(YoutubeVisSource.Options.model_validate({"root": root, "frames": 3, **options}))


def test_objects_have_categories_and_masks(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert [(region.names, region.category, traps.area(region)) for region in source.scene(0).regions] == [
        (("person",), "person", [168, 168, 168]), (("giant_panda",), "giant_panda", [168, 168, 168]),
    ]  # fmt: skip
    assert source.vocabulary()[2] == Name("giant_panda", "giant_panda", "object")
    assert {source.evidence_of_absence(name) for name in source.vocabulary()} == {"unannotated"}
    assert list(source.scene(0).absent()) == []


def test_an_object_that_a_clip_does_not_show_is_present(tmp_path: Path) -> None:
    scene = opened(tmp_path).scene(3)
    assert [(region.names, region.masks, region.candidate) for region in scene.regions] == [
        (("giant_panda",), (None,) * 3, False)
    ]


def as_programs_write(plain: dict[str, Any]) -> None:
    """Numbers as texts or 5.0, flags as texts, no mask as [], names with backslashes."""
    for video in plain["videos"]:
        video |= {side: str(video[side]) for side in ("height", "width")}
        video["file_names"] = [name.replace("/", "\\") for name in video["file_names"]]
    for annotation in plain["annotations"]:
        annotation |= {"iscrowd": "0", "category_id": str(annotation["category_id"])}
        annotation["segmentations"] = [own or [] for own in annotation["segmentations"]]
    for own in plain["annotations"][0]["segmentations"]:
        own |= {key: [float(number) for number in own[key]] for key in ("size", "counts")}


def test_what_programs_write_means_the_same(tmp_path: Path) -> None:
    usual, plain = opened(tmp_path / "usual"), youtube_vis.plain()
    as_programs_write(plain)
    source = opened(tmp_path / "other", plain)
    for number in range(len(usual)):
        assert source.key(number) == usual.key(number)
        assert source.scene(number).regions == usual.scene(number).regions
        assert source.scene(number).frames[0].pixels().shape == (*shapes.SIZE, 3)
    assert [finding for finding in source.findings() if finding.severity != "note"] == []


def test_polygons_in_place_of_run_lengths_are_left_out(tmp_path: Path) -> None:
    plain = youtube_vis.plain()
    plain["annotations"][0]["segmentations"][0] = [[5, 6, 25, 6, 25, 26]]
    (found,) = opened(tmp_path, plain).left_out()
    assert re.search(r"annotations\[0\] frame 0: is \[\[5, 6, .*; expected run lengths, or null", found.text)


def test_an_object_whose_masks_cannot_be_used_is_present(tmp_path: Path) -> None:
    plain = youtube_vis.plain()
    plain["annotations"][1]["segmentations"][0] = {"size": [48, 64], "counts": [1]}
    source = opened(tmp_path, plain)
    assert anomaly_names(source.scene(0).regions) == ["person"]
    assert [region.names for region in source.scene(0).regions if not region.candidate] == [("giant_panda",)]
    assert [finding.severity for finding in source.left_out()] == ["dropped"]


@pytest.mark.parametrize(
    ("member", "values", "message"),
    [
        ("videos", {"height": float("inf")}, r"videos\[0\]: 'height' is inf; expected an integer"),
        ("videos", {"height": float("nan")}, r"videos\[0\]: 'height' is nan; expected an integer"),
        ("videos", {"height": 10**30}, r"videos\[0\]: 'height' is 10+; expected an integer"),
        ("videos", {"height": 10**12}, r"videos\[0\]: is 64 x 10+ pixels; expected 1 to 128,000,000 pixels"),
        ("annotations", {"category_id": 99}, r"annotations\[0\]: category_id 99 is no category of this file"),
        ("annotations", {"category_id": "x"}, r"annotations\[0\]: 'category_id' is 'x'; expected an integer"),
        ("categories", {"name": " "}, r"categories\[0\]: has a blank name"),
    ],
)
def test_malformed_elements_are_left_out(member: str, values: dict[str, Any], message: str, tmp_path: Path) -> None:
    plain = youtube_vis.plain()
    plain[member][0].update(values)
    found = [finding.text for finding in opened(tmp_path, plain).left_out()]
    assert any(re.search(message, text) for text in found)


def test_the_layout_of_2019(tmp_path: Path) -> None:
    youtube_vis.draw(tmp_path)
    (tmp_path / "train" / "instances.json").rename(tmp_path / "train.json")
    source = YoutubeVisSource(YoutubeVisSource.Options(root=tmp_path, frames=3))
    assert (len(source), source.key(0)) == (4, "youtube_vis/train/003234408d/00000")
    assert source.group(0) == "youtube-vos-video/003234408d", "as YouTube-VOS"
    assert source.scene(0).fps == pytest.approx(6.0)
    assert source.rights().use == "forbidden", "no licence was found"


def test_splits_without_annotations(tmp_path: Path) -> None:
    plain = youtube_vis.plain()
    del plain["annotations"]
    with pytest.raises(DataError, match=r"has no 'annotations'; expected a JSON in the form of YouTube-VIS"):
        opened(tmp_path, plain)
    with pytest.raises(DataError, match=r"valid and test have no annotations"):
        opened(tmp_path, split="valid")


def test_layouts_of_lv_vis(tmp_path: Path) -> None:
    lv_vis.draw(tmp_path)
    source = LvVisSource(LvVisSource.Options(root=tmp_path, frames=3))
    regions = [source.scene(number).regions for number in range(len(source))]
    assert (source.key(0), source.group(0)) == ("lv_vis/train/003234408d/00000", "lv-vis-video/003234408d")
    assert {source.evidence_of_absence(name) for name in source.vocabulary()} == {"unannotated"}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "train_instances.json").rename(tmp_path / "annotations" / "train_instances.json")
    (tmp_path / "train" / "JPEGImages").rename(tmp_path / "JPEGImages" / "train")
    other = LvVisSource(LvVisSource.Options(root=tmp_path, frames=3))
    assert [other.scene(number).regions for number in range(len(other))] == regions
    assert list(other.findings()) == []
    with pytest.raises(DataError, match=r"no file .*val_instances\.json.*see `lavida-gen sources lv_vis`"):
        LvVisSource(LvVisSource.Options(root=tmp_path, split="val"))
