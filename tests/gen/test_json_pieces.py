"""Elements decoded together, and annotations drawn together, are those of the plain way, which is the oracle here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lavida_gen.coco import plain_annotations
from lavida_gen.coco.instances_json import InstancesReader
from lavida_gen.common.errors import DataError
from lavida_gen.large_json import json_stream
from lavida_gen.large_json.json_pieces import Lazy, decode, plain

Plain = dict[str, Any]


@pytest.mark.parametrize(
    "text",
    ["NaN", "-Infinity", "1e999", "18446744073709551616", '"\\ud800"', '"a\\"b"', "[" * 101 + "]" * 101, '"\n"', "1 2"],
)
def test_what_is_left_to_json(text: str) -> None:
    assert decode(f'{{"a": {text}}}, {{"a": 1}}') is None


@pytest.mark.parametrize("lazily", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "b": 2, "a": 3}',
        "18446744073709551615, -9223372036854775808, -0, -0.0, 1e-400, 1e5, 0.1, 5e-324, 1.0",
        '{"a": {"a": [], "a": [1, 2.0, null]}}, [true, false], "é\x7f"',
        '{"a[[{": "]]"}, ' + "[" * 100 + "]" * 100,
    ],
)
def test_what_both_read(text: str, lazily: bool) -> None:
    values = decode(text, lazily)
    assert values is not None
    assert repr([plain(value) for value in values]) == repr(json.loads(f"[{text}]"))


def test_lazy_elements_are_flat() -> None:
    (one,) = decode('{"a": [[1, 2], [3]]}', lazily=True) or []
    assert isinstance(one, Lazy)
    (two,) = decode('{"a": [[[1], 2]]}', lazily=True) or []
    assert two == {"a": [[[1], 2]]}


SCALARS = [
    "0",
    "1",
    "-1",
    "7",
    "1.5",
    "1.0",
    '"5"',
    '"x"',
    '"\\u00e9"',
    "null",
    "true",
    "NaN",
    "1e400",
    str(2**63),
    "[]",
    "{}",
]
POLYGON = st.lists(st.integers(-30, 90) | st.floats(-20, 90).map(lambda x: round(x, 1)), min_size=6, max_size=12)
PARTS = [
    "[1, 2, 3, 4, 5, 6]", "[[1, 2, 3, 4]]", "[[1, 2, 3, 4, 5, 6, 7]]", "[[[1, 2], [3, 4], [5, 6]]]", "null", "[]", "[[]]",
    '[[1, 2, "3", 4, 5, 6]]', "[[1, 2, null, 4, 5, 6]]", "[[1, 2, true, 4, 5, 6]]", "[[1, 2, 1e9, 4, 5, 6]]", '["abcdef"]',
    "[[1, 2, NaN, 4, 5, 6]]", '{"size": [48, 64], "counts": [10, 3062]}', '{"size": [48, 64], "counts": [10]}',
    '[{"size": [48, 64], "counts": [10, 3062]}]', f"[[1, 2, {2**70}, 4, 5, 6]]", "[{}, {}]",
]  # fmt: skip


@st.composite
def annotation(draw: st.DrawFn) -> str:
    """The text of an annotation: most are plain, others odd in one of many ways."""
    polygons = draw(st.lists(POLYGON.map(lambda p: p[: len(p) // 2 * 2]), min_size=1, max_size=3))
    members = {
        "segmentation": json.dumps(polygons),
        "id": str(draw(st.integers(0, 99))),
        "image_id": str(draw(st.integers(0, 3))),
        "category_id": str(draw(st.integers(1, 2))),
        "iscrowd": draw(st.sampled_from(["0", "1", '"0"', "null"])),
    }
    if draw(st.integers(0, 3)) == 0:
        members["segmentation"] = draw(st.sampled_from(PARTS))
    pairs = list(members.items())
    if draw(st.integers(0, 5)) == 0:
        key = draw(st.sampled_from(["id", "image_id", "category_id", "iscrowd", "ignore", "other"]))
        pairs[draw(st.integers(0, len(pairs) - 1))] = (key, draw(st.sampled_from(SCALARS)))
    return "{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}"


def indexed(path: Path) -> tuple[Plain, list[tuple[str, int]]] | str:
    """What the reader makes of a file: arrays and messages, or its error."""
    reader = InstancesReader(path)
    try:
        made = reader.read()
    except DataError as error:
        return str(error)
    return {name: (array.dtype.str, array.tolist()) for name, array in made.items()}, reader.left_out.rows()


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(annotation(), min_size=1, max_size=40),
    piece=st.sampled_from([200, 1000, 1 << 16]),
    full=st.sampled_from([1, 100, 40_000]),
    chunk=st.sampled_from([500, 1 << 22]),
    cut=st.sampled_from([0, 0, 0, 30, 300]),
    first=st.booleans(),
)
def test_the_same_index_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[str],
    piece: int,
    full: int,
    chunk: int,
    cut: int,
    first: bool,
) -> None:
    images = json.dumps([{"id": n, "file_name": f"{n}.jpg", "height": 48, "width": 64 + n % 2} for n in range(3)])
    parts = [f'"images": {images}', f'"annotations": [{", ".join(rows)}]']
    categories = json.dumps([{"id": n, "name": f"kind {n}"} for n in (1, 2)])
    text = "{" + ", ".join([*(parts if first else parts[::-1]), f'"categories": {categories}']) + "}"
    path = tmp_path_factory.mktemp("json") / "x.json"
    path.write_text(text[: len(text) - cut])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK", chunk)
        patch.setattr(json_stream, "PIECE", piece)
        patch.setattr(plain_annotations, "_FULL", full)
        together = indexed(path)
        patch.setattr(json_stream, "decode", lambda *_: None)
        assert together == indexed(path)


def test_nearly_all_annotations_go_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"segmentation": [[1, 1, 20, 1, 20, 20 + n % 9]], "id": n, "image_id": n % 3, "category_id": 1}
        for n in range(500)
    ]
    images = [{"id": n, "file_name": f"{n}.jpg", "height": 48, "width": 64} for n in range(3)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"images": images, "annotations": rows, "categories": [{"id": 1, "name": "kind"}]}))
    one_by_one: list[object] = []
    annotation = InstancesReader._annotation
    monkeypatch.setattr(InstancesReader, "_annotation", lambda *given: one_by_one.append(given) or annotation(*given))
    made = InstancesReader(path).read()
    assert len(made["ann_id"]) == 500
    assert np.diff(made["counts_at"]).min() > 0
    assert len(one_by_one) == 1, "the last element, which no other follows"
