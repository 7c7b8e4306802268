"""Opening a finished corpus and reading from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lavida_gen.errors import DataError, UserError, fault
from lavida_gen.manifest import FORMAT, MANIFEST, STATS, Manifest, ShardEntry
from lavida_gen.shards import Packed, read


class Corpus:
    """A finished corpus: its manifest at once, everything else when asked for."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest

    def rows(self) -> list[dict[str, Any]]:
        """The Record of every sample, with `shard` added, in sample order. Raises DataError."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = self.path / STATS
        try:
            rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise DataError(fault(file, f"cannot be read ({error})", todo="build or fetch the corpus again")) from error
        return rows

    def stored(self, indices: Iterable[int]) -> Iterator[Packed]:
        """The samples of these numbers, shard by shard, in ascending order. Raises UserError or DataError."""
        wanted = sorted(set(indices))
        for index in wanted:
            if not 0 <= index < self.manifest.samples:
                raise UserError(f"sample {index}: {self.path} has samples 0 to {self.manifest.samples - 1}")
        for shard in self.manifest.shards:
            here = {index for index in wanted if shard.first <= index < shard.first + shard.samples}
            for sample in read(self.path / shard.file) if here else ():
                if sample.record["index"] in here:
                    here.discard(sample.record["index"])
                    yield sample
                if not here:
                    break
            if here:
                raise DataError(fault(self.path / shard.file, f"has no sample {min(here)}", todo="build it again"))

    def file(self, shard: ShardEntry) -> Path:
        """Where a shard lies."""
        return self.path / shard.file


def open_corpus(path: str | Path) -> Corpus:
    """A finished corpus by its folder (or its corpus.json). Raises UserError or DataError."""
    folder = Path(path).expanduser()
    folder = folder.parent if folder.name == MANIFEST else folder
    file = folder / MANIFEST
    if not file.is_file():
        if (folder / ".build").is_dir():
            raise DataError(fault(folder, "is not finished", todo="run the same `lavida-gen build` again to go on"))
        raise UserError(fault(folder, f"holds no {MANIFEST}", "the folder of a finished corpus"))
    try:
        manifest = Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or MANIFEST
        raise DataError(fault(file, f"{place}: {first['msg']}", f"a manifest of format {FORMAT}")) from error
    if manifest.format != FORMAT:
        raise DataError(fault(file, f"format {manifest.format}", f"format {FORMAT}", "use the generator that made it"))
    return Corpus(folder, manifest)
