"""JSON, YAML, arrays and lists that are meant to exhaust or confuse their reader: an error that names the file."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from lavida_gen.annotations import json_file as annotation_json
from lavida_gen.annotations import yolo_txt, yolo_yaml
from lavida_gen.classes import names_file
from lavida_gen.common import arrays, json_file, yaml_text
from lavida_gen.common.errors import DataError, LavidaGenError
from lavida_gen.common.json_file import MAX_DEPTH, parse_json, read_json, read_json_object
from lavida_gen.config import recipe as recipes
from lavida_gen.config.prompts import PromptBank
from lavida_gen.large_json import json_stream


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


PLACES: dict[str, Callable[[Path], object]] = {
    "it is a FIFO": os.mkfifo,
    "it is a device": lambda path: path.symlink_to("/dev/zero"),
    "it is a folder": Path.mkdir,
    "symbolic links": lambda path: path.symlink_to(path),
    "is not UTF-8 text": lambda path: path.write_bytes("name: é".encode("utf-16")),
}
READERS: dict[str, Callable[[Path], object]] = {
    "json": lambda path: read_json(path),
    "stream": lambda path: list(json_stream.members(path)),
    "names": names_file.read,
    "yolo labels": lambda path: yolo_txt.read(path, [0]),
    "yolo data": yolo_yaml.read,
    "prompts": PromptBank.load,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reader", READERS)
def test_only_regular_files_of_text_are_read(reader: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    PLACES[place](path)
    text = "is not" if "UTF-8" in place and reader in ("json", "stream") else place
    with pytest.raises(LavidaGenError, match=text) as caught:
        READERS[reader](path)
    assert str(path) in str(caught.value)


def test_recipes_are_regular_files(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.symlink_to("/dev/zero")
    with pytest.raises(LavidaGenError, match="r.yaml"):
        recipes.load(str(path))


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 900, 100_000])
@pytest.mark.parametrize("start", ["[", '{"a":'])
def test_json_of_many_levels(levels: int, start: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    end = "]" if start == "[" else "}"
    path.write_text('{"images": [' + start * levels + "1" + end * levels + "]}")
    with pytest.raises(DataError, match=r"deep\.json: is n.*(too deeply|recursion)"):
        read_json_object(path)
    with pytest.raises(DataError, match=r"deep\.json:1:\d+: is nested too deeply"):
        list(json_stream.members(path))


def test_json_of_few_levels_is_read() -> None:
    """Brackets alone are no levels: those in texts, and lists beside each other."""
    for text in (
        nested(MAX_DEPTH),
        json.dumps(["[" * 500] * 3),
        json.dumps([[1]] * 500),
        json.dumps({"a": [{}] * 500}),
    ):
        assert parse_json(text, "x") == json.loads(text)


def test_numbers_that_no_column_holds() -> None:
    for number in ("1e999", "-1e999", "NaN", "1" + "0" * 30, "1e30", '"x"', "true", "null"):
        value = parse_json(f'{{"height": {number}}}', "x")
        with pytest.raises(DataError, match=r"x: 'height' is .*; expected an integer"):
            annotation_json.integer(value, "height", "x")
    with pytest.raises(DataError, match="x: is not valid JSON .*4300"):
        parse_json("1" * 5000, "x")


def test_an_element_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 100)
    monkeypatch.setattr(json_stream, "MAX_JSON", 1000)
    path = tmp_path / "long.json"
    path.write_text('{"images": ["' + "x" * 5000)
    with pytest.raises(DataError, match=r"long\.json:1:\d+: has an element of more than 1,000 characters"):
        list(json_stream.members(path))


def test_yaml_with_values_that_python_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    long = (
        "0x" + "f" * 9000,
        "0" + "7" * 9000,
        "-0b" + "1" * 20_000,
        "1" + ":59" * 3000,
        '!!int "0_x' + "f" * 9000 + '"',
    )
    odd = ("a: 2020-13-45", "!!bool x: 1", "a: " + "1" * 5000, "!!timestamp x", "!!int ''")
    for text in (*odd, *(f"a: {number}" for number in long)):
        with pytest.raises(yaml.YAMLError):
            yaml_text.load_yaml(text)
        path.write_text(text)
        with pytest.raises(DataError, match=r"names\.yaml: is not valid YAML"):
            names_file.read(path)


@pytest.mark.parametrize("shape", ["(3000000000, 4)", "(-3, 4)", "(9, 9, 9, 9, 9, 9, 9, 9)"])
@pytest.mark.parametrize("mode", [None, "r"])
def test_arrays_that_declare_more_than_they_hold(shape: str, mode: object, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))
    stored = (tmp_path / "a.npy").read_bytes()
    text = b"'shape': (3, 4), }"
    lying = stored.replace(text + b" " * (len(shape) - 6), f"'shape': {shape}, }}".encode())
    assert len(lying) == len(stored)
    assert lying != stored
    (tmp_path / "a.npy").write_bytes(lying)
    with pytest.raises(ValueError, match="declares .* values of float64"):
        arrays.load_array(tmp_path / "a.npy", "r" if mode else None)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", lying)
    with arrays.open_archive(tmp_path / "a.npz") as archive, pytest.raises(ValueError, match="declares .* values"):
        archive["a"]


def test_archives_that_unpack_to_more_than_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10**6, np.uint8), b=np.zeros(10**6, np.uint8))
    assert (tmp_path / "a.npz").stat().st_size < 5000
    with arrays.open_archive(tmp_path / "a.npz") as archive:
        assert sorted(archive) == ["a", "b"]
        assert len(archive["a"]) == 10**6
    monkeypatch.setattr(arrays, "MAX_UNPACKED", 10**6)
    refused = pytest.raises(ValueError, match=r"its arrays have 2,000,256 bytes, more than 1,000,000")
    with refused, arrays.open_archive(tmp_path / "a.npz"):
        pass


@pytest.mark.parametrize(
    "content", [b"", b"x" * 5, b"\x93NUMPY\x01\x00\xff\xff", b"\x93NUMPY\x09\x00v\x00{}", b"PK\3\4"]
)
def test_what_is_no_array(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    for read in (arrays.load_array, lambda at: arrays.open_archive(at).__enter__()):
        with pytest.raises((ValueError, OSError)):
            read(path)


@pytest.mark.parametrize("place", ["it is a FIFO", "it is a device", "it is a folder"])
def test_arrays_are_regular_files(place: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    PLACES[place](path)
    for read in (arrays.load_array, lambda at: arrays.open_archive(at).__enter__()):
        with pytest.raises(OSError, match=place):
            read(path)


def test_mistakes_of_ours_behind_a_parser_stay_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: object) -> None:
        raise KeyError("ours")

    path = tmp_path / "a.json"
    path.write_text('{"a": [1]}')
    monkeypatch.setattr(json_file, "is_too_deep", mistake)
    monkeypatch.setattr(json_stream, "is_too_deep", mistake)
    with pytest.raises(KeyError, match="ours"):
        read_json(path)
    with pytest.raises(KeyError, match="ours"):
        list(json_stream.members(path))
