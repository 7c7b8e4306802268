"""Index masks: values as stored, encoded in one pass; helpers for files, names and JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from miniatures import shapes
from PIL import Image

from lavida_gen.annotations import files, index_masks, json_file
from lavida_gen.classes import names_file
from lavida_gen.common.errors import DataError
from lavida_gen.common.findings import Finding
from lavida_gen.scenes import masks

PLANES = st.one_of(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)),
    arrays.arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 26, 26001])),
    arrays.arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2**24 - 1)),
)


@given(PLANES)
def test_one_pass_gives_the_mask_of_each_value(plane: np.ndarray) -> None:
    found = masks.from_values(plane)
    assert list(found) == np.unique(plane).tolist()
    for value, rle in found.items():
        assert rle == masks.encode(plane == value)


def test_palettes_are_read_as_indices_and_so_is_grey(tmp_path: Path) -> None:
    plane = shapes.plane({1: (3, 3, 10, 10), 255: (0, 0, 64, 2)})
    shapes.palette(tmp_path / "p.png", plane)
    shapes.save(tmp_path / "l.png", plane)
    for name in ("p", "l"):
        assert np.array_equal(index_masks.read(tmp_path / f"{name}.png"), plane)
    import cv2

    assert not np.array_equal(cv2.imread(str(tmp_path / "p.png"), cv2.IMREAD_GRAYSCALE), plane), "the trap is there"


def test_16_bit_and_1_bit_masks(tmp_path: Path) -> None:
    deep = shapes.plane({26001: (3, 3, 10, 10)}, ground=7, dtype=np.uint16)
    shapes.save(tmp_path / "deep.png", deep)
    assert np.array_equal(index_masks.read(tmp_path / "deep.png"), deep)
    flat = shapes.bits((3, 3, 10, 10))
    Image.fromarray(flat).save(tmp_path / "flat.png")
    assert Image.open(tmp_path / "flat.png").mode == "1"
    assert np.array_equal(index_masks.read(tmp_path / "flat.png"), flat)
    assert index_masks.read(tmp_path / "flat.png").dtype == np.uint8


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_equal_channels_are_one_index_per_pixel(tmp_path: Path, mode: str) -> None:
    plane = shapes.plane({2: (3, 3, 10, 10)})
    Image.fromarray(plane).convert(mode).save(tmp_path / "m.png")
    assert np.array_equal(index_masks.read(tmp_path / "m.png"), plane)


def test_whole_numbers_as_float_tiff(tmp_path: Path) -> None:
    plane = shapes.plane({2: (3, 3, 10, 10)})
    Image.fromarray(plane.astype(np.float32)).save(tmp_path / "m.tif")
    assert np.array_equal(index_masks.read(tmp_path / "m.tif"), plane)
    for odd in (0.5, np.inf, np.nan):
        Image.fromarray(plane + np.float32(odd)).save(tmp_path / "m.tif")
        with pytest.raises(DataError, match=r"m\.tif: holds values of mode F"):
            index_masks.read(tmp_path / "m.tif")


@given(PLANES)
def test_values_are_counted(plane: np.ndarray) -> None:
    values, counts = np.unique(plane, return_counts=True)
    assert index_masks.count_values(plane) == dict(zip(values.tolist(), counts.tolist(), strict=True))


def test_colours_are_ids(tmp_path: Path) -> None:
    shapes.save(tmp_path / "c.png", np.array([[[1, 2, 3], [255, 255, 255]]], np.uint8))
    assert index_masks.read_colours(tmp_path / "c.png").tolist() == [[1 + 2 * 256 + 3 * 65536, 2**24 - 1]]


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((4, 4, 3), (1, 1, 2), np.uint8), r"m\.png: holds colours \(RGB\); expected one index per pixel"),
        (np.full((4, 4, 4), (1, 1, 2, 255), np.uint8), r"m\.png: holds colours \(RGBA\)"),
        (np.eye(4, dtype=np.uint8)[:, :, None].repeat(4, axis=2), r"m\.png: is partly transparent \(RGBA\)"),
    ],
)
def test_colours_are_not_indices(tmp_path: Path, pixels: np.ndarray, message: str) -> None:
    shapes.save(tmp_path / "m.png", pixels)
    with pytest.raises(DataError, match=message):
        index_masks.read(tmp_path / "m.png")


def test_indices_are_not_colours_and_files_must_exist(tmp_path: Path) -> None:
    shapes.save(tmp_path / "m.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"m\.png: is of mode L; expected RGB"):
        index_masks.read_colours(tmp_path / "m.png")
    with pytest.raises(DataError, match=r"gone\.png: the mask file does not exist"):
        index_masks.read(tmp_path / "gone.png")
    with pytest.raises(DataError, match="cell 3: cannot be read as a mask"):
        index_masks.read_bytes(b"\x89PNG\r\n", "cell 3")


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes.save(tmp_path / "m.png", np.zeros((40, 40), np.uint8))
    monkeypatch.setattr("lavida_gen.common.input_file.MAX_PIXELS", 1000)
    with pytest.raises(DataError, match=r"40 x 40 pixels; expected at most 1,000 pixels"):
        index_masks.read(tmp_path / "m.png")


def test_listing_leaves_hidden_files_out(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.png", "a/._c.png", ".trash/d.png", "a/e.jpg"):
        shapes.write(tmp_path / name, "x")
    assert files.list_files(tmp_path) == ["a/c", "b"]
    with pytest.raises(DataError, match="nowhere: the folder does not exist"):
        files.list_files(tmp_path / "nowhere")


def test_digest_follows_names_sizes_and_other_files(tmp_path: Path) -> None:
    shapes.write(tmp_path / "a.png", "12")
    first = files.names_and_sizes_digest(tmp_path, ["a.png"], "meta")
    assert files.names_and_sizes_digest(tmp_path, ["a.png"], "meta") == first
    assert files.names_and_sizes_digest(tmp_path, ["a.png"], "other") != first
    assert files.names_and_sizes_digest(tmp_path, ["a.png", "b.png"], "meta") != first
    shapes.write(tmp_path / "a.png", "123")
    assert files.names_and_sizes_digest(tmp_path, ["a.png"], "meta") != first


def test_the_first_missing_files_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    there = tmp_path / "there"
    shapes.write(there, "x")
    found = list(files.missing_files([[there], *([tmp_path / f"{number}"] for number in range(12))]))
    assert len(found) == 11
    assert found[0] == Finding("dropped", f"no file {tmp_path / '0'}", 1)
    assert found[-1] == Finding("dropped", "12 of 13 files are missing, including these 10; fetch them again", 2)
    assert list(files.missing_files([[there]])) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sky\nbuilding\n", {0: "sky", 1: "building"}),
        ("# classes\n\nstop sign\r\n dog \n", {0: "stop sign", 1: "dog"}),
        ("7 car\n11: traffic light\n", {7: "car", 11: "traffic light"}),
        ("0, wall\n3, door\n", {0: "wall", 3: "door"}),
        ("7\n8\n", {0: "7", 1: "8"}),
        ("__ignore__\n_background_\ncrack\n", {-1: "__ignore__", 0: "_background_", 1: "crack"}),
        ("id,name\n0,floor\n2,dent\n", {0: "floor", 2: "dent"}),
        ("id;r;g;b;name\n3;1;2;3;sky\n", {3: "sky"}),
        ("name,r,g,b\nsky,1,2,3\nroad,4,5,6\n", {0: "sky", 1: "road"}),
        ("Idx\tRatio\tName\n1\t0.2\twall\n", {1: "wall"}),
        ("value name\n0 floor\n1 dent\n", {0: "floor", 1: "dent"}),
        ("floor,0\ndent,1\n", {0: "floor", 1: "dent"}),
        ("Pixel,Meaning\n0,floor\n1,dent\n", {0: "floor", 1: "dent"}),
        ("Pixel,Meaning\n3,dent\n", {3: "dent"}),
        ("Meaning;Pixel\nfloor;0\ndent;1\n", {0: "floor", 1: "dent"}),
        ("0,floor,9,9,9\n1,dent,8,8,8\n", {0: "floor", 1: "dent"}),
        ("floor,9,9,9\ndent,8,8,8\n", {0: "floor", 1: "dent"}),
        ("dent\nscratch, deep\n", {0: "dent", 1: "scratch, deep"}),
        ('1,"dent, deep"\n2,scratch\n', {1: "dent, deep", 2: "scratch"}),
        ("person, man\ncar, auto\n", {0: "person, man", 1: "car, auto"}),
        ('"floor"\n"dent"\n', {0: "floor", 1: "dent"}),
        ("- floor\n- dent\n", {0: "floor", 1: "dent"}),
        ("0=floor\n3=dent\n", {0: "floor", 3: "dent"}),
        ("0:floor\n3:dent\n", {0: "floor", 3: "dent"}),
        ("0. floor\n3. dent\n", {0: "floor", 3: "dent"}),
        ("floor 0\ndeep dent 1\n", {0: "floor", 1: "deep dent"}),
        ("0\ndent 1\n", {0: "0", 1: "dent 1"}),
        ("zone 1\nzone 2\n", {0: "zone 1", 1: "zone 2"}),
        ("3.5 tonne truck\ncar\n", {0: "3.5 tonne truck", 1: "car"}),
    ],
)
def test_names_by_line_or_by_number(tmp_path: Path, text: str, names: dict[int, str]) -> None:
    (tmp_path / "names.txt").write_bytes(text.encode())
    assert names_file.read(tmp_path / "names.txt") == names


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("n.csv", "name\nfloor\ndent\n", {0: "floor", 1: "dent"}),
        ("n.json", '["floor", "dent"]', {0: "floor", 1: "dent"}),
        ("n.json", '{"0": "floor", "3": "dent"}', {0: "floor", 3: "dent"}),
        ("n.json", '{"floor": 0, "dent": 3}', {0: "floor", 3: "dent"}),
        ("n.json", '{"id2label": {"0": "floor"}}', {0: "floor"}),
        ("n.json", '{"images": [], "categories": [{"id": 4, "name": "dent"}]}', {4: "dent"}),
        ("n.json", '[{"name": "floor"}, {"name": "dent"}]', {0: "floor", 1: "dent"}),
        ("n.yaml", "path: x\nnames:\n  0: floor\n  1: dent\n", {0: "floor", 1: "dent"}),
        ("n.yml", "names: [__ignore__, _background_, dent]", {-1: "__ignore__", 0: "_background_", 1: "dent"}),
    ],
)
def test_names_in_tables_json_and_yaml(tmp_path: Path, file: str, text: str, names: dict[int, str]) -> None:
    shapes.write(tmp_path / file, text)
    assert names_file.read(tmp_path / file) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names.txt: has no names"),
        ("1 car\nbus\n", "line 'bus' has no number"),
        ("1 car\n1 bus\n", "number 1 is used twice"),
        ("id,name\n1,car\nx,bus\n", "line 'x,bus' has no number"),
        ("1,2,3,car\n4,5,6,bus\n", "line '1,2,3,car' has three numbers; expected one number, or .*write a head"),
        ('{"0": ["car"]}', "has 0 and a list where a number and a name belong"),
        ('{"0": "car"', "is not valid JSON"),
        ("a\0b", "cannot be read"),
        ("car,bus,dog", "line 'car,bus,dog' holds several names; expected one name on each line"),
        ("0 0 0 road\n255 0 0 car", "line '0 0 0 road' has three numbers: a colour"),
        ("road 0 0 0\ntall car 255 0 0", "line 'road 0 0 0' has three numbers: a colour"),
        ("# label:color_rgb:parts:actions\nroad:128,0,0::\n", "line 'road:128,0,0::' has three numbers: a colour"),
    ],
)
def test_invalid_files_of_names(tmp_path: Path, text: str, message: str) -> None:
    shapes.write(tmp_path / "names.txt", text)
    with pytest.raises(DataError, match=message):
        names_file.read(tmp_path / "names.txt")


LINES = st.lists(st.text(st.sampled_from('ab 12,;:\t"-#{[]}'), max_size=8), max_size=6).map("\n".join)


@given(text=LINES, ending=st.sampled_from([".txt", ".csv", ".json", ".yaml"]))
def test_any_file_of_names_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, ending: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"names{ending}"
    shapes.write(path, text)
    try:
        names = names_file.read(path)
    except DataError:
        return
    assert names
    assert all(isinstance(number, int) and name == name.strip() != "" for number, name in names.items())


@pytest.mark.parametrize(("text", "message"), [("names: [", "is not valid YAML"), ("7", "holds a int")])
def test_invalid_yaml_of_names(tmp_path: Path, text: str, message: str) -> None:
    shapes.write(tmp_path / "names.yaml", text)
    with pytest.raises(DataError, match=message):
        names_file.read(tmp_path / "names.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1', r"x\.json:1:8: is not valid JSON"),
        ("[1]", "holds a list; expected a complete JSON object"),
        (None, "cannot be read"),
    ],
)
def test_invalid_json_objects(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        shapes.write(tmp_path / "x.json", text)
    with pytest.raises(DataError, match=message):
        json_file.load(tmp_path / "x.json")


def test_members_are_checked() -> None:
    assert json_file.member({"a": [1]}, "a", list, "here") == [1]
    assert json_file.integer({"a": 480.0}, "a", "here") == 480
    with pytest.raises(DataError, match="here: has no 'b'; expected a list"):
        json_file.member({"a": [1]}, "b", list, "here")
    with pytest.raises(DataError, match="here: 'a' is a text; expected a list"):
        json_file.member({"a": "x"}, "a", list, "here")
    with pytest.raises(DataError, match="here: 'a' is true; expected an integer"):
        json_file.member({"a": True}, "a", int, "here")
    for odd in (1.5, True, "three", "-3", None, float("nan"), float("inf")):
        with pytest.raises(DataError, match="here: 'a' is .* expected an integer"):
            json_file.integer({"a": odd}, "a", "here")


def test_a_mask_of_more_stretches_than_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = np.arange(24, dtype=np.uint8).reshape(4, 6) % 2
    assert set(masks.from_values(plane)) == {0, 1}
    monkeypatch.setattr(masks, "MAX_RUNS", 4)
    with pytest.raises(DataError, match=r"a\.png: its values change 5 times; expected at most 4 stretches of equal"):
        masks.from_values(plane, "a.png")
