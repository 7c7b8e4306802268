"""Helpers that all packages share: text tables, shortened lists, unknown names, JSON files, write errors, digests."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest
import yaml

from lavida_gen.common.atomic_file import partial_path, write_atomic, write_error, write_errors
from lavida_gen.common.digests import sha256, sha256_file, sha256_json
from lavida_gen.common.errors import DataError, suggestion, unknown_name
from lavida_gen.common.json_file import read_json, read_json_object, write_json
from lavida_gen.common.resources import own_yaml, resource
from lavida_gen.common.text import shorten, text_table
from lavida_gen.processes.leftovers import PARTIAL


def test_text_tables_align_numbers_to_the_right_and_leave_out_empty_columns() -> None:
    rows = [("a", "", "1"), ("long", "", "10,000")]
    assert text_table(rows, ("name", "", "count")) == "name   count\na          1\nlong  10,000"
    assert text_table(rows) == "a          1\nlong  10,000"
    assert text_table([], ("name",)) == ""
    assert text_table([("a", "+1.5"), ("b", "-12.5")]) == "a   +1.5\nb  -12.5", "signs are numbers"
    assert text_table([("日本", "x"), ("e\u0301", "y")]) == "日本  x\ne\u0301     y", (
        "columns of a terminal, not letters"
    )


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_text_tables_fit_a_terminal_and_lose_nothing(width: int) -> None:
    words = "a sentence of many words that goes on and on and on, well past the end of a line"
    rows = [(f"row{n}", words, f"{n}.5", f"+{n},000 [1.00, 2.00]", "12.25", words) for n in range(3)]
    head = ("name", "about", "value", "difference [95 %]", "chance", "notes")
    text = text_table(rows, head, width)
    assert max(map(len, text.splitlines())) <= width
    for block in text.split("\n\n"):
        lines = block.splitlines()
        assert lines[0].startswith("name"), "a table that is continued repeats its first column"
        assert [line.split()[0] for line in lines if line.startswith("row")] == ["row0", "row1", "row2"]
    for cell in (*head, "2.5", "+2,000 [1.00, 2.00]"):
        assert cell in text
    assert text.split().count("well") == 6


def test_long_texts_are_wrapped_beside_their_row() -> None:
    text = text_table([("a", "one two three four five six seven"), ("b", "short")], width=30)
    assert text == "a  one two three four five six\n   seven\nb  short"
    page = "https://example.org/a-page-whose-address-is-long"
    assert page in text_table([("a", page)], width=40), "addresses can be clicked"
    assert text_table([("a", "one two"), ("b", "")], ("k", "text"), 40) == "k  text\na  one two\nb"


def test_long_lists_are_shortened() -> None:
    assert shorten(["a", "b"]) == "a, b"
    assert shorten(list("abcdef"), 2) == "a, b and 4 more"


def test_unknown_names_get_a_suggestion_or_the_known_names() -> None:
    assert unknown_name("source", "cocoo", ("coco", "street")) == "unknown source 'cocoo'; did you mean 'coco'?"
    assert suggestion("x", ("coco", "street")) == "known: coco, street"
    assert suggestion("x", ()) == "known: none"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"f\.json: cannot be read \(No such file or directory\); expected a thing; remove it"),
        (b'{"a": ]', r"f\.json:1:7: is not valid JSON \(Expecting value\); expected a thing; remove it"),
        (b"\xff", r"f\.json: is not valid JSON \(.*codec.*\); expected a thing; remove it"),
        (b"[" * 100_000, r"f\.json: is not valid JSON \(.*recursion.*\); expected a thing; remove it"),
        (b"[1]", r"f\.json: holds a list; expected a thing; remove it"),
        (b'{"b": 1}', r"f\.json: has no 'a'; expected a thing; remove it"),
    ],
)
def test_errors_of_json_files_give_place_and_reason(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "f.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_json_object(file, "a thing", "remove it", keys=["a"])


def test_json_files_survive_writing_and_reading(tmp_path: Path) -> None:
    write_json(tmp_path / "f.json", {"a": ["ü", None]})
    assert read_json(tmp_path / "f.json") == {"a": ["ü", None]}
    (tmp_path / "marked.json").write_bytes(b"\xef\xbb\xbf{}")
    assert read_json(tmp_path / "marked.json") == {}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "^f: the disk is full; free some space and try again$"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "^f: the disk is full; free some space and try again$"),
        (RuntimeError("unexpected pos 64 vs 0"), "^f: the disk is full; free some space and try again$"),
        (OSError(errno.EACCES, "Permission denied"), r"^f: cannot be written \(Permission denied\); make the place"),
        (RuntimeError("broken pipe\nmore"), r"^f: cannot be written \(broken pipe\); make the place writable and try"),
    ],
)
def test_write_errors_state_whether_the_disk_is_full(error: Exception, message: str) -> None:
    with pytest.raises(DataError, match=message), write_errors("f", "try again", also=(RuntimeError,)):
        raise error
    assert str(write_error("f", "the disk is full", "try again")).startswith("f: the disk is full; free some space")


def test_other_errors_pass_through() -> None:
    with pytest.raises(KeyError), write_errors("f"):
        raise KeyError("a")


def test_temporary_names_are_in_the_same_folder(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    assert partial_path(file).name.startswith(f"a.bin{PARTIAL}-")
    assert partial_path(file) != partial_path(file)
    write_atomic(file, b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_digests_are_sha256(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes("ü".encode())
    expected = hashlib.sha256("ü".encode()).hexdigest()
    assert sha256("ü") == sha256("ü".encode()) == sha256_file(tmp_path / "f") == expected
    assert sha256_json({"b": 1, "a": [2]}) == sha256('{"a":[2],"b":1}')


@pytest.mark.parametrize("path", sorted(resource("").glob("*.yaml")), ids=lambda path: path.stem)
def test_libyaml_reads_our_tables_as_python_does(path: Path) -> None:
    assert own_yaml(path) == yaml.load(path.read_text("utf-8"), Loader=yaml.SafeLoader)
