"""A corpus of format 1 that version 0.1.0 built can still be read: six images and three clips, train and val."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest
from click.testing import CliRunner
from publishing import REPO, sent, stand_in_hub
from test_verify import edit, spoil

from lavida_gen.building import build as builder
from lavida_gen.cli import main
from lavida_gen.common.errors import UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.corpus.format1 import Format1
from lavida_gen.corpus.reader import Corpus, open_corpus
from lavida_gen.inspection import verify
from lavida_gen.inspection.stats import count_corpus

__all__ = ["stand_in_hub"]  # a fixture, found by its name here
FOLDER = Path(__file__).parent / "data" / "format1"
SPLITS = {"clip/train": 2, "clip/val": 1, "image/train": 4, "image/val": 2}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return open_corpus(FOLDER)


def test_it_verifies(corpus: Corpus) -> None:
    report = verify.verify_corpus(corpus)
    assert report.problems == []
    assert report.notes == ["format 1: neither evidence nor toolchain"]


def test_it_is_judged_by_its_own_keys(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "c")
    problems = spoil(tmp_path / "c", edit(surprise=1), "image/val-00000.tar")
    assert problems == []
    notes = verify.verify_corpus(open_corpus(tmp_path / "c")).notes
    assert "records have keys that this version does not know: surprise" in notes


def test_its_manifest_has_the_values_of_format_1(corpus: Corpus) -> None:
    manifest = corpus.manifest
    assert (manifest.toolchains, manifest.files, manifest.evidence) == ([], [], {})
    assert {shard.toolchain for shard in manifest.shards} == {-1}
    assert {(tuple(source.evidence), source.checked) for source in manifest.sources} == {((), None)}


def test_its_records_have_the_values_of_format_1(corpus: Corpus) -> None:
    use = {source.name: source.use for source in corpus.manifest.sources}
    rows = corpus.rows()
    for sample, row in zip(corpus.samples_by_index(range(9)), rows, strict=True):
        record = sample.record
        assert record["evidence"] == ["annotated" if label else "unknown" for label in record["labels"]]
        assert record["originals"] == [""] * len(record["names"])
        fps = record["fps"]
        assert record["seconds"] == [round(time / fps, 6) if fps else 0.0 for time in range(record["frames"])]
        assert record["use"] == use[record["source"]]
        assert {key: row[key] for key in record} == record
        assert row["anomalies"] == [n for n, label in zip(row["names"], row["labels"], strict=True) if label]
        assert row["area"] == max(row["areas"])
    assert any(sample["seconds"][-1] > 0 for sample in rows)
    assert corpus.rows(["evidence"]) == [{"evidence": row["evidence"]} for row in rows]
    assert corpus[7].evidence == tuple(rows[7]["evidence"])


def test_a_borrowed_picture_counts() -> None:
    manifest = open_corpus(FOLDER).manifest
    strict = manifest.sources[0].model_copy(update={"name": "other", "use": "noncommercial"})
    reading = Format1(manifest.model_copy(update={"sources": [manifest.sources[0], strict]}))
    assert reading.use(manifest.sources[0].name, "relabel") == manifest.sources[0].use
    assert reading.use(manifest.sources[0].name, "paste") == "noncommercial"


def test_a_mixture_with_format_2_is_read(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from lavida_bench import CorpusDataset

    raw = {"name": "new", "samples": 4, "val": 0, "exposures": ["relabel", "absent"]}
    builder.build(recipes.parse({**raw, "sources": [{"name": "street", "scenes": 9, "size": [96, 128]}]}), tmp_path)
    mixed = CorpusDataset([FOLDER, tmp_path], kind="image")
    assert len(mixed) == 8
    for sample in mixed:
        assert sample.masks.any() == any(sample.labels)


def test_a_build_over_it_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "c")
    with pytest.raises(UserError, match=r"generator 0\.1\.0 -> 0\.2\.0"):
        builder.build(recipes.load(str(FOLDER)), tmp_path / "c")


def test_it_is_published(hub: Any) -> None:
    sent(FOLDER, "--allow-noncommercial")
    files = hub.repos[REPO].files()
    assert {"README.md", "corpus.json", "stats.parquet"} <= files.keys()
    assert files["corpus.json"] == (FOLDER / "corpus.json").read_bytes()
    assert b"license_link" not in files["README.md"]


def test_its_manifest_and_records(corpus: Corpus) -> None:
    assert corpus.manifest.format == 1
    assert corpus.manifest.generator == "0.1.0"
    assert corpus.manifest.splits == SPLITS
    samples = list(corpus.samples_by_index(range(9)))
    assert [sample.record["index"] for sample in samples] == list(range(9))
    assert [len(sample.frames) for sample in samples] == [1] * 6 + [5] * 3
    assert sum(sample.record["exposed"] for sample in samples) == 4
    assert count_corpus(corpus)["samples"] == 9


@pytest.mark.parametrize("arguments", [["verify"], ["stats"], ["preview", "--out", "preview.html"]])
def test_commands_read_it(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [arguments[0], str(FOLDER), *arguments[1:]])
    assert result.exit_code == 0, result.output


def test_one_sample_is_shown(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["show", str(FOLDER), "7", "--out", str(tmp_path / "seven.png")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "seven.png").stat().st_size > 1000


@pytest.mark.parametrize(("config", "split", "count"), [("image", "train", 4), ("clip", "val", 1)])
def test_datasets_reads_it(config: str, split: str, count: int) -> None:
    rows = list(datasets.load_dataset(str(FOLDER), config, split=split, streaming=True))
    assert len(rows) == count
    assert all(row["json"]["question"] for row in rows)
