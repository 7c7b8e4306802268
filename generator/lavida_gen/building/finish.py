"""The last step of a build: statistics, card, and finally the manifest. Memory is bounded for a corpus of any size."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from lavida_gen.building.card import card
from lavida_gen.building.card_place import CardPlace
from lavida_gen.building.plan_file import PLAN, BuildPlan
from lavida_gen.building.shard_records import (
    ShardRecord,
    is_intact,
    read_record_lines,
    read_rows,
    record_line,
    record_name,
)
from lavida_gen.building.toolchain import Toolchain
from lavida_gen.common.atomic_file import write_error
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError
from lavida_gen.corpus.distinct import DistinctCount
from lavida_gen.corpus.manifest import (
    CARD,
    LICENCE,
    MANIFEST,
    PREVIEW,
    STATE,
    STATS,
    FileEntry,
    Manifest,
    ShardEntry,
)
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.schema import row_schema
from lavida_gen.corpus.shards import read_shard, size_and_sha256
from lavida_gen.engines._base import WorkerPool
from lavida_gen.inspection.licences import licence_text
from lavida_gen.inspection.preview_tar import preview_tar
from lavida_gen.scenes.evidence import EVIDENCE
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 65536
"""Rows of a group in stats.parquet."""
COUNTED = ("exposed", "source", "licence", "kind", "split", "frames", "evidence")
"""Columns of it that `CorpusCounts` reads."""


@dataclass(slots=True)
class CorpusCounts:
    """Counts over all samples of a corpus.

    Attributes:
        exposed: Samples that show an anomaly.
        counts: Samples by value of the columns "source" and "licence".
        splits: Samples by ``kind/split``.
        frames: Frames of the longest sample, by kind.
        evidence: Listed names by class of evidence, for each source.
        scenes: The different scenes; none where the column was not read.
    """

    exposed: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {"source": Counter(), "licence": Counter()})
    splits: Counter[str] = field(default_factory=Counter)
    frames: dict[str, int] = field(default_factory=dict)
    evidence: dict[str, Counter[str]] = field(default_factory=dict)
    scenes: DistinctCount = field(default_factory=DistinctCount)

    def add(self, table: pa.Table) -> None:
        """Count the rows of a table with the columns of stats.parquet.

        In plain Python: Arrow's own way to group imports pandas, which takes a small build longer than its rows.
        """
        column = {name: table.column(name).to_pylist() for name in COUNTED}
        self.exposed += sum(column["exposed"])
        for name, counter in self.counts.items():
            counter.update(column[name])
        for (kind, split), count in Counter(zip(column["kind"], column["split"], strict=True)).items():
            self.splits[f"{kind}/{split}"] += count
        for kind, frames in set(zip(column["kind"], column["frames"], strict=True)):
            self.frames[kind] = max(frames, self.frames.get(kind, 0))
        rows = Counter(zip(column["source"], map(tuple, column["evidence"]), strict=True))
        for (source, classes), count in rows.items():
            for name in classes:
                self.evidence.setdefault(source, Counter())[name] += count
        if "scene" in table.column_names:
            for key in table.column("scene").to_pylist():
                self.scenes.add(key)

    def evidence_of(self, *sources: str) -> dict[str, int]:
        """Names that samples of some sources list, by class of evidence, in the order of the classes."""
        total = sum((self.evidence.get(source, Counter[str]()) for source in sources), Counter[str]())
        return {name: total[name] for name in EVIDENCE if total[name]}


def finish(
    plan: BuildPlan, storage: Storage, records: Sequence[ShardRecord], pool: WorkerPool | None = None
) -> Manifest:
    """Write stats.parquet, the preview, LICENSE, README.md and corpus.json, then remove the plan and the records.

    Args:
        plan: The build plan.
        storage: The corpus.
        records: Records of all ranges, in order.
        pool: Workers that are there, for the pictures of the preview.

    Returns:
        The manifest.

    Raises:
        DataError: A file cannot be written.
    """
    counts = _write_stats(storage, (_rows_of_record(storage, record) for record in records))
    toolchains: list[Toolchain] = []
    for record in records:
        if record.toolchain not in toolchains:
            toolchains.append(record.toolchain)
    sources = [
        entry.model_copy(
            update={"samples": counts.counts["source"][entry.name], "evidence": counts.evidence_of(entry.name)}
        )
        for entry in plan.sources
    ]
    drops, broken = Counter[str](), set[str]()
    for record in records:
        drops.update(record.drops)
        broken.update(record.broken)
    manifest = Manifest(
        **plan.model_dump(include={"name", "about", "digest", "seed", "generator", "samples", "recipe", "plugins"}),
        exposed=counts.exposed,
        splits=dict(sorted(counts.splits.items())),
        drops=dict(sorted(drops.items())),
        scenes=len(counts.scenes),
        broken=len(broken),
        licences=dict(sorted(counts.counts["licence"].items())),
        sources=sources,
        shards=[entry for record in records for entry in _entries(record, toolchains.index(record.toolchain))],
        toolchains=toolchains,
        evidence=counts.evidence_of(*counts.evidence),
    )
    manifest = manifest.model_copy(update={"files": _write_files(storage, manifest, pool)})
    storage.write(CARD, _card(storage, manifest, counts))
    storage.write(MANIFEST, manifest.text())
    remove_state(storage)
    return manifest


def _entries(record: ShardRecord, toolchain: int) -> list[ShardEntry]:
    kind, name = record.name.split("/")[:2]
    split = name.split("-")[0]
    place = {"kind": kind, "split": split, "toolchain": toolchain}
    return [ShardEntry.model_validate({**asdict(file), **place}) for file in record.files]


def _write_files(storage: Storage, manifest: Manifest, pool: WorkerPool | None = None) -> list[FileEntry]:
    """Write LICENSE and the preview; return the entries of all files beside the shards."""
    with storage.local_copy(STATS) as path:
        size, digest = size_and_sha256(path)
    entries = [FileEntry(file=STATS, bytes=size, sha256=digest, role="stats")]
    contents: list[tuple[str, bytes, Literal["licence", "preview"]]] = [
        (LICENCE, licence_text(manifest).encode(), "licence"),
        (PREVIEW, preview_tar(Corpus(storage, manifest), pool), "preview"),
    ]
    for name, data, role in contents:
        storage.write(name, data)
        entries.append(FileEntry(file=name, bytes=len(data), sha256=sha256(data), role=role))
    return entries


def _card(storage: Storage, manifest: Manifest, counts: CorpusCounts) -> bytes:
    return card(manifest, counts.frames, CardPlace.of(storage.place)).encode()


def restore_extras(storage: Storage, manifest: Manifest) -> Manifest:
    """Write the files beside the shards of a finished corpus again if they are missing or damaged.

    The shards hold all rows, so the bytes are the same as before, unless another pyarrow or OpenCV writes them: then
    the manifest gets their new digests.

    Args:
        storage: The corpus; its shards are intact.
        manifest: Its manifest.

    Returns:
        The manifest, as it is now.

    Raises:
        DataError: A file cannot be written.
    """
    damaged = {e.role for e in manifest.files if not is_intact(storage, e.file, e.bytes, e.sha256)}
    counts = None if "stats" in damaged else _count_stats(storage, manifest)
    if counts is None:
        counts = _write_stats(storage, (_rows_of_shard(storage, entry) for entry in manifest.shards))
    if damaged:
        files = _write_files(storage, manifest)
        if files != manifest.files:
            manifest = manifest.model_copy(update={"files": files})
            storage.write(MANIFEST, manifest.text())
    expected = _card(storage, manifest, counts)
    if not _is_card(storage, expected):
        storage.write(CARD, expected)
    return manifest


def _count_stats(storage: Storage, manifest: Manifest) -> CorpusCounts | None:
    """The counts of stats.parquet; None if it is missing, damaged, or holds other samples than the corpus.

    In a folder every column is read, from an object store only the counted ones.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if storage.size(STATS) is None:
        return None
    columns = None if isinstance(storage, LocalFolder) else ["index", *COUNTED]
    counts, done = CorpusCounts(), 0
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
                counts.add(table)
    except DataError:  # the place failed, not the file
        raise
    except (OSError, ValueError, pa.ArrowException):
        return None
    complete = (done, counts.exposed, counts.splits) == (manifest.samples, manifest.exposed, manifest.splits)
    return counts if complete else None


