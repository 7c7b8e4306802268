"""Samples of a shard by number: the position of their fields in the tar, and reading one without reading the others."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, open_input
from lavida_gen.corpus.shards import EncodedSample, decode_sample
from lavida_gen.corpus.tar_files import AGAIN, WHOLE, tar_members

Member = tuple[Path, int, int]
"""Tar, offset and size in bytes."""


def read_members(path: Path) -> dict[str, dict[str, Member]]:
    """Index a shard by the headers of its tar.

    Args:
        path: A tar file.

    Returns:
        Sample key -> field -> its position in the tar.

    Raises:
        DataError: The file cannot be read or is no whole tar.
    """
    members: dict[str, dict[str, Member]] = {}
    with open_input(path, MAX_STREAM, WHOLE, AGAIN) as file:
        for found in tar_members(file, path):
            key, _, field = found.name.partition(".")
            members.setdefault(key, {})[field] = (path, found.start, found.size)
    return members


class OpenShard:
    """A shard whose samples are read by number, in any order, from several threads or processes.

    Args:
        path: A tar file.
        samples: Number of samples that corpus.json names.

    Raises:
        DataError: The file cannot be read or holds another number of samples.
    """

    def __init__(self, path: Path, samples: int) -> None:
        members = read_members(path)
        if len(members) != samples:
            todo = "build or fetch it again"
            raise DataError(problem(path, f"holds {len(members)} samples", f"{samples}, as in corpus.json", todo))
        self.path = path
        self._samples = list(members.items())
        self._file = os.open(path, os.O_RDONLY)  # it was indexed, so it is a regular file

    def __enter__(self) -> OpenShard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def sample(self, number: int) -> EncodedSample:
        """Read one sample, without decoding it.

        Args:
            number: 0..samples-1.

        Returns:
            The encoded sample.

        Raises:
            DataError: It cannot be read; the message names shard and key.
        """
        key, fields = self._samples[number]
        start = min(offset for _, offset, _ in fields.values())
        stop = max(offset + size for _, offset, size in fields.values())
        try:
            data = os.pread(self._file, stop - start, start)
        except OSError as error:
            raise DataError(problem(f"{self.path}: sample {key}", f"cannot be read ({error.strerror})")) from error
        if len(data) != stop - start:
            raise DataError(problem(f"{self.path}: sample {key}", "is cut off", todo="build or fetch the shard again"))
        encoded = {name: data[offset - start : offset - start + size] for name, (_, offset, size) in fields.items()}
        return decode_sample(key, encoded, self.path)
