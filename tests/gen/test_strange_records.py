"""Plans and records of a build that somebody else wrote, or that are damaged: never a corpus without its shards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lavida_gen.building.build import BuildSettings, build, build_part
from lavida_gen.building.merge import merge_parts
from lavida_gen.building.plan_file import BuildPlan
from lavida_gen.cli import main
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.inspection.verify import find_problems

Plain = dict[str, Any]
RECIPE = load_recipe(
    "street", {"samples": 4, "val": 0, "sources": [{"name": "street", "scenes": 6, "size": [96, 128]}]}
)


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("records") / "part"
    build_part(RECIPE, out, slice(0, 1), BuildSettings())
    return out


@pytest.fixture
def copy(part: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(part, tmp_path / "part"))


def change_head(change: Callable[[Plain], object]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        head, _, rows = data.partition(b"\n")
        plain = json.loads(head)
        change(plain)
        return json.dumps(plain).encode() + b"\n" + rows

    return changed


def change_row(**keys: object) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        lines = data.split(b"\n")
        row = {**json.loads(lines[2]), **keys}
        lines[2] = json.dumps({key: value for key, value in row.items() if value != "drop"}).encode()
        return b"\n".join(lines)

    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_head(lambda head: head.update(files=[])), "version (files: expected at least 1 item"),
        (change_head(lambda head: head.update(files=[], samples=0)), "version (files: expected at least 1 item"),
        (change_head(lambda head: head.update(marks=[])), "its shards are not those of its range"),
        (change_head(lambda head: head["files"].append(head["files"][0])), "its shards are not those of its range"),
        (change_head(lambda head: head.update(samples=10**18)), "its shards are not those of its range"),
        (change_head(lambda head: head["files"][0].update(samples=10**18)), "its shards are not those of its range"),
        (change_head(lambda head: head["files"][0].update(first=2)), "its shards are not those of its range"),
        (change_head(lambda head: head["files"][0].update(bytes="x")), "version (files.0.bytes: expected an integer)"),
        (change_head(lambda head: head.update(name="image/train-00009")), "its shards are not those of its range"),
        (change_head(lambda head: head.update(drops={"x": -1})), "version (drops.x: expected at least 0)"),
        (change_head(lambda head: head.update(format=7)), "version (format: expected 2)"),
        (change_head(lambda head: head.pop("toolchain")), "version (toolchain: Field required)"),
        (lambda data: b"[" * 100_000 + data, "is not a record of this version (Invalid JSON"),
        (lambda data: b"", "is not a record of this version (Invalid JSON"),
        (
            lambda data: data.replace(b"drawn by", b"dr\xe4wn by"),
            "cannot be read ('utf-8' codec can't decode byte 0xe4",
        ),
        (lambda data: data.rpartition(b"\n")[0], "has 3 rows that are not those of its samples; expected 0 to 3"),
        (change_row(split="drop"), "(column 'split' has missing values)"),
        (change_row(labels=[]), "lists of different lengths or empty ones: names, labels, evidence, originals"),
        (change_row(index=9), "has 4 rows that are not those of its samples; expected 0 to 3 in its shards"),
        (change_row(index="9"), "cannot be read (JSON parse error"),
        (change_row(surprise=1), "cannot be read (JSON parse error: unexpected field"),
        (change_row(shard="image/train-00001.tar"), "has 4 rows that are not those of its samples"),
    ],
)
def test_a_strange_record_is_one_error_for_merge(
    copy: Path, tmp_path: Path, change: Callable[[bytes], bytes], message: str
) -> None:
    (record,) = (copy / ".build").glob("*.jsonl")
    record.write_bytes(change(record.read_bytes()))
    with pytest.raises(DataError) as caught:
        merge_parts(tmp_path / "out", [copy])
    text = str(caught.value)
    assert "0 of 1 shards exist; " in text
    assert f"{record}: " in text
    assert message in text
    assert "build --shards 0:1 of the same recipe, then merge again" in text
    assert not (tmp_path / "out" / "corpus.json").exists()


def test_a_record_without_files_is_no_corpus(copy: Path) -> None:
    (record,) = (copy / ".build").glob("*.jsonl")
    record.write_bytes(change_head(lambda head: head.update(files=[], marks=[]))(record.read_bytes()))
    done = CliRunner().invoke(main, ["merge", str(copy)])
    assert done.exit_code == 1
    assert done.output.startswith("error: ")
    assert not (copy / "corpus.json").exists()


def test_a_build_makes_the_shard_of_a_strange_record_again(copy: Path) -> None:
    (record,) = (copy / ".build").glob("*.jsonl")
    record.write_bytes(record.read_bytes().replace(b"drawn by", b"dr\xe4wn by"))
    build(RECIPE, copy)
    assert find_problems(open_corpus(copy)) == []


def test_a_record_of_a_shard_that_is_gone(copy: Path, tmp_path: Path) -> None:
    (copy / "image" / "train-00000.tar").unlink()
    with pytest.raises(DataError, match=r"train-00000\.tar or the next one of its range is missing or damaged; build"):
        merge_parts(tmp_path / "out", [copy])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plan: plan.update(samples=5), "its parts are not its samples; expected parts one after the other"),
        (lambda plan: plan["parts"][0].update(start=2), "its parts are not its samples"),
        (lambda plan: plan["parts"][0].update(count=-1), "version (parts.0.count: expected at least 1)"),
        (lambda plan: plan.update(shard_samples=0), "version (shard_samples: expected at least 1)"),
        (
            lambda plan: (plan["parts"][0].update(count=10**9), plan.update(samples=10**9, shard_samples=1)),
            "states 1,000,000,000 shards; expected at most 1,000,000",
        ),
        (lambda plan: plan.update(sources=[]), "version (sources: expected at least 1 item"),
        (lambda plan: plan.update(recipe={}), "version (recipe.name: Field required)"),
        (lambda plan: plan.pop("toolchain"), "version (toolchain: Field required)"),
    ],
)
def test_a_strange_plan_is_one_error(copy: Path, change: Callable[[Plain], object], message: str) -> None:
    file = copy / ".build" / "plan.json"
    plain = json.loads(file.read_bytes())
    change(plain)
    file.write_text(json.dumps(plain))
    for run in (lambda: merge_parts(copy), lambda: build(RECIPE, copy)):
        with pytest.raises(UserError) as caught:
            run()
        assert message in str(caught.value)
        assert "remove it, or give another --out" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"[" * 100_000, b"\xff", b"{}"])
def test_a_plan_that_is_none(data: bytes) -> None:
    with pytest.raises(UserError, match=r"^plan\.json: is not a build plan of this version "):
        BuildPlan.read(data, "plan.json")


@pytest.mark.parametrize("data", [b"", b"[]", b"[" * 100_000, b"\xff", b"{}", b'{"format": 2, "name": "x"}'])
def test_a_place_with_a_manifest_that_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "corpus.json").write_bytes(data)
    with pytest.raises(
        UserError, match=r"corpus\.json: is not the manifest of a corpus .*; remove it, or give another"
    ):
        build(RECIPE, tmp_path)
