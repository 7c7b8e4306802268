"""A corpus of format 1 that version 0.1.0 built can still be read: six images and three clips, train and val."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from click.testing import CliRunner

from lavida_gen.cli import main
from lavida_gen.corpus.reader import Corpus, open_corpus
from lavida_gen.inspection import verify
from lavida_gen.inspection.stats import count_corpus

FOLDER = Path(__file__).parent / "data" / "format1"
SPLITS = {"clip/train": 2, "clip/val": 1, "image/train": 4, "image/val": 2}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return open_corpus(FOLDER)


def test_it_verifies(corpus: Corpus) -> None:
    assert verify.find_problems(corpus) == []


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
