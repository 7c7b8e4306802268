"""Building into a folder of another corpus: the error names the keys, the data or the version that differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lavida_gen.building import build as builder
from lavida_gen.common.errors import UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.recipe_files.diff import describe_changes, list_changes

PLAIN: dict[str, Any] = {
    "name": "locked",
    "samples": 4,
    "sources": [{"name": "street", "scenes": 6, "size": [96, 128]}],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}


def build(out: Path, **changes: Any) -> None:
    builder.build(recipes.parse(json.loads(json.dumps({**PLAIN, **changes}))), out)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("locked") / "c"
    build(out)
    return out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 5}, "samples 4 -> 5;"),
        ({"seed": 2, "val": 0.25}, "seed 0 -> 2, val 0.1 -> 0.25;"),
        (
            {"sources": [{"name": "street", "scenes": 9, "size": [96, 96]}]},
            "sources.0.scenes 6 -> 9, sources.0.size.1 ",
        ),
        ({"exposures": ["relabel", "absent", "near_miss"]}, "exposures.2 nothing -> near_miss;"),
    ],
)
def test_the_error_lists_the_changed_keys(built: Path, changes: Any, message: str) -> None:
    with pytest.raises(UserError) as error:
        build(built, **changes)
    assert f"{built}: holds a corpus of recipe 'locked', not of this one: {message}" in str(error.value)
    assert str(error.value).endswith("; give another --out, or remove the folder")


def test_the_error_of_an_unfinished_folder_lists_them_too(tmp_path: Path, built: Path) -> None:
    (tmp_path / builder.STATE).mkdir()
    held = json.loads((built / "corpus.json").read_text())
    keys = ("name", "about", "digest", "seed", "generator", "samples", "sources", "recipe")
    parts = [{"kind": "image", "split": "train", "start": 0, "count": held["samples"]}]
    plan = {key: held[key] for key in keys} | {"shard_samples": 9, "parts": parts, "toolchain": held["toolchains"][0]}
    (tmp_path / builder.STATE / "plan.json").write_text(json.dumps(plan))
    with pytest.raises(UserError, match=r"not of this one: samples 4 -> 7;"):
        build(tmp_path, samples=7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": "0.0.1"}, r"not of this one: generator 0.0.1 -> .*; give another --out"),
        ({"fingerprint": "x"}, "the annotations of street have changed since"),
        ({"sources": 3}, r"is not the manifest of a corpus \(sources: expected an array\); remove it"),
    ],
)
def test_without_changed_keys_the_error_names_data_or_version(
    tmp_path: Path, built: Path, changes: dict[str, Any], message: str
) -> None:
    held = json.loads((built / "corpus.json").read_text())
    if "fingerprint" in changes:
        held["sources"][0] |= changes
        changes = {}
    (tmp_path / "corpus.json").write_text(json.dumps({**held, "digest": "0" * 64, **changes}))
    with pytest.raises(UserError, match=message):
        build(tmp_path)


def test_many_changes_are_counted_and_long_values_cut() -> None:
    assert list(list_changes({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]})) == ["a.1.b 2 -> 3"]
    assert describe_changes({}, {"text": "x" * 99}) == f'text nothing -> "{"x" * 36}...'
    many = describe_changes({str(n): n for n in range(9)}, {})
    assert many.startswith("0 0 -> nothing, 1 1 -> nothing, ")
    assert many.endswith(", 5 5 -> nothing, and 3 other keys")
    assert describe_changes({"a": 1}, {"a": 1.0}) == ""
