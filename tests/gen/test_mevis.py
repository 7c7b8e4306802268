"""Traps in MeViS: hidden objects, expressions of several objects or of none, files that disagree."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from miniatures import mevis, shapes
from traps import Plain, drawn, edit, opened

from lavida_gen.common.errors import DataError
from lavida_gen.exposures import _candidates as candidates
from lavida_gen.exposures._base import Limits
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name


def test_mevis_null_is_not_visible_and_an_expression_may_name_two_objects(tmp_path: Path) -> None:
    source = drawn("mevis", tmp_path)
    first, second = (source.scene(number) for number in range(2))
    assert [[mask is None for mask in region.masks] for region in first.regions] == [[False] * 3, [False, False, True]]
    assert [[mask is None for mask in region.masks] for region in second.regions] == [[False] * 3, [True, False, False]]
    both = candidates.find_candidate(second, "two birds passing each other", Limits(min_area=0, min_pixels=1))
    assert isinstance(both, candidates.Candidate)
    one = first.regions[0]
    assert one.names == ("The bird moving to the right", "two birds passing each other")
    union = masks.union([region.masks[1] for region in second.regions if region.masks[1] is not None])
    assert both.masks[1] == union
    assert both.masks[0] == second.regions[0].masks[0], "where one of them is hidden, the other is all there is"


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("mask_dict.json", lambda p: p["11"].pop(), r"mask_dict\.json: annotation 11 covers 5 frames; expected 6"),
        ("mask_dict.json", lambda p: p.pop("12"), r"expression '1': anno_id 12; expected one of mask_dict\.json"),
        ("mask_dict.json", lambda p: p.update({"11": 7}), "annotation '11': is a int"),
        ("mask_dict.json", lambda p: p["11"][3].update(counts="1"), "annotation '11' frame 3: run lengths sum up to"),
        ("mask_dict.json", lambda p: p["11"][3].update(size=["a", {}]), r"annotation '11' frame 3: size \['a', {}\]"),
        ("mask_dict.json", lambda p: p["11"][3].update(size=[64, 48]), r"annotation '11' frame 3: size \(64, 48\)"),
        ("meta_expressions.json", lambda p: p["videos"][mevis.VIDEO].pop("frames"), "has no 'frames'"),
        (
            "meta_expressions.json",
            lambda p: p["videos"][mevis.VIDEO]["frames"].__setitem__(0, "../../x"),
            "leaves the data set's folder",
        ),
    ],
)
def test_mevis_files_must_agree(tmp_path: Path, file: str, change: Any, message: str) -> None:
    plain = mevis.draw(tmp_path)
    edit(tmp_path / "train" / file, change)
    try:
        source = opened("mevis", plain)
        found = [finding.text for finding in source.left_out()]
        for number in range(len(source)):
            source.scene(number)
    except DataError as error:
        found = [str(error)]
    assert len(found) == 1
    assert re.search(message, found[0])


def test_mevis_expressions_without_an_object_are_absent(tmp_path: Path) -> None:
    plain = mevis.draw(tmp_path)
    file = tmp_path / "train" / "meta_expressions.json"
    add = {"exp": "the zebra  leaping", "obj_id": [], "anno_id": []}
    again = {**add, "anno_id": None}
    edit(file, lambda p: p["videos"][mevis.VIDEO]["expressions"].update({"8": add, "9": again}))
    source = opened("mevis", plain)
    assert list(source.scene(0).absent()) == ["the zebra leaping"]
    assert Name("the zebra leaping") in source.vocabulary()
    assert "the zebra leaping" not in {name for region in source.scene(0).regions for name in region.names}
    frames = [f"{time:05d}" for time in range(3)]
    shutil.copytree(tmp_path / "train" / "JPEGImages" / mevis.VIDEO, tmp_path / "train" / "JPEGImages" / "zebra")
    edit(file, lambda p: p["videos"].update(zebra={"expressions": {"0": add}, "frames": frames}))
    clip = opened("mevis", plain).scene(2)
    assert (clip.regions, list(clip.absent()), clip.size) == ((), ["the zebra leaping"], shapes.SIZE)


def test_mevis_without_any_object(tmp_path: Path) -> None:
    plain = mevis.draw(tmp_path)

    def clear(p: Plain) -> None:
        for expression in p["videos"][mevis.VIDEO]["expressions"].values():
            expression["anno_id"] = []

    edit(tmp_path / "train" / "meta_expressions.json", clear)
    with pytest.raises(DataError, match=f"no expression of video '{mevis.VIDEO}' has an object"):
        opened("mevis", plain)


def test_mevis_valid_has_no_masks(tmp_path: Path) -> None:
    mevis.draw(tmp_path)
    (tmp_path / "train").rename(tmp_path / "valid")
    (tmp_path / "valid" / "mask_dict.json").unlink()
    with pytest.raises(DataError, match=r"no file .*mask_dict\.json.*valid has no masks"):
        opened("mevis", {"root": tmp_path, "split": "valid"})
