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

from lavida_gen.annotations import files, index_masks, json_file, names_file
from lavida_gen.common.errors import DataError
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


def test_colours_are_ids(tmp_path: Path) -> None:
    shapes.save(tmp_path / "c.png", np.array([[[1, 2, 3], [255, 255, 255]]], np.uint8))
    assert index_masks.read_colours(tmp_path / "c.png").tolist() == [[1 + 2 * 256 + 3 * 65536, 2**24 - 1]]


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), r"m\.png: holds colours \(RGB\); expected one index per pixel"),
        (np.zeros((4, 4, 4), np.uint8), r"m\.png: holds colours \(RGBA\)"),
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
    monkeypatch.setattr("lavida_gen.scenes.images.MAX_PIXELS", 1000)
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
    messages = list(files.missing_files([there, *(tmp_path / f"{number}" for number in range(12))]))
    assert len(messages) == 11
    assert messages[0] == f"no file {tmp_path / '0'}"
    assert messages[-1] == "12 of 13 files are missing, including these 10; fetch them again"
    assert list(files.missing_files([there])) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sky\nbuilding\n", {0: "sky", 1: "building"}),
        ("# classes\n\nstop sign\r\n dog \n", {0: "stop sign", 1: "dog"}),
        ("7 car\n11: traffic light\n", {7: "car", 11: "traffic light"}),
        ("0, wall\n3, door\n", {0: "wall", 3: "door"}),
        ("7\n8\n", {0: "7", 1: "8"}),
    ],
)
def test_names_by_line_or_by_number(tmp_path: Path, text: str, names: dict[int, str]) -> None:
    (tmp_path / "names.txt").write_bytes(text.encode())
    assert names_file.read(tmp_path / "names.txt") == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names.txt: has no names"),
        ("1 car\nbus\n", "line 'bus' has no number"),
        ("1 car\n1 bus\n", "number 1 is used twice"),
    ],
)
def test_invalid_files_of_names(tmp_path: Path, text: str, message: str) -> None:
    shapes.write(tmp_path / "names.txt", text)
    with pytest.raises(DataError, match=message):
        names_file.read(tmp_path / "names.txt")


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
    with pytest.raises(DataError, match="here: 'a' is a str; expected a list"):
        json_file.member({"a": "x"}, "a", list, "here")
    with pytest.raises(DataError, match="here: 'a' is a bool"):
        json_file.member({"a": True}, "a", int, "here")
    for odd in (1.5, True, "3", None, float("nan")):
        with pytest.raises(DataError, match="here: 'a' is .* expected an integer"):
            json_file.integer({"a": odd}, "a", "here")
