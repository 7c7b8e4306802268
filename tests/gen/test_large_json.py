"""Large JSON files, read piece by piece: whatever the pieces, the same values and errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_coco import Plain, data, write

from lavida_gen.common.errors import DataError
from lavida_gen.large_json import json_stream

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read_members(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, number, value in json_stream.members(path):
        if number == -1:
            found[key] = value
        else:
            found.setdefault(key, []).extend([value] if number >= 0 else [])
    return found


@settings(deadline=None)
@given(
    plain=st.dictionaries(st.text(), JSON, max_size=4), indent=st.sampled_from([None, 0, 2]), chunk=st.integers(1, 40)
)
def test_any_json_is_read_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, plain: Plain, indent: int | None, chunk: int
) -> None:
    path = tmp_path_factory.mktemp("json") / "x.json"
    path.write_text(json.dumps(plain, indent=indent, ensure_ascii=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK", chunk)
        assert read_members(path) == plain


@settings(deadline=None, max_examples=300)
@given(cut=st.floats(0, 0.999), chunk=st.integers(1, 400))
def test_a_truncated_file_reports_the_position(
    tmp_path_factory: pytest.TempPathFactory, cut: float, chunk: int
) -> None:
    text = json.dumps(data(), indent=1)
    kept = text[: int(cut * len(text))]
    path = tmp_path_factory.mktemp("json") / "x.json"
    path.write_text(kept)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(DataError) as error:
        patch.setattr(json_stream, "CHUNK", chunk)
        read_members(path)
    where, _, rest = str(error.value).removeprefix(f"{path}:").partition(": ")
    line, column = map(int, where.split(":"))
    assert rest.startswith("ends early at character ")
    assert rest.endswith("; expected a complete JSON file; fetch it again")
    assert line <= kept.count("\n") + 1
    assert column >= 1


@pytest.mark.parametrize("chunk", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": [1 2]}', ":1:10: is not JSON: '2' instead of , or ] at character 9;"),
        ('{"a": [1,]}', ":1:10: is not JSON: Expecting value"),
        ('{"a": 1,}', ":1:9: is not JSON: '}' instead of a key"),
        ('{"a" 1}', ":1:6: is not JSON: '1' instead of :"),
        ('{"a": 1} x', ":1:10: is not JSON: 'x' after its end"),
        ('\n{"a":\n nix, "b": ' + "1" * 100 + "}", ":3:2: is not JSON: Expecting value"),
        ("[1]", ": is a list; expected an object"),
        ("", ":1:1: ends early"),
        ('{"a": ' + "[" * 100_000, "is nested too deeply"),
        ('{"a": ' + "1" * 5000 + "}", "is not JSON: Exceeds the limit"),
    ],
)
def test_invalid_json(tmp_path: Path, text: str, message: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if chunk == 1 and len(text) > 1000:
        chunk = 4096
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    with pytest.raises(DataError) as error:
        read_members(write(tmp_path, text))
    assert message in str(error.value)


def test_files_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    path.write_bytes(b'{"a": "\xff\xfe"}')
    with pytest.raises(DataError, match=r"instances\.json: is not UTF-8 text"):
        read_members(path)
    with pytest.raises(DataError, match=r"none\.json: cannot be read \(No such file"):
        read_members(tmp_path / "none.json")
