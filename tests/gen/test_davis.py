"""Traps in DAVIS: years, releases, categories, lost palettes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniatures import davis, shapes
from PIL import Image
from traps import BOX, Plain, area, drawn, edit, opened

from lavida_gen.classes import davis_names
from lavida_gen.common.errors import DataError
from lavida_gen.scenes.scene import Name


def test_border_value_255_is_not_an_object(tmp_path: Path) -> None:
    scene = drawn("davis", tmp_path).scene(0)
    assert [(r.category, area(r)) for r in scene.regions] == [("bicycle", [168] * 3), ("person", [168] * 3)]


def test_grey_levels_are_a_lost_palette(tmp_path: Path) -> None:
    plain = davis.draw(tmp_path)
    for path in (tmp_path / "Annotations" / "480p" / "bike-packing").glob("*.png"):
        shapes.save(path, np.array([41, 84, 152], np.uint8)[np.minimum(np.asarray(Image.open(path)), 2)])
    with pytest.raises(
        DataError, match=r"bike-packing: holds the values 41, 84, 152, grey levels.*the palette is lost"
    ):
        opened("davis", plain).scene(0)


def test_davis_2016_binary_masks_and_its_lists(tmp_path: Path) -> None:
    davis.draw(tmp_path)
    (tmp_path / "davis_semantics.json").unlink()
    lines = []
    for path in sorted((tmp_path / "Annotations" / "480p").rglob("*.png")):
        shapes.save(path, shapes.plane({255: BOX}))
        lines.append(f"/JPEGImages/480p/{path.parent.name}/{path.stem}.jpg /Annotations/480p/{path.parent.name}/x.png")
    shapes.write(tmp_path / "ImageSets" / "480p" / "train.txt", "\n".join(lines))
    source = opened("davis", {"root": tmp_path, "year": 2016, "frames": 3, "stride": 1})
    found = [(r.names, r.category, r.candidate, area(r)) for n in (0, 2) for r in source.scene(n).regions]
    assert found == [
        (("bicycle", "person"), "", False, [200] * 3),  # which part of the foreground is which is not known
        (("bird",), "bird", True, [200] * 3),
    ]
    (note,) = source.findings()
    assert note.severity == "note"
    assert note.text.startswith("1 video (bike-packing) shows several categories in one mask: they are present")
    with pytest.raises(DataError, match=r"\.png: holds only 255.*set `year: 2016`"):
        opened("davis", {"root": tmp_path}).scene(0)


def test_davis_without_semantics_knows_the_videos_of_davis(tmp_path: Path) -> None:
    plain = davis.draw(tmp_path)
    (tmp_path / "davis_semantics.json").unlink()
    source = opened("davis", plain)
    assert [r.names for r in source.scene(0).regions] == [("bicycle",), ("person",)]
    assert source.vocabulary() == [
        Name("bicycle", "bicycle", "vehicle"),
        Name("bird", "bird", "animal"),
        Name("person", "person", "person"),
    ]
    with pytest.raises(DataError, match=r"blackswan: object 2 has no name; expected its category in .*semantics\.json"):
        source.scene(2)


def test_davis_a_folders_name_is_no_category(tmp_path: Path) -> None:
    plain = davis.draw(tmp_path)
    (tmp_path / "davis_semantics.json").unlink()
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / kind / "480p" / "bike-packing").rename(tmp_path / kind / "480p" / "our-kite")
    shapes.write(tmp_path / "ImageSets" / "2017" / "train.txt", "our-kite\nblackswan\n")
    source = opened("davis", plain)
    assert [(finding.scenes, "our-kite" in finding.text) for finding in source.left_out()] == [(2, True)]
    assert {name.text for name in source.vocabulary()} == {"bird"}


def test_davis_the_unsupervised_release(tmp_path: Path) -> None:
    plain = davis.draw(tmp_path)
    whole = [scene.regions for source in [opened("davis", plain)] for scene in map(source.scene, range(3))]
    (tmp_path / "Annotations").rename(tmp_path / "Annotations_unsupervised")
    there = opened("davis", plain)
    assert [there.scene(number).regions for number in range(3)] == whole
    (tmp_path / "davis_semantics.json").unlink()
    names = [finding.text.split("'")[1] for finding in opened("davis", plain).left_out()]
    assert names == ["bike-packing"], "its objects may be numbered in another order than in the table"


def test_davis_table_has_as_many_objects_as_the_masks_of_2017() -> None:
    table, groups = davis_names.categories_by_video(), davis_names.groups()
    assert (len(table), sum(map(len, table.values()))) == (150, 386)
    assert {category for row in table.values() for category in row} == set(groups)
    assert (len(groups), len(set(groups.values()))) == (78, 12)
    assert (table["libby"], table["bike-packing"], table["gold-fish"]) == (
        ("dog",),
        ("bicycle", "person"),
        ("fish",) * 5,
    )


@pytest.mark.parametrize("inner", ["caf\udce9/00000.png", "blackswan/caf\udce9.png"])
def test_davis_a_name_that_is_not_utf_8(tmp_path: Path, inner: str) -> None:
    davis.draw(tmp_path)
    file = next((tmp_path / "Annotations").iterdir()) / inner
    try:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(
        DataError, match=r"caf\\xe9(\.png)?: has a name that is not UTF-8; expected a UTF-8 name; rename it"
    ):
        opened("davis", {"root": tmp_path, "frames": 3, "stride": 1, "split": None})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "val"}, r"split: no file .*ImageSets/2017/val\.txt"),
        ({"split": "val", "year": 2016}, r"ImageSets/2016/val\.txt or .*ImageSets/480p/val\.txt"),
        ({"resolution": "1080p"}, "resolution: no folder"),
    ],
)
def test_davis_missing_split_files(tmp_path: Path, options: Plain, message: str) -> None:
    with pytest.raises(DataError, match=message):
        drawn("davis", tmp_path, **options)


def test_davis_a_line_that_is_not_a_video(tmp_path: Path) -> None:
    davis.draw(tmp_path)
    shapes.write(tmp_path / "ImageSets" / "2017" / "train.txt", "bike-packing\na/b\n")
    with pytest.raises(DataError, match=r"train\.txt:2: 'a/b'; expected a video"):
        opened("davis", {"root": tmp_path})


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ({"1": None}, "video 'blackswan': '1' is null; expected a text"),
        ({"1": " "}, "video 'blackswan': '1' is blank; expected a text"),
        (["bird"], "'blackswan' is a list; expected an object"),
        ({"one": "bird"}, "video 'blackswan': object id 'one'; expected an integer"),
    ],
)
def test_davis_a_broken_entry_costs_its_video(tmp_path: Path, objects: Any, message: str) -> None:
    plain = davis.draw(tmp_path)
    edit(tmp_path / "davis_semantics.json", lambda semantics: semantics.update(blackswan=objects))
    source = opened("davis", plain)
    (finding,) = source.left_out()
    assert message in finding.text
    assert (finding.scenes, {video.name for video in source.videos}) == (1, {"bike-packing"})
