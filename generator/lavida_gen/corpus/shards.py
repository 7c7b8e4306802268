"""Writing and reading shards of samples.

A shard is a plain WebDataset tar: ustar, mtime 0, owner 0, the fields of a sample side by side in a fixed order
(``KEY.jpg KEY.mask.png KEY.json``, clips ``KEY.000.jpg KEY.000.mask.png ... KEY.json``), so that equal samples give
equal bytes. It is written under a temporary name and renamed when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from lavida_gen.common.atomic_file import write_error
from lavida_gen.common.digests import sha256_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, open_input, unreadable
from lavida_gen.common.text import counted, printable
from lavida_gen.corpus.record import parse_record
from lavida_gen.corpus.tar_files import AGAIN, WHOLE, TarMember, tar_members
from lavida_gen.scenes.sample import SampleRecord
from lavida_gen.storage.base import Storage
from lavida_gen.storage.places import open_storage

MAX_SAMPLE = 2_000_000_000
"""Bytes of the files of one sample."""
RESUME = "run the same command again: finished shards are kept"
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class EncodedSample:
    """A sample as it is stored.

    Attributes:
        key: Name of its fields before the first dot, e.g. ``00000017``.
        frames: T JPEG files.
        masks: T PNG files, 0 or 255, of the size of the frames.
        record: Everything else, the `json` field.
    """

    key: str
    frames: tuple[bytes, ...]
    masks: tuple[bytes, ...]
    record: SampleRecord

    @cached_property
    def json(self) -> str:
        """The record as it is stored."""
        return to_json(self.record)

    def fields(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the fields, in the order of the shard."""
        if self.record["kind"] == "image":
            yield "jpg", self.frames[0]
            yield "mask.png", self.masks[0]
        else:
            for time, (frame, mask) in enumerate(zip(self.frames, self.masks, strict=True)):
                yield f"{time:03d}.jpg", frame
                yield f"{time:03d}.mask.png", mask
        yield "json", self.json.encode()


