"""Pickles that are meant to exhaust a process end in a sentence; plain data come back as they are."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest

from lavida_gen.annotations import contained_pickle
from lavida_gen.common.errors import DataError

EXHAUSTED = "takes more memory, time or depth than plain data of its size; expected a pickle of plain data"


def written(folder: Path, data: bytes) -> Path:
    path = folder / "refs.p"
    path.write_bytes(data)
    return path


def test_plain_data_come_back(tmp_path: Path) -> None:
    plain = [{"sent": "a dög", "ids": [1, 2**70, -1], "box": (1.5, None, True), "kinds": {1, 2}, 3: b"x"}]
    assert contained_pickle.load(written(tmp_path, pickle.dumps(plain)), list) == plain
    assert contained_pickle.load(written(tmp_path, pickle.dumps({"a": []})), dict) == {"a": []}


def test_other_errors_are_those_of_the_reader(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds a dict; expected a list"):
        contained_pickle.load(written(tmp_path, pickle.dumps({})), list)
    with pytest.raises(DataError, match="the pickle names posix.system"):
        contained_pickle.load(written(tmp_path, b"cposix\nsystem\n(S'touch HACKED'\ntR."), list)
    with pytest.raises(DataError, match="cannot be read"):
        contained_pickle.load(tmp_path / "none.p", list)


def test_a_memo_of_a_billion_places(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{EXHAUSTED}|is not a complete pickle .MemoryError"):
        contained_pickle.load(written(tmp_path, b"\x80\x02]r\xff\xff\xff\x3f."), list)


def test_two_million_nested_tuples(tmp_path: Path) -> None:
    data = b"\x80\x02]}" + b")" + b"\x85" * 2_000_000 + b"K\x01sa."
    with pytest.raises(DataError, match=EXHAUSTED):
        contained_pickle.load(written(tmp_path, data), list)


def test_a_key_that_is_hashed_for_ever(tmp_path: Path) -> None:
    """A tuple of the tuple before, twice, forty times over, as the key of a dict."""
    tuples = b")q\x00" + b"".join(b"h%c\x86q%c" % (level, level + 1) for level in range(40))
    data = b"\x80\x02]}" + tuples + b"K\x01sa."
    began = time.monotonic()
    with pytest.raises(DataError, match=EXHAUSTED):
        contained_pickle.load(written(tmp_path, data), list)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", ["hash2.p", "memo.p"])
def test_stored_cases(name: str, shared_data: Path) -> None:
    file = shared_data / "cases" / "damaged" / "D1-pickle-segv-hang-memory" / name
    if not file.is_file():
        pytest.skip(f"no {file}")
    with pytest.raises(DataError, match=f"{EXHAUSTED}|is not a complete pickle"):
        contained_pickle.load(file, list)
