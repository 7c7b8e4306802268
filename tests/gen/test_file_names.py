"""File names in manifests and records of strangers: none leads out of the corpus, wherever it is read from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lavida_gen.building.build import BuildSettings, build, build_part
from lavida_gen.building.merge import merge_parts
from lavida_gen.common.errors import DataError
from lavida_gen.common.file_names import check_corpus_name
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.corpus.reader import open_corpus

RECIPE = load_recipe(
    "street", {"samples": 4, "val": 0, "sources": [{"name": "street", "scenes": 6, "size": [96, 128]}]}
)
ATTACKS = ["../evil.tar", "/tmp/evil.tar", "image/../../evil.tar", "C:/evil.tar", "image\\\\evil.tar", "..", ".hidden",
           "image//x.tar", "~/x.tar", "image/x\n.tar", "", "a" * 300]  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_names_that_lead_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="is no name inside a corpus; expected one such as image/train-00000.tar"):
        check_corpus_name(name)


@pytest.mark.parametrize(
    "name", ["image/train-00000.tar", "clip/val-0000/val-00000003x001.tar", "stats.parquet", "LICENSE"]
)
def test_names_of_a_corpus(name: str) -> None:
    assert check_corpus_name(name) == name


@pytest.mark.parametrize("key", ["shards", "files"])
@pytest.mark.parametrize("name", ["../evil.tar", "/tmp/evil.tar"])
def test_a_manifest_names_only_files_of_its_corpus(key: str, name: str, tmp_path: Path) -> None:
    build(RECIPE, tmp_path / "corpus")
    manifest = tmp_path / "corpus" / "corpus.json"
    plain = json.loads(manifest.read_text())
    plain[key][0]["file"] = name
    manifest.write_text(json.dumps(plain))
    with pytest.raises(DataError, match=rf"{key}\.0\.file: .*is no name inside a corpus"):
        open_corpus(tmp_path / "corpus")


def test_a_record_of_another_place_copies_nothing_from_outside(tmp_path: Path) -> None:
    build_part(RECIPE, tmp_path / "part", slice(0, 1), BuildSettings())
    (record,) = (tmp_path / "part" / ".build").glob("*.jsonl")
    head, _, rows = record.read_text().partition("\n")
    plain = json.loads(head)
    shutil.copy(tmp_path / "part" / plain["files"][0]["file"], tmp_path / "evil.tar")
    plain["files"][0]["file"] = "../evil.tar"
    record.write_text(json.dumps(plain) + "\n" + rows)
    with pytest.raises(DataError, match="0 of 1 shards exist"):
        merge_parts(tmp_path / "out", [tmp_path / "part"])
    assert not (tmp_path / "out" / "evil.tar").exists()
