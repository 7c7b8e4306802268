"""Opening a finished corpus, in a folder or behind a URL, and reading from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.corpus.manifest import FORMAT, MANIFEST, STATE, STATS, Manifest, ShardEntry
from lavida_gen.corpus.shards import EncodedSample, read_shard
from lavida_gen.storage.base import Storage
from lavida_gen.storage.folder import LocalFolder
from lavida_gen.storage.places import open_storage


class Corpus:
    """A finished corpus: its manifest at once, everything else when asked for."""

    def __init__(self, storage: Storage, manifest: Manifest) -> None:
        self.storage, self.manifest = storage, manifest

    @property
    def place(self) -> str:
        """Folder or URL, as people write it."""
        return self.storage.place

    @property
    def path(self) -> Path:
        """The folder. Raises UserError for a corpus behind a URL: use `open` or `local_copy`."""
        if not isinstance(self.storage, LocalFolder):
            raise UserError(problem(self.place, "is a URL", "a folder", "download the corpus first"))
        return self.storage.path

    def open(self, file: str) -> BinaryIO:
        """A file of the corpus, seekable. Raises DataError."""
        try:
            return self.storage.open(file)
        except OSError as error:
            raise self._lost(file, error) from error

    def local_copy(self, file: str) -> AbstractContextManager[Path]:
        """A local path to a file of the corpus: the file itself, or a copy that is gone afterwards."""
        context: AbstractContextManager[Path] = self.storage.local_copy(file)
        return context

    def samples(self, shard: ShardEntry) -> Iterator[EncodedSample]:
        """The samples of one shard, in order. Raises DataError."""
        with self.open(shard.file) as file:
            yield from read_shard(file, self.storage.at(shard.file))

    def row_batches(self, columns: Sequence[str] | None = None, size: int = 16384) -> Iterator[list[dict[str, Any]]]:
        """`rows` piece by piece, in bounded memory; only some columns if they are named. Raises DataError."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with self.open(STATS) as file:
                table = pq.ParquetFile(file)
                lacking = set(columns or ()) - set(table.schema_arrow.names)
                if lacking:
                    raise ValueError(f"no column {min(lacking)!r}")
                for batch in table.iter_batches(size, columns=columns):
                    yield batch.to_pylist()
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._lost(STATS, error) from error

    def rows(self, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The Record of every sample, with `shard` added, in sample order. Raises DataError."""
        return [row for piece in self.row_batches(columns) for row in piece]

    def samples_by_index(self, indices: Iterable[int]) -> Iterator[EncodedSample]:
        """The samples of these numbers, shard by shard, in ascending order. Raises UserError or DataError."""
        wanted = sorted(set(indices))
        for index in wanted:
            if not 0 <= index < self.manifest.samples:
                raise UserError(f"sample {index}: {self.place} has samples 0 to {self.manifest.samples - 1}")
        for shard in self.manifest.shards:
            here = {index for index in wanted if shard.first <= index < shard.first + shard.samples}
            for sample in self.samples(shard) if here else ():
                if sample.record["index"] in here:
                    here.discard(sample.record["index"])
                    yield sample
                if not here:
                    break
            wanted = [index for index in wanted if not shard.first <= index < shard.first + shard.samples]
            if here:
                got = f"has no sample {min(here)}"
                raise DataError(problem(self.storage.at(shard.file), got, todo="build it again"))
        if wanted:
            raise self._lost(MANIFEST, ValueError(f"no shard holds sample {wanted[0]}"))

    def file(self, shard: ShardEntry) -> Path:
        """Where a shard of a folder lies. Raises UserError for a corpus behind a URL."""
        return self.path / shard.file

    def _lost(self, file: str, error: Exception) -> DataError:
        what = f"cannot be read ({error})"
        return DataError(problem(self.storage.at(file), what, todo="build or fetch the corpus again"))


def open_corpus(place: str | Path) -> Corpus:
    """A finished corpus by its folder, its URL, or its corpus.json. Raises UserError or DataError."""
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
    """The manifest behind the bytes of a corpus.json. Raises DataError."""
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
