"""Pickles of plain data are read; pickles that could call something are refused, and nothing is called."""

from __future__ import annotations

import builtins
import copyreg
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lavida_gen.annotations import safe_pickle
from lavida_gen.common.errors import DataError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(min_size=1)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.lists(inner).map(tuple)
        | st.sets(st.integers())
        | st.frozensets(st.text())
    ),
    max_leaves=20,
)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "refs.p"
    path.write_bytes(data)
    return path


@settings(deadline=None)
@given(plain=st.lists(PLAIN), protocol=st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_plain_data_comes_back(tmp_path_factory: pytest.TempPathFactory, plain: list[Any], protocol: int) -> None:
    path = written(tmp_path_factory.mktemp("p"), pickle.dumps(plain, protocol))
    assert safe_pickle.load(path, list) == plain


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_old_protocols(tmp_path: Path, protocol: int) -> None:
    plain = [{"sent": "a dög", "ids": [1, 2**70, -1], "box": (1.5, None, True), "kinds": {1, 2}}]
    assert safe_pickle.load(written(tmp_path, pickle.dumps(plain, protocol)), list) == plain


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"(lp0\nS'man on left'\np1\na.", "man on left"),  # protocol 0, STRING
        (b"\x80\x02]U\x03dogq\x01a.", "dog"),  # protocol 2, SHORT_BINSTRING
        (b"\x80\x02]U\x05caf\xc3\xa9a.", "café"),  # UTF-8 in a byte string
        (b"\x80\x02]U\x04caf\xe9a.", "café"),  # Latin-1 in a byte string
    ],
)
def test_byte_strings_of_python_2_are_text(tmp_path: Path, data: bytes, text: str) -> None:
    assert safe_pickle.load(written(tmp_path, data), list) == [text]


class Calls:
    """Reduces to a call that leaves a trace."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


CANARY: list[str] = []


def canary(text: str = "") -> list[str]:
    CANARY.append(text)
    return []


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("function", [canary, builtins.eval, builtins.getattr, builtins.bytearray])
def test_calls_are_refused(tmp_path: Path, function: Any, protocol: int) -> None:
    """REDUCE by GLOBAL and by STACK_GLOBAL."""
    data = pickle.dumps([Calls(function, "CANARY.append('called')")], protocol)
    with pytest.raises(DataError, match=rf"refs\.p: the pickle names .*{function.__name__}; expected plain data"):
        safe_pickle.load(written(tmp_path, data), list)
    assert CANARY == []


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"cos\nsystem\n(S'touch HACKED'\ntR.", "os.system"),  # REDUCE
        (b"(S'touch HACKED'\nios\nsystem\n.", "os.system"),  # INST
        (b"(cos\nsystem\nS'touch HACKED'\no.", "os.system"),  # OBJ
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch HACKED\x85R.", "os.system"),  # STACK_GLOBAL
        (b"\x80\x02c__builtin__\nobject\n)\x81}S'a'\nK\x01sb.", "__builtin__.object"),  # NEWOBJ, BUILD
        (b"]cno_such_module_at_all\nthing\na.", "no_such_module_at_all.thing"),
        (b"]cbuiltins\nset.__class__\na.", r"builtins.set.__class__"),
    ],
)
def test_every_opcode_that_names_something(
    tmp_path: Path, data: bytes, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="the pickle names ") as refused:
        safe_pickle.load(written(tmp_path, data), list)
    assert f"names {named};" in str(refused.value)
    assert not (tmp_path / "HACKED").exists()


def test_extension_codes_are_refused(tmp_path: Path) -> None:
    copyreg.add_extension("os", "system", 240)
    try:
        with pytest.raises(DataError, match=r"names os\.system"):
            safe_pickle.load(written(tmp_path, b"\x80\x02\x82\xf0(S'touch HACKED'\ntR."), list)
    finally:
        copyreg.remove_extension("os", "system", 240)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02c__builtin__\nset\n}U\x01aK\x01sb.",  # BUILD on the type itself
        b"\x80\x02c__builtin__\nset\n]\x85R}U\x01aK\x01sb.",  # BUILD on a set: no attribute of that name
        b"\x80\x02c__builtin__\nset\nN}U\x03addK\x01s\x86b.",  # BUILD with slots on the type
        b"P0\n.",  # a persistent id
        b"\x80\x02c__builtin__\nset\nK\x05\x85R.",  # a call that fails
    ],
)
def test_the_allowed_types_change_and_call_nothing(tmp_path: Path, data: bytes) -> None:
    before = dict(vars(set))
    with pytest.raises(DataError):
        safe_pickle.load(written(tmp_path, data), list)
    assert dict(vars(set)) == before


def test_an_integer_of_thousands_of_digits(tmp_path: Path) -> None:
    """Python does not write it out, so that no later message could quote it."""
    with pytest.raises(DataError, match=r"refs\.p: is not a complete pickle \(ValueError: .*4300"):
        safe_pickle.load(written(tmp_path, pickle.dumps([{"image_id": 10**5000}], 2)), list)


def test_arrays_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the pickle names numpy\..*; .*fetch the published one"):
        safe_pickle.load(written(tmp_path, pickle.dumps([np.int64(3)])), list)


@given(cut=st.floats(0, 0.999), protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_a_truncated_pickle(tmp_path_factory: pytest.TempPathFactory, cut: float, protocol: int) -> None:
    whole = pickle.dumps([{"ref_id": n, "sentences": [{"sent": "a dog"}]} for n in range(5)], protocol)
    path = written(tmp_path_factory.mktemp("p"), whole[: int(cut * len(whole))])
    with pytest.raises(
        DataError, match=r"is not a complete pickle .*; expected a pickle of plain data; fetch it again"
    ):
        safe_pickle.load(path, list)


@given(data=st.binary(max_size=60))
def test_any_bytes_give_data_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = written(tmp_path_factory.mktemp("p"), data)
    message = ""
    try:
        found = safe_pickle.load(path, list)
    except DataError as error:
        message = str(error)
    assert str(path) in message or type(found) is list


def test_another_type(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"refs\.p: holds a dict; expected a list"):
        safe_pickle.load(written(tmp_path, pickle.dumps({"a": 1})), list)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.p: cannot be read \(No such file"):
        safe_pickle.load(tmp_path / "absent.p", list)
