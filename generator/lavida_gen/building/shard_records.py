"""The record of each finished range of samples, below `.build/`: how a build goes on, and how parts are joined.

A record is written after its shards. Its first line is an object {name, files, drops, marks, samples}; then follows one
line for each sample, its Record with `shard` added.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from lavida_gen.corpus.manifest import STATE
from lavida_gen.corpus.shards import EncodedSample, ShardFile, size_and_sha256
from lavida_gen.sampling.parts import ShardRange
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """A finished range: its files, how many samples, the reasons of its drops."""

    name: str
    files: list[ShardFile]
    samples: int
    drops: dict[str, int]


def record_name(name: str) -> str:
    """Where the record of range `name` lies."""
    return f"{STATE}/{name.replace('/', '-')}.jsonl"


def record_line(sample: EncodedSample, file: str) -> str:
    """A sample's line of a record; `file` is the shard that it lies in."""
    return sample.text()[:-1] + f',"shard":{json.dumps(file)}' + "}"


def write_record(storage: Storage, made: ShardRecord, rows: Iterable[str]) -> None:
    """Note a finished range; `rows` are its samples as JSON."""
    marks = [storage.mark(file.file) for file in made.files]
    head = {"name": made.name, "files": [asdict(f) for f in made.files], "drops": made.drops, "marks": marks}
    storage.write(record_name(made.name), "\n".join([json.dumps({**head, "samples": made.samples}), *rows]).encode())


def read_record_lines(storage: Storage, name: str) -> bytes:
    """The samples of a finished range, one JSON object a line."""
    return storage.read(record_name(name)).partition(b"\n")[2]


def read_finished(storage: Storage, one: ShardRange) -> ShardRecord | None:
    """A range that an earlier run finished, if its files are still what its record says."""
    try:
        head = json.loads(storage.read(record_name(one.name)).partition(b"\n")[0])
        files = [ShardFile(**file) for file in head["files"]]
        marks: list[str] = head["marks"]
        made = ShardRecord(head["name"], files, head["samples"], head["drops"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    whole = all(is_intact(storage, f.file, f.bytes, f.sha256, mark) for f, mark in zip(files, marks, strict=True))
    return made if whole else None


def is_intact(storage: Storage, file: str, size: int, sha256: str, mark: str = "") -> bool:
    """Whether a shard is what it was: in a folder every byte is read; an object store is asked for size and ETag."""
    if storage.size(file) != size:
        return False
    if isinstance(storage, LocalFolder):
        return size_and_sha256(storage.path / file) == (size, sha256)
    return not mark or storage.mark(file) == mark


def missing_ranges(ranges: Sequence[ShardRange], made: Iterable[str]) -> str:
    """Numbers of ranges that nobody has made, as `--shards` takes them: ``3:5, 9:10``."""
    have = set(made)
    lost = [number for number, one in enumerate(ranges) if one.name not in have]
    starts = [n for n in lost if n - 1 not in set(lost)] if len(lost) < 10000 else lost[:1]
    stops = [n + 1 for n in lost if n + 1 not in set(lost)] if len(lost) < 10000 else lost[-1:]
    return ", ".join(f"{start}:{stop}" for start, stop in zip(starts, stops, strict=True))
