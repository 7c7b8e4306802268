"""Writing and reading shards of samples.

A shard is a plain WebDataset tar: ustar, mtime 0, owner 0, the fields of a sample side by side in a fixed order
(``KEY.jpg KEY.mask.png KEY.json``, clips ``KEY.000.jpg KEY.000.mask.png ... KEY.json``), so that equal samples give
equal bytes. It is written under a temporary name and renamed when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from lavida_gen.common.atomic_file import write_error
from lavida_gen.common.digests import sha256_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, open_input
from lavida_gen.common.text import counted
from lavida_gen.corpus.record import parse_record
from lavida_gen.corpus.tar_offsets import TarMember, plain_members
from lavida_gen.scenes.sample import SampleRecord
from lavida_gen.storage.base import Storage
from lavida_gen.storage.places import open_storage

RESUME = "run the same command again: finished shards are kept"
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
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

    def fields(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the fields, in the order of the shard."""
        if self.record["kind"] == "image":
            yield "jpg", self.frames[0]
            yield "mask.png", self.masks[0]
        else:
            for time, (frame, mask) in enumerate(zip(self.frames, self.masks, strict=True)):
                yield f"{time:03d}.jpg", frame
                yield f"{time:03d}.mask.png", mask
        yield "json", to_json(self.record).encode()


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
    """Size in bytes and SHA-256 (hexadecimal) of a file."""
    return path.stat().st_size, sha256_file(path)


class _EveryKey(Container[str]):
    def __contains__(self, key: object) -> bool:
        return True


EVERY_KEY = _EveryKey()
"""Reads all samples as `keys` are read: from the headers' names and sizes alone, which is quicker than `tarfile`."""


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
    try:
        with ExitStack() as opened:
            file = opened.enter_context(open_input(shard, MAX_STREAM)) if isinstance(shard, Path) else shard
            members = None if keys is None else plain_members(file, keys)
            if members is not None:
                yield from _read_members(file, members, where)
                return
            file.seek(0)
            tar = opened.enter_context(tarfile.open(fileobj=file, mode="r:"))
            yield from _grouped(tar, where, keys)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(
            problem(where, f"is not a complete tar ({error})", "a WebDataset shard", "build or fetch it again")
        ) from error


def _read_members(
    file: BinaryIO, members: Sequence[TarMember], where: object
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """The fields of each sample, which are neighbours in the tar."""
    for key, fields in groupby(members, key=lambda member: member.name.partition(".")[0]):
        contents: dict[str, bytes] = {}
        for member in fields:
            name = member.name.partition(".")[2]
            if name in contents:
                raise DataError(problem(f"{where}: {member.name}", "occurs twice", "each file once"))
            file.seek(member.start)
            contents[name] = file.read(member.size)
        yield key, contents


def _grouped(
    tar: tarfile.TarFile, where: object, keys: Container[str] | None
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """The fields of each sample, which are neighbours in the tar."""
    key, fields = "", dict[str, bytes]()
    for info in tar:
        stem, _, field = info.name.partition(".")
        if keys is not None and stem not in keys:
            continue
        if stem != key and fields:
            yield key, fields
            fields = {}
        key = stem
        file = tar.extractfile(info) if info.isreg() else None  # a link would be followed
        if file is None:
            raise DataError(problem(f"{where}: {info.name}", "is not a file", "only files in a shard"))
        if field in fields:
            raise DataError(problem(f"{where}: {info.name}", "occurs twice", "each file once"))
        fields[field] = file.read()
    if fields:
        yield key, fields


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
