"""Reading a finished corpus, in a folder or behind a URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from lavida_gen.common.errors import DataError, UserError, index_in, problem
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.text import counted
from lavida_gen.corpus.decoded import DecodedSample, decode_sample
from lavida_gen.corpus.manifest import FORMAT, MANIFEST, STATE, STATS, Manifest, ShardEntry
from lavida_gen.corpus.shards import EncodedSample, read_shard
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder
from lavida_gen.storage.places import open_storage


class Corpus:
    """A finished corpus. `open_corpus` reads its manifest; everything else is read when it is asked for.

    Attributes:
        storage: The place that holds it.
        manifest: Its corpus.json.
    """

    def __init__(self, storage: Storage, manifest: Manifest) -> None:
        """Wrap a place and the manifest that was read from it."""
        self.storage, self.manifest = storage, manifest

    @property
    def place(self) -> str:
        """Path or URL, as people write it."""
        return self.storage.place

    @property
    def path(self) -> Path:
        """The folder.

        Raises:
            UserError: The corpus is behind a URL; use `open` or `local_copy`.
        """
        if not isinstance(self.storage, LocalFolder):
            raise UserError(problem(self.place, "is a URL", "a folder", "download the corpus first"))
        return self.storage.path

    def open(self, file: str) -> BinaryIO:
        """Open a file of the corpus for reading.

        Args:
            file: Name relative to the corpus.

        Returns:
            A seekable binary file.

        Raises:
            DataError: It cannot be read.
        """
        try:
            return self.storage.open(file)
        except OSError as error:
            raise self._unreadable(file, error) from error

    def local_copy(self, file: str) -> AbstractContextManager[Path]:
        """A local path to a file of the corpus: the file itself, or a copy that is removed after the `with` block."""
        return self.storage.local_copy(file)

    def samples(self, shard: ShardEntry) -> Iterator[EncodedSample]:
        """Read the samples of one shard in order.

        Args:
            shard: An entry of the manifest.

        Yields:
            The samples.

        Raises:
            DataError: The shard cannot be read.
        """
        with self.open(shard.file) as file:
            yield from read_shard(file, self.storage.at(shard.file))

    def row_batches(self, columns: Sequence[str] | None = None, size: int = 16384) -> Iterator[list[JsonObject]]:
        """Read `rows` in batches, in bounded memory.

        Args:
            columns: Only these columns; None for all.
            size: Rows of a batch.

        Yields:
            Rows in sample order.

        Raises:
            DataError: stats.parquet cannot be read, or has no such column.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with self.open(STATS) as file:
                table = pq.ParquetFile(file)
                missing = set(columns or ()) - set(table.schema_arrow.names)
                if missing:
                    raise ValueError(f"no column {min(missing)!r}")
                for batch in table.iter_batches(size, columns=columns):
                    yield batch.to_pylist()
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._unreadable(STATS, error) from error

    def rows(self, columns: Sequence[str] | None = None) -> list[JsonObject]:
        """The SampleRecord of every sample with `shard` added, in sample order.

        Args:
            columns: Only these columns; None for all.

        Raises:
            DataError: stats.parquet cannot be read, or has no such column.
        """
        return [row for batch in self.row_batches(columns) for row in batch]

    def __repr__(self) -> str:
        return f"Corpus({self.place!r}, {counted(len(self), 'sample')})"

    def __len__(self) -> int:
        return self.manifest.samples

    def __getitem__(self, index: int) -> DecodedSample:
        """Read and decode one sample. For many, in any order, `lavida_bench.CorpusDataset` keeps its shards open.

        Args:
            index: Number of the sample; negative ones count from the end.

        Returns:
            The sample as arrays.

        Raises:
            IndexError: There is no such sample.
            DataError: The sample cannot be read.
        """
        number = index_in(range(len(self)), index, self.place)
        (encoded,) = self.samples_by_index([number])
        return decode_sample(encoded, f"{self.place}: sample {number}")

    def samples_by_index(self, indices: Iterable[int]) -> Iterator[EncodedSample]:
        """Read samples by their numbers, shard by shard.

        Args:
            indices: Numbers from 0 on; order and duplicates do not matter.

        Yields:
            The samples in ascending order.

        Raises:
            UserError: There is no sample of a number.
            DataError: A shard cannot be read.
        """
        wanted = sorted(set(indices))
        for index in wanted:
            if not 0 <= index < self.manifest.samples:
                raise UserError(f"sample {index}: {self.place} has samples 0 to {self.manifest.samples - 1}")
        for shard in self.manifest.shards:
            indices_of_shard = range(shard.first, shard.first + shard.samples)
            remaining = {index for index in wanted if index in indices_of_shard}
            for sample in self.samples(shard) if remaining else ():
                if sample.record["index"] in remaining:
                    remaining.discard(sample.record["index"])
                    yield sample
                if not remaining:
                    break
            wanted = [index for index in wanted if index not in indices_of_shard]
            if remaining:
                got = f"has no sample {min(remaining)}"
                raise DataError(problem(self.storage.at(shard.file), got, todo="build it again"))
        if wanted:
            raise self._unreadable(MANIFEST, ValueError(f"no shard holds sample {wanted[0]}"))

    def file(self, shard: ShardEntry) -> Path:
        """Path of a shard of a corpus in a folder.

        Args:
            shard: An entry of the manifest.

        Raises:
            UserError: The corpus is behind a URL.
        """
        return self.path / shard.file

    def _unreadable(self, file: str, error: Exception) -> DataError:
        what = f"cannot be read ({error})"
        return DataError(problem(self.storage.at(file), what, todo="build or fetch the corpus again"))


def open_corpus(place: str | Path) -> Corpus:
    """Open a finished corpus.

    Args:
        place: Its folder, its URL, or the path or URL of its corpus.json.

    Returns:
        The corpus.

    Raises:
        UserError: There is no corpus at the place.
        DataError: It is not finished, or corpus.json cannot be read.
    """
    storage = open_storage(place)
    if storage.place.endswith(f"/{MANIFEST}"):
        storage = open_storage(place.parent if isinstance(place, Path) else place.rpartition("/")[0])
    try:
        text = storage.read(MANIFEST)
    except (FileNotFoundError, NotADirectoryError) as error:
        if storage.names(STATE):
            raise DataError(
                problem(storage, "is not finished", todo="run the same `lavida-gen build` again to go on")
            ) from error
        if isinstance(storage, LocalFolder) and not storage.path.exists():
            todo = f"build it: `lavida-gen build --recipe ... --out {storage}`"
            raise UserError(problem(storage, "no such folder", todo=todo)) from error
        raise UserError(problem(storage, f"holds no {MANIFEST}", "the folder or URL of a finished corpus")) from error
    except OSError as error:
        raise DataError(problem(storage.at(MANIFEST), f"cannot be read ({error.strerror})")) from error
    return Corpus(storage, read_manifest(text, storage.at(MANIFEST)))


def read_manifest(text: bytes, where: str) -> Manifest:
    """Parse a corpus.json.

    Args:
        text: Its content.
        where: Its path or URL, for messages.

    Returns:
        The manifest.

    Raises:
        DataError: It is not a manifest of this version's format.
    """
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or MANIFEST
        raise DataError(problem(where, f"{place}: {first['msg']}", f"a manifest of format {FORMAT}")) from error
    if manifest.format != FORMAT:
        raise DataError(
            problem(where, f"format {manifest.format}", f"format {FORMAT}", "use the generator that made it")
        )
    return manifest
