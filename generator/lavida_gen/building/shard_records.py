"""Records of finished ranges of samples, below `.build/`. With them a build is resumed and parts are joined.

A record is written after its shards. Its first line is an object {format, name, files, drops, marks, samples,
toolchain}; then follows one line for each sample, its row in stats.parquet.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from lavida_gen.building.toolchain import Toolchain
from lavida_gen.common.errors import DataError, problem, validation_text
from lavida_gen.common.file_names import CorpusFileName
from lavida_gen.common.input_file import parsing
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.common.text import counted, shorten
from lavida_gen.corpus.manifest import FORMAT, STATE, Count
from lavida_gen.corpus.row_check import check_rows, check_values
from lavida_gen.corpus.schema import added_columns, row_schema
from lavida_gen.corpus.shards import EncodedSample, ShardFile, size_and_sha256, to_json
from lavida_gen.sampling.parts import ShardRange
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder

if TYPE_CHECKING:
    import pyarrow as pa

REMOVE = "remove this file and make its shard again"


class _File(StrictModel):
    """One tar in the first line of a record; see ShardFile."""

    file: CorpusFileName
    bytes: Count
    sha256: str
    samples: Annotated[int, Field(ge=1, lt=2**63)]
    first: Count


class _Head(StrictModel):
    """The first line of a record."""

    format: Literal[2]
    name: str
    files: Annotated[list[_File], Field(min_length=1)]
    drops: dict[str, Count]
    marks: list[str]
    samples: Count
    toolchain: Toolchain
    broken: list[str]


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """A finished range of samples.

    Attributes:
        name: Name of the range, ``image/train-00000``.
        files: Its tars.
        samples: Number of samples.
        drops: Number of attempts at a sample that failed, by reason.
        toolchain: Versions of the packages that made it.
        broken: Keys of scenes that cannot be read, sorted.
    """

    name: str
    files: list[ShardFile]
    samples: int
    drops: dict[str, int]
    toolchain: Toolchain
    broken: list[str] = field(default_factory=list)

    def sharing(self, toolchain: Toolchain) -> ShardRecord:
        """This record with the object of an equal toolchain: the parent holds the records of all shards.

        Args:
            toolchain: That of another record; if it differs, the record stays as it is.
        """
        return replace(self, toolchain=toolchain) if self.toolchain == toolchain else self


def record_name(name: str) -> str:
    """File of the record of a range, relative to the corpus; `name` is that of the range."""
    return f"{STATE}/{name.replace('/', '-')}.jsonl"


def record_line(sample: EncodedSample, file: str) -> str:
    """The line of a sample in a record.

    Args:
        sample: The sample.
        file: Its shard, relative to the corpus.
    """
    return f"{sample.json[:-1]},{to_json(added_columns(sample.record, file))[1:]}"  # the record is not encoded twice


def write_record(storage: Storage, record: ShardRecord, rows: Iterable[str]) -> None:
    """Write the record of a finished range.

    Args:
        storage: The corpus.
        record: The range.
        rows: The lines of its samples.

    Raises:
        DataError: The record cannot be written.
    """
    head = {
        "format": FORMAT,
        "name": record.name,
        "files": [asdict(file) for file in record.files],
        "drops": record.drops,
        "marks": [storage.mark(file.file) for file in record.files],
        "samples": record.samples,
        "toolchain": record.toolchain,
        "broken": record.broken,
    }
    storage.write(record_name(record.name), "\n".join([json.dumps(head), *rows]).encode())


def read_record_lines(storage: Storage, name: str) -> bytes:
    """The lines of the samples of a finished range; `name` is that of the range."""
    return storage.read(record_name(name)).partition(b"\n")[2]


def read_finished(storage: Storage, part: ShardRange) -> ShardRecord | None:
    """Read the record of a range that an earlier run finished.

    Args:
        storage: The corpus.
        part: The range.

    Returns:
        The record; None if there is none, it is damaged or contradicts itself, or its shards have changed.
    """
    where = record_name(part.name)
    try:
        record, marks = parse_shard_record(storage.read(where), part, storage.at(where))
    except (FileNotFoundError, DataError):
        return None
    files = zip(record.files, marks, strict=True)
    return record if all(is_intact(storage, f.file, f.bytes, f.sha256, mark) for f, mark in files) else None


def parse_shard_record(data: bytes, part: ShardRange, where: str) -> tuple[ShardRecord, list[str]]:
    """Read a record, which may come from another machine, and compare it with the range that it is of.

    Args:
        data: Its content.
        part: The range.
        where: Its path or URL, for messages.

    Returns:
        The record, and the checksums of its shards.

    Raises:
        DataError: It is damaged, contradicts itself, or is of another range.
    """
    first, _, lines = data.partition(b"\n")
    try:
        head = _Head.model_validate_json(first)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        key, text = ".".join(map(str, found["loc"])), validation_text(found["msg"])
        got = f"is not a record of this version ({key + ': ' if key else ''}{text})"
        raise DataError(problem(where, got, todo=REMOVE)) from error
    expected = [(part.name + (f"x{n:03d}" if n else "") + ".tar") for n in range(len(head.files))]
    starts = [part.start, *accumulate((file.samples for file in head.files), initial=part.start)][1:]
    if (
        [file.file for file in head.files] != expected
        or [*(file.first for file in head.files), part.stop] != starts
        or (head.name, head.samples, len(head.marks)) != (part.name, part.stop - part.start, len(head.files))
    ):
        wanted = f"{part.name}, samples {part.start} to {part.stop - 1}, a mark for each file"
        raise DataError(problem(where, "its shards are not those of its range", wanted, REMOVE))
    table = read_rows(lines, where)
    with parsing(where, todo=REMOVE):
        for batch in table.to_batches():
            check_values(batch)
            check_rows(batch.to_pylist())
    names = [file.file for file in head.files for _ in range(file.samples)]
    rows = [table.column("index").to_pylist(), table.column("shard").to_pylist()]
    if rows != [list(range(part.start, part.stop)), names]:
        got = f"has {counted(table.num_rows, 'row')} that are not those of its samples"
        raise DataError(problem(where, got, f"{part.start} to {part.stop - 1} in its shards", REMOVE))
    files = [ShardFile(**file.model_dump()) for file in head.files]
    return ShardRecord(head.name, files, head.samples, head.drops, head.toolchain, head.broken), head.marks


def read_rows(lines: bytes, where: str) -> pa.Table:
    """The rows of stats.parquet in the lines of a record.

    Args:
        lines: One JSON object for each sample.
        where: Names the record in errors.

    Returns:
        The rows, columns as in `row_schema`.

    Raises:
        DataError: A line is no row.
    """
    from pyarrow import json as arrow_json

    longest = max(map(len, lines.split(b"\n")))
    reading = arrow_json.ReadOptions(block_size=max(1 << 20, 2 * longest))
    options = arrow_json.ParseOptions(explicit_schema=row_schema(), unexpected_field_behavior="error")
    with parsing(where, "one row for each sample", REMOVE):
        lines.decode()  # Arrow takes any bytes for a text
        return arrow_json.read_json(io.BytesIO(lines), reading, options).select(row_schema().names)


def is_intact(storage: Storage, file: str, size: int, sha256: str, mark: str = "") -> bool:
    """Whether a shard is unchanged. In a folder every byte is read; an object store is asked for size and checksum.

    Args:
        storage: The corpus.
        file: The shard.
        size: Expected size in bytes.
        sha256: Expected SHA-256.
        mark: Checksum that an object store gave for the file when it was written, "" if unknown.
    """
    if storage.size(file) != size:
        return False
    if isinstance(storage, LocalFolder):
        return size_and_sha256(storage.file(file)) == (size, sha256)
    return not mark or storage.mark(file) == mark


def missing_ranges(ranges: Sequence[ShardRange], made: Iterable[str]) -> str:
    """Numbers of the missing ranges, as `--shards` takes them.

    Args:
        ranges: All ranges of the corpus.
        made: Names of the finished ones.

    Returns:
        Text such as ``3:5, 9:10``.
    """
    finished = set(made)
    missing = [number for number, part in enumerate(ranges) if part.name not in finished]
    numbers = set(missing)
    starts = [number for number in missing if number - 1 not in numbers]
    stops = [number + 1 for number in missing if number + 1 not in numbers]
    return shorten([f"{start}:{stop}" for start, stop in zip(starts, stops, strict=True)], 40)
