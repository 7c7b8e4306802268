"""The last step of a build: statistics in bounded memory, broken records, columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lavida_gen.building import build as builder
from lavida_gen.building import finish
from lavida_gen.building.shard_records import ShardRecord, record_name
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.schema import record_schema, row_schema
from lavida_gen.scenes.sample import SampleRecord
from lavida_gen.storage.places import open_storage

PLAIN: dict[str, Any] = {
    "name": "ended",
    "samples": 20,
    "shard": {"samples": 6},
    "sources": [{"name": "street", "scenes": 20, "size": [96, 128]}],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}


def recipe() -> CorpusRecipe:
    return recipes.parse(json.loads(json.dumps(PLAIN)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ended") / "corpus"
    builder.build(recipe(), out)
    return out


@pytest.mark.parametrize("rows", [1, 7, 20])
def test_rows_are_written_in_groups(whole: Path, tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr(finish, "ROWS", rows)
    builder.build(recipe(), tmp_path / "c")
    file = pq.ParquetFile(tmp_path / "c" / "stats.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [
        min(rows, 20 - start) for start in range(0, 20, rows)
    ]
    assert open_corpus(tmp_path / "c").rows() == open_corpus(whole).rows()
    digests = {"files": []}  # of stats.parquet, whose bytes depend on its groups
    made, expected = (open_corpus(place).manifest.model_copy(update=digests) for place in (tmp_path / "c", whole))
    assert made == expected


def test_columns_are_those_of_a_record() -> None:
    assert record_schema().names == sorted(SampleRecord.__annotations__)
    assert row_schema().names == [*sorted(SampleRecord.__annotations__), "shard", "anomalies", "area"]


def test_rows_come_in_batches(whole: Path) -> None:
    corpus = open_corpus(whole)
    pieces = list(corpus.row_batches(["index"], 8))
    assert [len(piece) for piece in pieces] == [8, 8, 4]
    assert [row["index"] for piece in pieces for row in piece] == list(range(20))


def test_the_parent_holds_one_toolchain_for_all_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, seen, end = tmp_path / "c", list[ShardRecord](), builder.finish
    builder.build_part(recipe(), out, slice(0, 2), builder.BuildSettings())
    found = builder.finished_ranges(open_storage(out), builder.dry_run(recipe()))
    assert list(found) == [part.name for part in builder.dry_run(recipe())[:2]]
    assert len({id(record.toolchain) for record in found.values()}) == 1
    monkeypatch.setattr(
        builder, "finish", lambda plan, place, records, pool: seen.extend(records) or end(plan, place, records, pool)
    )
    builder.build(recipe(), out)
    assert len(seen) == 4
    assert len({id(record.toolchain) for record in seen[2:]}) == 1
    assert seen[3].sharing({"numpy": "1"}) is seen[3]


@pytest.mark.parametrize("broken", [b"", b"{", b'{"name": "image/train-00001"}\n', b"[]\n"])
def test_a_broken_record_is_made_again(whole: Path, tmp_path: Path, broken: bytes) -> None:
    out = tmp_path / "c"
    builder.build_part(recipe(), out, slice(0, None), builder.BuildSettings())
    storage = open_storage(out)
    storage.write(record_name("image/train-00001"), broken)
    assert len(builder.finished_ranges(storage, builder.dry_run(recipe()))) == 3
    assert builder.build(recipe(), out) == open_corpus(whole).manifest
    assert (out / "stats.parquet").read_bytes() == (whole / "stats.parquet").read_bytes()
