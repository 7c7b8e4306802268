"""Reading a finished corpus, in a folder or behind a URL."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from lavida_gen.common.errors import DataError, UserError, index_in, problem, validation_text
from lavida_gen.common.input_file import parsing
from lavida_gen.common.json_file import JsonObject, check_json_object, parse_json
from lavida_gen.common.text import control_character, counted
from lavida_gen.corpus.decoded import DecodedSample, decode_sample
from lavida_gen.corpus.format1 import COMPUTED_FROM, Format1
from lavida_gen.corpus.manifest import MANIFEST, READABLE, STATE, STATS, Manifest, ShardEntry
from lavida_gen.corpus.record import NEW_KEYS
from lavida_gen.corpus.row_check import check_rows, check_types, check_values
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
        self._format1 = Format1(manifest) if manifest.format == 1 else None

    @property
    def place(self) -> str:
        """Path or URL, as people write it; a URL without user, password and query."""
        return self.storage.place

    @property
    def url(self) -> str:
        """Path or URL by which another process opens it; it may hold a password and is never shown."""
        return self.storage.url

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

    def local_copy(self, file: str, most: int | None = None) -> AbstractContextManager[Path]:
        """A local path to a file of the corpus: the file itself, or a copy that is removed after the `with` block.

        Args:
            file: Name relative to the corpus.
            most: Bytes that it has; None if unknown. Of a longer file no more than one byte more is copied.
        """
        return self.storage.local_copy(file, most)

    def samples(self, shard: ShardEntry) -> Iterator[EncodedSample]:
        """Read the samples of one shard in order.

        Args:
            shard: An entry of the manifest.

        Yields:
            The samples.

        Raises:
            DataError: The shard cannot be read.
        """
        yield from self._read(shard)

    def _read(self, shard: ShardEntry, keys: Container[str] | None = None) -> Iterator[EncodedSample]:
        """The samples of a shard with some keys, or all."""
        with self.open(shard.file) as file:
            for sample in read_shard(file, self.storage.at(shard.file), keys):
                if self._format1 is not None:
                    yield replace(sample, record=self._format1.record(sample.record))
                    continue
                if NEW_KEYS[0] not in sample.record:
                    where = f"{self.storage.at(shard.file)}: sample {sample.key}"
                    raise DataError(problem(where, "is a sample of format 1", f"format {self.manifest.format}"))
                yield sample

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
        for wanted, rows in self._checked_batches(columns, size):
            yield rows if self._format1 is None else [self._format1.row(row, wanted) for row in rows]

    def _checked_batches(
        self, columns: Sequence[str] | None, size: int
    ) -> Iterator[tuple[list[str], list[JsonObject]]]:
        """The wanted columns, and batches of rows with the columns that they are read or computed from."""
        import pyarrow.parquet as pq

        where, todo = self.storage.at(STATS), "build or fetch the corpus again"
        with self.open(STATS) as file:
            with parsing(where, todo=todo):
                table = pq.ParquetFile(file)
                stored = table.schema_arrow.names
                computed = {} if self._format1 is None else COMPUTED_FROM
                wanted = list([*stored, *computed] if columns is None else columns)
                needed = _stored_columns(wanted, stored, computed)
                check_types(table.schema_arrow, needed)
                batches = table.iter_batches(size, columns=needed)
            if table.metadata.num_rows != len(self):
                got = f"has {counted(table.metadata.num_rows, 'row')}"
                raise DataError(problem(where, got, f"{len(self):,}, one for each sample", todo))
            while True:
                with parsing(where, todo=todo):
                    batch = next(batches, None)
                    if batch is None:
                        return
                    check_values(batch)
                    rows: list[JsonObject] = batch.to_pylist()
                    check_rows(rows)
                yield wanted, rows

    def columns(self) -> list[str]:
        """Names of the columns that stats.parquet holds.

        Raises:
            DataError: It cannot be read.
        """
        import pyarrow.parquet as pq

        with self.open(STATS) as file, parsing(self.storage.at(STATS), todo="build or fetch the corpus again"):
            return list(pq.read_schema(file).names)

    def rows(self, columns: Sequence[str] | None = None) -> list[JsonObject]:
        """The SampleRecord of every sample with `shard`, `anomalies` and `area` added, in sample order.

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
            keys = {f"{index:09d}" for index in remaining}
            for sample in self._read(shard, keys) if remaining else ():
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
        return self.local_file(shard.file)

    def local_file(self, name: str) -> Path:
        """Path of a file of a corpus in a folder.

        Args:
            name: Its name, relative to the corpus.

        Raises:
            UserError: The corpus is behind a URL.
            DataError: The name, or a link on its way, leads out of the corpus.
        """
        return LocalFolder(self.path).file(name)

    def _unreadable(self, file: str, error: Exception) -> DataError:
        what = f"cannot be read ({error})"
        return DataError(problem(self.storage.at(file), what, todo="build or fetch the corpus again"))


def _stored_columns(columns: Sequence[str], stored: Sequence[str], computed: Mapping[str, Sequence[str]]) -> list[str]:
    """The columns of the file that the wanted ones are read or computed from. Raises ValueError if there is none."""
    needed: dict[str, None] = {}
    for column in columns:
        needed.update(dict.fromkeys([column] if column in stored else computed.get(column, (column,))))
    missing = needed.keys() - set(stored)
    if missing:
        raise ValueError(f"no column {min(missing)!r}")
    return list(needed)


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
        storage = open_storage(place.parent if isinstance(place, Path) else _parent(place))
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


def _parent(place: str) -> str:
    """The folder of a file; a query is kept."""
    path, mark, query = place.partition("?")
    return path.rpartition("/")[0] + mark + query


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
    plain = refuse_other_formats(text, where)
    if found := control_character(plain):
        raise DataError(problem(where, found, "plain text", "do not trust this corpus"))
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        expected = f"a manifest of format {' or '.join(map(str, READABLE))}"
        place = ".".join(map(str, first["loc"])) or MANIFEST
        reason = validation_text(first["msg"])
        raise DataError(problem(where, f"{place}: {reason}", expected)) from error


def refuse_other_formats(text: bytes, where: str) -> JsonObject:
    """Check the format of a corpus.json before anything else in it, which another format may name otherwise.

    Args:
        text: Its content.
        where: Its path or URL, for messages.

    Returns:
        Its plain data.

    Raises:
        DataError: It is not JSON, states no format, or one that this version cannot read.
    """
    expected = f"a manifest of format {' or '.join(map(str, READABLE))}"
    plain = check_json_object(parse_json(text, where, expected), where, expected)
    number = plain.get("format")
    if not isinstance(number, int):
        raise DataError(problem(where, "states no format", expected))
    if number not in READABLE:
        newer = (
            f"made by lavida-gen {str(plain.get('generator', '?'))[:20]}: use that version or a newer one to read it"
        )
        raise DataError(problem(where, f"format {number}", expected, newer))
    return plain
