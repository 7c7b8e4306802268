"""All shards are there: statistics, card, and last of all the manifest. In bounded memory, however large the corpus."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lavida_gen.building.card import card
from lavida_gen.building.plan_file import BuildPlan
from lavida_gen.building.shard_records import ShardRecord, read_record_lines, record_line
from lavida_gen.common.atomic_file import write_error
from lavida_gen.common.errors import DataError
from lavida_gen.corpus.manifest import CARD, MANIFEST, STATE, STATS, Manifest, ShardEntry
from lavida_gen.corpus.schema import row_schema
from lavida_gen.corpus.shards import read_shard
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder

ROWS = 65536
"""Rows of a group in stats.parquet."""
COUNTED = ("exposed", "source", "licence", "kind", "split", "frames")
"""Columns of it that `Tally` reads."""


@dataclass(slots=True)
class CorpusCounts:
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


def finish(outline: BuildPlan, storage: Storage, made: Sequence[ShardRecord]) -> Manifest:
    """Write stats.parquet, README.md and corpus.json, remove the build's notes. Raises DataError."""
    tally = CorpusCounts()
    _write_stats(storage, (_table(read_record_lines(storage, one.name)) for one in made), tally)
    shards = [
        ShardEntry(**asdict(file), kind=one.name.split("/")[0], split=one.name.split("/")[1].split("-")[0])
        for one in made
        for file in one.files
    ]
    sources = [s.model_copy(update={"samples": tally.counts["source"][s.name]}) for s in outline.sources]
    manifest = Manifest(
        **outline.model_dump(include={"name", "about", "digest", "seed", "generator", "samples", "recipe", "plugins"}),
        exposed=tally.exposed,
        splits=dict(sorted(tally.splits.items())),
        drops=dict(sorted(sum((Counter(one.drops) for one in made), Counter[str]()).items())),
        licences=dict(sorted(tally.counts["licence"].items())),
        sources=sources,
        shards=shards,
    )
    storage.write(CARD, card(manifest, tally.frames).encode())
    storage.write(MANIFEST, manifest.text())
    remove_state(storage)
    return manifest


def restore_extras(storage: Storage, manifest: Manifest) -> None:
    """Write stats.parquet and README.md of a finished corpus again where they are missing or damaged.

    The shards, which must be whole, hold all rows: the bytes are the same as before. Raises DataError.
    """
    tally = _tally(storage, manifest)
    if tally is None:
        tally = CorpusCounts()
        _write_stats(storage, (_table(_rows_of(storage, entry)) for entry in manifest.shards), tally)
    whole = card(manifest, tally.frames).encode()
    if not _is_card(storage, whole):
        storage.write(CARD, whole)


def _tally(storage: Storage, manifest: Manifest) -> CorpusCounts | None:
    """The counts of stats.parquet; None if it is missing, cannot be read, or holds other samples than the corpus.

    In a folder every column is read; of an object store only those that are counted.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if storage.size(STATS) is None:
        return None
    columns = None if isinstance(storage, LocalFolder) else ["index", *COUNTED]
    tally, done = CorpusCounts(), 0
    try:
        with storage.open(STATS) as file:
            parquet = pq.ParquetFile(file)
            if parquet.schema_arrow.names != row_schema().names:
                return None
            for batch in parquet.iter_batches(ROWS, columns=columns):
                table = pa.Table.from_batches([batch])
                if table.column("index").to_pylist() != list(range(done, done + table.num_rows)):
                    return None
                done += table.num_rows
                tally.add(table)
    except DataError:  # the place failed, not the file
        raise
    except (OSError, ValueError, pa.ArrowException):
        return None
    whole = (done, tally.exposed, tally.splits) == (manifest.samples, manifest.exposed, manifest.splits)
    return tally if whole else None


def _rows_of(storage: Storage, entry: ShardEntry) -> bytes:
    """The samples of a shard as its record had them, one JSON object a line. Raises DataError."""
    with storage.open(entry.file) as file:
        return "\n".join(
            record_line(sample, entry.file) for sample in read_shard(file, storage.at(entry.file))
        ).encode()


def _is_card(storage: Storage, whole: bytes) -> bool:
    """Whether README.md is there and whole. One that reads otherwise is a person's (or the Hub's), and stays."""
    if storage.size(CARD) is None:
        return False
    held = storage.read(CARD)
    return held == whole or not (whole.startswith(held) or b"\0" in held)


def remove_state(storage: Storage) -> None:
    """Remove the build's notes."""
    for name in storage.names(STATE):
        storage.remove(name)
    storage.remove_folder(STATE)


def _write_stats(storage: Storage, tables: Iterable[Any], tally: CorpusCounts) -> None:
    """Write the rows of `tables`, in their order, and count them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = storage.temporary_file(STATS)
    try:
        with path.open("wb") as file:
            with pq.ParquetWriter(file, row_schema(), compression="zstd") as writer:
                for table in _groups(tables):
                    tally.add(table)
                    writer.write_table(table, row_group_size=ROWS)
            file.flush()
            os.fsync(file.fileno())
        storage.put(path, STATS)
    except (OSError, pa.ArrowException) as error:
        raise write_error(storage.at(STATS), error) from error
    finally:
        path.unlink(missing_ok=True)


def _groups(tables: Iterable[Any]) -> Iterator[Any]:
    """Rows of all tables in order, in tables of ROWS, whatever the sizes of `tables`."""
    import pyarrow as pa

    waiting: list[Any] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
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
