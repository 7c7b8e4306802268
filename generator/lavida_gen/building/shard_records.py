"""Records of finished ranges of samples, below `.build/`. With them a build is resumed and parts are joined.

A record is written after its shards. Its first line is an object {format, name, files, drops, marks, samples,
toolchain}; then follows one line for each sample, its row in stats.parquet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from lavida_gen.building.toolchain import Toolchain
from lavida_gen.common.file_names import check_corpus_name
from lavida_gen.common.text import shorten
from lavida_gen.corpus.manifest import FORMAT, STATE
from lavida_gen.corpus.schema import sample_row
from lavida_gen.corpus.shards import EncodedSample, ShardFile, size_and_sha256, to_json
from lavida_gen.sampling.parts import ShardRange
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder


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


def record_name(name: str) -> str:
    """File of the record of a range, relative to the corpus; `name` is that of the range."""
    return f"{STATE}/{name.replace('/', '-')}.jsonl"


def record_line(sample: EncodedSample, file: str) -> str:
    """The line of a sample in a record.

    Args:
        sample: The sample.
        file: Its shard, relative to the corpus.
    """
    return to_json(sample_row(sample.record, file))


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
    try:
        head = json.loads(storage.read(record_name(part.name)).partition(b"\n")[0])
        files = [ShardFile(**file) for file in head["files"]]
        for file in files:
            check_corpus_name(file.file)
        marks: list[str] = head["marks"]
        toolchain = dict(head["toolchain"])
        record = ShardRecord(head["name"], files, head["samples"], head["drops"], toolchain, head["broken"])
        samples = sum(file.samples for file in files)
        if head["format"] != FORMAT or not files or samples != record.samples or len(marks) != len(files):
            return None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    intact = all(is_intact(storage, f.file, f.bytes, f.sha256, mark) for f, mark in zip(files, marks, strict=True))
    return record if intact else None


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
