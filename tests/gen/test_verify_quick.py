"""`verify --quick`: digests, sizes and counts; what was not checked is listed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from test_verify import edit, flip, rewrite_shard, sound, spoil

from lavida_gen.cli import main
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.shards import size_and_sha256
from lavida_gen.inspection.verify import NOT_BY_QUICK, verify_corpus

__all__ = ["sound"]
SHARD = "image/train-00000.tar"


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "c"))


def quick(corpus: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["verify", str(corpus), "--quick", "-w", "1", *options])
    return done.exit_code, done.output


def found(corpus: Path) -> list[str]:
    return verify_corpus(open_corpus(corpus), quick=True).problems


def state_again(corpus: Path, key: str, file: str) -> None:
    """Give corpus.json the size and digest that a changed file has."""
    plain = json.loads((corpus / "corpus.json").read_text())
    (entry,) = (entry for entry in plain[key] if entry["file"] == file)
    entry["bytes"], entry["sha256"] = size_and_sha256(corpus / file)
    (corpus / "corpus.json").write_text(json.dumps(plain))


def test_a_sound_corpus_and_what_was_not_checked(sound: Path) -> None:
    code, text = quick(sound)
    assert code == 0
    *left_out, verdict = text.splitlines()
    assert left_out == [f"not checked: {line}" for line in NOT_BY_QUICK]
    assert verdict == f"{sound}: 20 samples in 2 shards: digests, sizes and counts are right"
    code, text = quick(sound, "--json")
    plain = json.loads(text)
    assert (code, plain["sound"], plain["not_checked"]) == (0, None, list(NOT_BY_QUICK))


def test_damage_is_found_as_by_the_whole_check(copy: Path) -> None:
    flip(copy / SHARD)
    (copy / "image/val-00000.tar").write_bytes((copy / "image/val-00000.tar").read_bytes()[:5000])
    (copy / "LICENSE").write_text("do what you like")
    (copy / "stats.parquet").unlink()
    (copy / "image/stray.tar").write_bytes(b"")
    report, whole = verify_corpus(open_corpus(copy), quick=True), verify_corpus(open_corpus(copy))
    assert (report.problems, report.damaged, report.notes) == (whole.problems, whole.damaged, whole.notes)
    assert (len(report.problems), report.damaged, whole.unchecked) == (5, 2, ())
    code, text = quick(copy, "--json")
    assert (code, json.loads(text)["sound"]) == (1, False)
    code, text = quick(copy)
    assert code == 1
    assert f"{copy}: 20 samples in 2 shards: 5 problems; the same `lavida-gen build`" in text


def test_counts_of_shards_and_statistics(copy: Path) -> None:
    rewrite_shard(copy / SHARD, lambda key, fields: fields.clear() if key == "000000003" else None)
    state_again(copy, "shards", SHARD)
    table = pq.read_table(copy / "stats.parquet")
    pq.write_table(table.slice(0, 18), copy / "stats.parquet")
    state_again(copy, "files", "stats.parquet")
    shard, rows = found(copy)
    assert shard == f"{SHARD}: holds 13 samples; expected 14 from 0 on, as in corpus.json"
    assert "stats.parquet: has 18 rows; expected 20, one for each sample" in rows
    rewrite_shard(copy / SHARD, lambda key, fields: "¹23456789" if key == "000000001" else None)
    state_again(copy, "shards", SHARD)
    assert found(copy)[0].startswith(f"{SHARD}: holds 13 samples"), "a name that is no number"
    (copy / SHARD).write_bytes(b"no tar" * 200)
    state_again(copy, "shards", SHARD)
    assert "is not a complete tar" in found(copy)[0]


def test_corpus_json_against_itself(copy: Path) -> None:
    plain = json.loads((copy / "corpus.json").read_text())
    plain["name"] = "other"
    (copy / "corpus.json").write_text(json.dumps(plain))
    assert any(text.startswith("corpus.json: name is 'other'; expected 'v'") for text in found(copy))


def test_samples_are_not_opened(copy: Path) -> None:
    """With digests that fit, nothing of this is found by --quick; the whole check finds it."""
    assert spoil(copy, edit(answer="no token"))
    assert found(copy) == []
