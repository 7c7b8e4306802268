"""All shards are there: statistics, card, and last of all the manifest. In bounded memory, however large the corpus."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lavida_gen.card import card
from lavida_gen.errors import DataError, fault
from lavida_gen.manifest import CARD, MANIFEST, STATE, STATS, Manifest, ShardEntry
from lavida_gen.outline import Outline
from lavida_gen.state import Made, read_rows
from lavida_gen.storage import Storage
from lavida_gen.table import row_schema

ROWS = 65536
"""Rows of a group in stats.parquet."""


@dataclass(slots=True)
class Tally:
    """What the manifest counts over all samples, and the frames of the longest sample of each kind."""

    exposed: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {"source": Counter(), "licence": Counter()})
    splits: Counter[str] = field(default_factory=Counter)
    frames: dict[str, int] = field(default_factory=dict)

    def add(self, table: Any) -> None:
        """Count a table of rows."""
        self.exposed += table.column("exposed").to_numpy().sum().item()
        for name, counter in self.counts.items():
            for one in table.column(name).value_counts().to_pylist():
                counter[one["values"]] += one["counts"]
        counted = table.group_by(["kind", "split"]).aggregate([([], "count_all"), ("frames", "max")])
        for one in counted.to_pylist():
            self.splits[f"{one['kind']}/{one['split']}"] += one["count_all"]
            self.frames[one["kind"]] = max(one["frames_max"], self.frames.get(one["kind"], 0))


def finish(outline: Outline, storage: Storage, made: Sequence[Made]) -> Manifest:
    """Write stats.parquet, README.md and corpus.json, remove the build's notes. Raises DataError."""
    tally = Tally()
    _write_stats(storage, made, tally)
    shards = [
        ShardEntry(**asdict(file), kind=one.name.split("/")[0], split=one.name.split("/")[1].split("-")[0])
        for one in made
        for file in one.files
    ]
    sources = [s.model_copy(update={"samples": tally.counts["source"][s.name]}) for s in outline.sources]
    manifest = Manifest(
        **outline.model_dump(include={"name", "about", "digest", "seed", "generator", "samples", "recipe"}),
        exposed=tally.exposed,
        splits=dict(sorted(tally.splits.items())),
        drops=dict(sorted(sum((Counter(one.drops) for one in made), Counter[str]()).items())),
        licences=dict(sorted(tally.counts["licence"].items())),
        sources=sources,
        shards=shards,
    )
    storage.write(CARD, card(manifest, tally.frames).encode())
    storage.write(MANIFEST, manifest.text())
    clear(storage)
    return manifest


def clear(storage: Storage) -> None:
    """Remove the build's notes."""
    for name in storage.names(STATE):
        storage.remove(name)
    storage.remove_folder(STATE)


def _write_stats(storage: Storage, made: Sequence[Made], tally: Tally) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = storage.spool(STATS)
    try:
        with path.open("wb") as file:
            with pq.ParquetWriter(file, row_schema(), compression="zstd") as writer:
                for table in _groups(storage, made):
                    tally.add(table)
                    writer.write_table(table, row_group_size=ROWS)
            file.flush()
            os.fsync(file.fileno())
        storage.put(path, STATS)
    except (OSError, pa.ArrowException) as error:
        raise DataError(fault(storage.at(STATS), f"cannot be written ({error})", todo="run it again")) from error
    finally:
        path.unlink(missing_ok=True)


def _groups(storage: Storage, made: Sequence[Made]) -> Iterator[Any]:
    """Rows of all ranges in order, in tables of ROWS, whatever the ranges' sizes."""
    import pyarrow as pa

    waiting: list[Any] = []
    count = 0
    for one in made:
        waiting.append(_table(read_rows(storage, one.name)))
        count += one.samples
        while count >= ROWS:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, ROWS).combine_chunks()
            waiting, count = [whole.slice(ROWS)], count - ROWS
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


def _table(rows: bytes) -> Any:
    from pyarrow import json

    longest = max(map(len, rows.split(b"\n")))
    reading = json.ReadOptions(block_size=max(1 << 20, 2 * longest))
    parsing = json.ParseOptions(explicit_schema=row_schema(), unexpected_field_behavior="error")
    return json.read_json(io.BytesIO(rows), reading, parsing).select(row_schema().names)