def _rows_of_record(storage: Storage, record: ShardRecord) -> pa.Table:
    return read_rows(read_record_lines(storage, record.name), storage.at(record_name(record.name)))


def _rows_of_shard(storage: Storage, entry: ShardEntry) -> pa.Table:
    """The rows of a shard's samples, as its record had them."""
    where = storage.at(entry.file)
    with storage.open(entry.file) as file:
        lines = "\n".join(record_line(sample, entry.file) for sample in read_shard(file, where)).encode()
    return read_rows(lines, where)


def _is_card(storage: Storage, expected: bytes) -> bool:
    """Whether README.md exists and is not damaged. A different text was edited by people or by the Hub; it is kept."""
    if storage.size(CARD) is None:
        return False
    existing = storage.read(CARD)
    return existing == expected or not (expected.startswith(existing) or b"\0" in existing)


def remove_state(storage: Storage) -> None:
    """Remove the plan and the records of a build.

    Args:
        storage: The corpus.
    """
    for name in sorted(storage.names(STATE), key=lambda name: name == PLAN):  # the plan last: it marks the rest
        storage.remove(name)
    storage.remove_folder(STATE)


def _write_stats(storage: Storage, tables: Iterable[pa.Table]) -> CorpusCounts:
    """Write the rows of `tables` in their order, and count them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    counts = CorpusCounts()
    path = storage.temporary_file(STATS)
    try:
        with path.open("wb") as file:
            with pq.ParquetWriter(file, row_schema(), compression="zstd") as writer:
                for table in _groups(tables):
                    counts.add(table)
                    writer.write_table(table, row_group_size=ROWS)
            file.flush()
            os.fsync(file.fileno())
        storage.put(path, STATS)
    except (OSError, pa.ArrowException) as error:
        raise write_error(storage.at(STATS), error) from error
    finally:
        path.unlink(missing_ok=True)
    return counts


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of all tables in order, in tables of ROWS rows."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        while count >= ROWS:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, ROWS).combine_chunks()
            waiting, count = [joined.slice(ROWS)], count - ROWS
    if count:
        yield pa.concat_tables(waiting).combine_chunks()
