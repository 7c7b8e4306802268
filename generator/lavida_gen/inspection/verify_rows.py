"""The part of `verify` that compares stats.parquet and the preview, row by row, with the records of the shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.text import counted
from lavida_gen.corpus.distinct import DistinctCount
from lavida_gen.corpus.manifest import PREVIEW, STATS, Manifest
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.record import KEYS, NEW_KEYS
from lavida_gen.corpus.schema import row_schema
from lavida_gen.corpus.shards import read_fields
from lavida_gen.inspection.preview_tar import readable_texts
from lavida_gen.inspection.verify_manifest import RECORDS, differs
from lavida_gen.inspection.verify_shard import RowsDigest, ShardFindings, expected_row
from lavida_gen.scenes import images


@dataclass(slots=True)
class _Pass:
    """One pass over stats.parquet.

    Attributes:
        preview: Texts of the samples in the preview, by key; those that were compared are taken out.
        different: Shards whose rows are not those of its records.
        scenes: The different scenes.
        problems: Messages.
    """

    preview: dict[str, dict[str, bytes]]
    different: list[ShardFindings] = field(default_factory=list)
    scenes: DistinctCount = field(default_factory=DistinctCount)
    problems: list[str] = field(default_factory=list)

    def look_at(self, row: JsonObject) -> None:
        """Count the scene of a row, and compare the preview of its sample."""
        self.scenes.add(row["scene"])
        texts = self.preview.pop(row["key"], None) if self.preview else None
        if texts is not None:
            for name, expected in readable_texts(row).items():
                if texts.get(name) != expected:
                    got, where = (texts.get(name) or b"")[:60], f"{PREVIEW}: sample {row['key']}"
                    self.problems.append(
                        problem(where, f"{name} is {got!r}", f"{expected[:60]!r}, as its record states")
                    )


def differences_in_rows(corpus: Corpus, shards: Sequence[ShardFindings], preview: bool) -> Iterator[str]:
    """Compare stats.parquet with the records: same rows, same keys, same values; and the preview with both.

    Args:
        corpus: The corpus; the digest of stats.parquet is right.
        shards: What the shards hold, in sample order. Rows of damaged ones are not compared.
        preview: Whether there is a preview to compare.

    Yields:
        Problems.
    """
    expected = row_columns(corpus.manifest)
    try:
        unknown = sorted(set(corpus.columns()) - set(expected))
        if unknown:
            yield problem(STATS, f"has {counted(len(unknown), 'column')} {', '.join(unknown)}", "the keys of a record")
        found = _Pass(_preview(corpus) if preview else {})
        _read_rows(corpus, shards, expected, found)
    except DataError as error:
        yield str(error)
        return
    for shard in found.different:
        yield from _different_values(corpus, shard, expected)
    if found.different:
        return
    yield from found.problems
    yield from (f"{PREVIEW}: sample {key!r} is not in the corpus" for key in found.preview)
    if corpus.manifest.format > 1:
        yield from differs("scenes", corpus.manifest.scenes, len(found.scenes), RECORDS)


def wrong_row_count(corpus: Corpus) -> Iterator[str]:
    """Compare the number of rows of stats.parquet with the number of samples; no more than a row is read.

    Args:
        corpus: The corpus; the digest of stats.parquet is right.

    Yields:
        A problem if they differ, or the file cannot be read.
    """
    try:
        next(corpus.row_batches(["key"], size=1), None)
    except DataError as error:
        yield str(error)


def row_columns(manifest: Manifest) -> list[str]:
    """The columns of stats.parquet.

    Args:
        manifest: The corpus.
    """
    if manifest.format > 1:
        return list(row_schema().names)
    return [*(key for key in KEYS if key not in NEW_KEYS), "shard"]


def _read_rows(corpus: Corpus, shards: Sequence[ShardFindings], columns: list[str], found: _Pass) -> None:
    """Compare a digest of the rows of each shard: memory is bounded for a corpus of any size. Raises DataError."""
    left = iter(shards)
    shard, remaining, digest = next(left, None), 0, RowsDigest()
    remaining = shard.entry.samples if shard else 0
    for batch in corpus.row_batches(columns):
        for row in batch:
            while shard is not None and not remaining:
                shard, digest = next(left, None), RowsDigest()
                remaining = shard.entry.samples if shard else 0
            found.look_at(row)
            digest.add(row)
            remaining -= 1
            if not remaining and shard is not None and shard.rows not in ("", digest.text()):
                found.different.append(shard)


def _different_values(corpus: Corpus, shard: ShardFindings, columns: list[str]) -> Iterator[str]:
    """Read a shard and its rows again, and name each value that differs."""
    entry = shard.entry
    rows = (row for batch in corpus.row_batches(columns) for row in batch)
    numbered = (row for number, row in enumerate(rows) if entry.first <= number < entry.first + entry.samples)
    for sample, row in zip(corpus.samples(entry), numbered, strict=False):
        expected = expected_row(sample.record, entry.file, corpus.manifest.format)
        for key in columns:
            if row[key] != expected[key]:
                where = f"{STATS}: row {sample.record['index']}"
                yield problem(where, f"{key} is {_short(row[key])}", f"{_short(expected[key])}, as its record states")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _preview(corpus: Corpus) -> dict[str, dict[str, bytes]]:
    """The texts of the preview by key of the sample; its pictures are decoded. Raises DataError."""
    found: dict[str, dict[str, bytes]] = {}
    with corpus.local_copy(PREVIEW) as path:
        for key, fields in read_fields(path, PREVIEW):
            images.check(fields.pop("jpg", b""), None, f"{PREVIEW}: sample {key}")
            found[key] = fields
    return found