def to_json(record: Mapping[str, object]) -> str:
    """JSON in one line with sorted keys and without spaces: equal records give equal bytes."""
    return _ENCODER.encode(record)


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A finished tar.

    Attributes:
        file: Name relative to the corpus.
        bytes: Size.
        sha256: SHA-256, hexadecimal.
        samples: Number of samples.
        first: Number of the first sample.
    """

    file: str
    bytes: int
    sha256: str
    samples: int
    first: int


_BLOCK, _RECORD = 512, 10240
_HEAD = b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" + b"0" * 11 + b"\0"
_TAIL = b"0" + bytes(100) + b"ustar\x0000" + bytes(64 + 16 + 167)
_SUM = sum(_HEAD.replace(b"%011o", b"")) + sum(_TAIL) + 8 * ord(" ")


def tar_header(name: str, size: int) -> bytes:
    """The 512 bytes that `tarfile` writes for a plain ustar file (mode 644, time 0, owner 0), in a fifth of the time.

    Args:
        name: Name of the file, at most 100 ASCII characters.
        size: Size in bytes.
    """
    encoded_name, length = name.encode("ascii"), b"%011o" % size
    assert len(encoded_name) <= 100, f"{name} is too long for a tar header"
    total = _SUM + sum(encoded_name) + sum(length)
    return encoded_name.ljust(100, b"\0") + _HEAD.replace(b"%011o", length) + b"%06o\0 " % total + _TAIL


class ShardWriter:
    """Writes the samples of one range to ``NAME.tar``, and to ``NAMEx001.tar`` ... after `megabytes`.

    It is a context manager: on an error no file is left, neither under a final nor under a temporary name.

    Attributes:
        files: The finished tars.
    """

    def __init__(self, corpus: Storage | Path, name: str, megabytes: float = 500.0) -> None:
        """Prepare to write; no file is made before the first sample.

        Args:
            corpus: The corpus.
            name: Name of the range, ``image/train-00000``.
            megabytes: Size after which the next tar begins.
        """
        self.corpus, self.name, self.limit = open_storage(corpus), name, megabytes * 1e6
        self.files: list[ShardFile] = []
        self._raw: BinaryIO | None = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._raw:
                self._finish()
        finally:
            if self._raw:
                with suppress(OSError):  # the disk is full: the file is removed anyway
                    self._raw.close()
                self._partial.unlink(missing_ok=True)
                self._raw = None

    def write(self, sample: EncodedSample) -> str:
        """Append a sample.

        Args:
            sample: The sample.

        Returns:
            Name of the tar that holds it, relative to the corpus.

        Raises:
            DataError: The tar cannot be written.
        """
        try:
            if self._raw is None:
                self._begin(sample.record["index"])
            for field_name, data in sample.fields():
                self._add(tar_header(f"{sample.key}.{field_name}", len(data)))
                self._add(data)
                self._add(bytes(-len(data) % _BLOCK))
            self._samples += 1
            file = self._file()
            if self._size >= self.limit:
                self._finish()
        except OSError as error:
            raise self._failed(error) from error
        return file

    def _begin(self, first: int) -> None:
        self._partial = self.corpus.temporary_file(self._file())
        self._raw = self._partial.open("wb", buffering=1 << 20)
        self._sha256, self._size = hashlib.sha256(), 0
        self._samples, self._first = 0, first

    def _add(self, data: bytes) -> None:
        assert self._raw is not None
        self._raw.write(data)
        self._sha256.update(data)
        self._size += len(data)

    def _file(self) -> str:
        return f"{self.name}.tar" if not self.files else f"{self.name}x{len(self.files):03d}.tar"

    def _finish(self) -> None:
        assert self._raw is not None
        try:
            end = self._size + 2 * _BLOCK
            self._add(bytes(2 * _BLOCK + -end % _RECORD))
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            self.corpus.put(self._partial, self._file())
        except OSError as error:
            raise self._failed(error) from error
        self.files.append(ShardFile(self._file(), self._size, self._sha256.hexdigest(), self._samples, self._first))
        self._raw = None

    def _failed(self, error: OSError) -> DataError:
        return write_error(self.corpus.at(self._file()), error, RESUME)


def size_and_sha256(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 (hexadecimal) of a file.

    Raises:
        FileNotFoundError: There is none.
        DataError: It cannot be read, or is no regular file.
    """
    try:
        return path.stat().st_size, sha256_file(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(path, error, "a file of a corpus", AGAIN) from error


def read_shard(
    shard: Path | BinaryIO, where: object = None, keys: Container[str] | None = None
) -> Iterator[EncodedSample]:
    """Read the samples of a shard in order.

    Args:
        shard: Path, or a seekable binary file.
        where: Its name in error messages; default: `shard`.
        keys: Keys of the samples to read, the content of others is skipped; None for all.

    Yields:
        The samples.

    Raises:
        DataError: It is not a complete tar, or a sample misses a field; the message names shard and sample.
    """
    for key, fields in read_fields(shard, where, keys):
        yield decode_sample(key, fields, where or shard)


def read_fields(
    shard: Path | BinaryIO, where: object = None, keys: Container[str] | None = None
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Read the fields of the samples of a shard, whatever is in them. Arguments and errors are those of `read_shard`.

    Yields:
        Key of each sample, and its fields by name.
    """
    where = where or shard
    with ExitStack() as opened:
        if isinstance(shard, Path):
            file: BinaryIO = opened.enter_context(open_input(shard, MAX_STREAM, WHOLE))
        else:
            file = shard
        for key, members in groupby(tar_members(file, where, keys), key=lambda member: member.stem):
            yield key, _contents(file, members, where)


def _contents(file: BinaryIO, members: Iterable[TarMember], where: object) -> dict[str, bytes]:
    """The fields of a sample, which are neighbours in the tar. Raises DataError."""
    contents, total = dict[str, bytes](), 0
    for member in members:
        place = f"{where}: {printable(member.name)}"
        field, total = member.name.partition(".")[2], total + member.size
        if field in contents:
            raise DataError(problem(place, "occurs twice", "each file once"))
        if total > MAX_SAMPLE:
            raise DataError(problem(place, f"is of a sample of more than {MAX_SAMPLE:,} bytes"))
        try:
            file.seek(member.start)
            contents[field] = file.read(member.size)
        except OSError as error:
            raise unreadable(place, error, WHOLE, AGAIN) from error
    return contents


def decode_sample(key: str, fields: dict[str, bytes], where: object) -> EncodedSample:
    """Make a sample of its fields.

    Args:
        key: Key of the sample.
        fields: Contents by field name.
        where: Shard, for messages.

    Returns:
        The sample.

    Raises:
        DataError: A field is missing, or `json` is no valid record.
    """
    place = f"{where}: sample {key}"
    if "json" not in fields:
        raise DataError(problem(place, "has no 'json'"))
    return encoded_sample(key, fields, parse_record(fields["json"], place), place)


def encoded_sample(key: str, fields: dict[str, bytes], record: SampleRecord, where: str) -> EncodedSample:
    """As `decode_sample`, of a record that was read already; `where` names shard and sample."""
    if 2 * record["frames"] > len(fields):  # a number without limit, before it is counted up to
        stated = counted(record["frames"], "frame")
        raise DataError(problem(where, f"states {stated}, but has {counted(len(fields), 'field')}"))
    stems: Sequence[str] = [""] if record["kind"] == "image" else [f"{t:03d}." for t in range(record["frames"])]
    try:
        frames = tuple(fields[f"{stem}jpg"] for stem in stems)
        masks = tuple(fields[f"{stem}mask.png"] for stem in stems)
    except KeyError as error:
        raise DataError(problem(where, f"has no {error.args[0]!r}")) from error
    return EncodedSample(key, frames, masks, record)
