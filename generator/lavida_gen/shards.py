"""One shard of samples: written under a temporary name, renamed when whole; and read back.

A shard is a plain WebDataset tar: ustar, mtime 0, owner 0, fields of a sample side by side in a fixed order
(``KEY.jpg KEY.mask.png KEY.json``, clips ``KEY.000.jpg KEY.000.mask.png ... KEY.json``), so that equal samples give
equal bytes.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lavida_gen.errors import DataError, fault
from lavida_gen.sample import Record

PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Packed:
    """A sample ready to be written: T JPEG frames, T mask PNGs, its record."""

    key: str
    frames: tuple[bytes, ...]
    masks: tuple[bytes, ...]
    record: Record
    _text: str | None = field(default=None, repr=False, compare=False)

    def fields(self) -> Iterator[tuple[str, bytes]]:
        """(field name, bytes), in the order of the shard."""
        if self.record["kind"] == "image":
            yield "jpg", self.frames[0]
            yield "mask.png", self.masks[0]
        else:
            for time, (frame, mask) in enumerate(zip(self.frames, self.masks, strict=True)):
                yield f"{time:03d}.jpg", frame
                yield f"{time:03d}.mask.png", mask
        yield "json", self.text().encode()

    def text(self) -> str:
        """The record as JSON, keys sorted."""
        if self._text is None:
            text = json.dumps(self.record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
            object.__setattr__(self, "_text", text)
        assert self._text is not None
        return self._text


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A whole tar: path relative to the corpus, size, SHA-256, number of samples, first sample number."""

    file: str
    bytes: int
    sha256: str
    samples: int
    first: int


class _Digesting(io.RawIOBase):
    """A file that digests what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.sha256, self.size = file, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self.size += len(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.size


class ShardWriter:
    """Writes the samples of one range to ``NAME.tar``, and on to ``NAMEx001.tar`` ... when `megabytes` are reached.

    Use it as a context manager: on an error nothing is left, neither under a final nor a temporary name.
    """

    def __init__(self, corpus: Path, name: str, megabytes: float = 500.0) -> None:
        self.corpus, self.name, self.limit = corpus, name, megabytes * 1e6
        self.files: list[ShardFile] = []
        self._partial = corpus / f"{name}{PARTIAL}-{os.getpid()}"
        self._raw: BinaryIO | None = None
        self._open = ExitStack()

    def __enter__(self) -> ShardWriter:
        self._partial.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._raw:
                self._finish()
        finally:
            with suppress(OSError):  # what a full disk did not take is thrown away with its file
                self._open.close()
            self._raw = None
            self._partial.unlink(missing_ok=True)

    def write(self, sample: Packed) -> str:
        """Append a sample; returns the file it went to. Raises DataError when the disk is full."""
        try:
            if self._raw is None:
                self._begin(sample.record["index"])
            for field, data in sample.fields():
                info = tarfile.TarInfo(f"{sample.key}.{field}")  # mtime, uid and gid are 0, mode 644
                info.size = len(data)
                self._tar.addfile(info, io.BytesIO(data))
            self._samples += 1
            file = self._file()
            if self._out.size >= self.limit:
                self._finish()
        except OSError as error:
            raise self._failed(error) from error
        return file

    def _begin(self, first: int) -> None:
        self._raw = self._open.enter_context(self._partial.open("wb"))
        self._out = _Digesting(self._raw)
        self._tar = tarfile.TarFile(fileobj=self._out, mode="w", format=tarfile.USTAR_FORMAT)
        self._samples, self._first = 0, first

    def _file(self) -> str:
        return f"{self.name}.tar" if not self.files else f"{self.name}x{len(self.files):03d}.tar"

    def _finish(self) -> None:
        assert self._raw is not None
        try:
            self._tar.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            self._partial.replace(self.corpus / self._file())
        except OSError as error:
            raise self._failed(error) from error
        self.files.append(
            ShardFile(self._file(), self._out.size, self._out.sha256.hexdigest(), self._samples, self._first)
        )
        self._raw = None

    def _failed(self, error: OSError) -> DataError:
        todo = "free some space and run the same command again: finished shards are kept"
        what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else f"cannot be written ({error})"
        return DataError(fault(self.corpus / self._file(), what, todo=todo))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that under its name it is always whole. Raises DataError when the disk is full."""
    partial = path.with_name(f"{path.name}{PARTIAL}-{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DataError(
            fault(path, f"cannot be written ({error.strerror})", todo="free some space, run it again")
        ) from error


def digest(path: Path) -> tuple[int, str]:
    """(bytes, SHA-256) of a file."""
    with open(path, "rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> Iterator[Packed]:
    """The samples of a shard, in order. Raises DataError that names shard and key."""
    key = ""
    fields: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                stem, _, field = info.name.partition(".")
                if stem != key and fields:
                    yield unpack(key, fields, path)
                    fields = {}
                key = stem
                file = tar.extractfile(info)
                if file is None:
                    raise DataError(fault(f"{path}: {info.name}", "is no file", "only files in a shard"))
                fields[field] = file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(
            fault(path, f"is no whole tar ({error})", "a WebDataset shard", "build or fetch it again")
        ) from error
    if fields:
        yield unpack(key, fields, path)


def unpack(key: str, fields: dict[str, bytes], where: object) -> Packed:
    """A sample from its fields. Raises DataError that names what is missing."""
    try:
        record: Record = json.loads(fields["json"])
        stems: Sequence[str] = [""] if record["kind"] == "image" else [f"{t:03d}." for t in range(record["frames"])]
        frames = tuple(fields[f"{stem}jpg"] for stem in stems)
        masks = tuple(fields[f"{stem}mask.png"] for stem in stems)
    except KeyError as error:
        raise DataError(fault(f"{where}: sample {key}", f"has no {error.args[0]!r}")) from error
    except ValueError as error:
        raise DataError(fault(f"{where}: sample {key}", f"its json is broken ({error})")) from error
    return Packed(key, frames, masks, record)
