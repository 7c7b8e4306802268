"""The preview of a corpus: a WebDataset tar of a few samples with flat fields, for viewers of tables.

Fields: ``jpg`` (the picture with the anomaly outlined; the frames of a clip side by side), ``question.txt``,
``answer.txt``, ``names.txt`` and ``evidence.txt`` (a line for each name), ``source.txt``, ``exposure.txt``,
``exposed.cls`` (0 or 1) and ``area.txt`` (largest share of a frame that the anomaly covers).
"""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import JsonObject
from lavida_gen.corpus.manifest import Manifest
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.schema import Feature
from lavida_gen.corpus.shards import EncodedSample, tar_header
from lavida_gen.engines._base import Tick, WorkerPool
from lavida_gen.inspection.preview import choose_samples
from lavida_gen.inspection.show import contact_sheet
from lavida_gen.scenes import images
from lavida_gen.scenes.sample import SampleRecord
from lavida_gen.storage.folder import LocalFolder
from lavida_gen.storage.places import open_storage

MOST, LEAST, EVERY = 300, 24, 100
"""Samples of a preview: one of 100, at least 24 (or all), at most 300: it takes little of a build's time."""
ROWS = 20_000
"""Rows that samples are chosen from, evenly spaced: memory is bounded for a corpus of any size."""
WIDTH = 480
"""Largest width of a picture in pixels."""
TEXTS = ("question", "answer", "names", "evidence", "source", "exposure")
_BLOCK, _RECORD = 512, 10240


def preview_features() -> list[Feature]:
    """The fields of a sample of the preview, as `datasets` reads them from a data set card."""
    texts = dict.fromkeys(("__key__", "__url__", *(f"{name}.txt" for name in TEXTS), "area.txt"), "string")
    types = {**texts, "jpg": "image", "exposed.cls": "int64"}
    return [{"name": name, "dtype": kind} for name, kind in types.items()]


@dataclass(frozen=True, slots=True)
class ShardSamples:
    """Samples of one shard for the preview, as they are sent to a worker.

    Attributes:
        corpus: Path or URL of the corpus.
        manifest: Its manifest with this shard alone.
        indices: Numbers of the samples, ascending.
    """

    corpus: str
    manifest: Manifest
    indices: tuple[int, ...]


def preview_tar(corpus: Corpus, pool: WorkerPool | None = None) -> bytes:
    """Make the preview of a corpus: equal corpora give equal bytes.

    Args:
        corpus: The corpus; its shards and stats.parquet exist.
        pool: Workers to make the pictures; None to make them here.

    Returns:
        The tar.

    Raises:
        DataError: The corpus cannot be read.
    """
    limit = min(MOST, max(LEAST, len(corpus) // EVERY))
    step = max(1, len(corpus) // ROWS)
    rows = chain.from_iterable(corpus.row_batches(["index", "source", "kind", "exposure"]))
    chosen = choose_samples(_every(rows, step), limit)
    if pool is None:
        members = _members(corpus, chosen)
    else:
        members = b"".join(data for _, data in sorted(pool(shard_members, list(_by_shard(corpus, chosen)))))
    return members + bytes(2 * _BLOCK + -(len(members) + 2 * _BLOCK) % _RECORD)


def _by_shard(corpus: Corpus, indices: Sequence[int]) -> Iterator[ShardSamples]:
    place = str(corpus.path.absolute()) if isinstance(corpus.storage, LocalFolder) else corpus.url
    for shard in corpus.manifest.shards:
        own = indices[bisect_left(indices, shard.first) : bisect_left(indices, shard.first + shard.samples)]
        if own:
            yield ShardSamples(place, corpus.manifest.model_copy(update={"shards": [shard]}), tuple(own))


def shard_members(job: ShardSamples, tick: Tick) -> tuple[int, bytes]:
    """Make the part of the preview that shows samples of one shard. Runs in any process.

    Args:
        job: The samples.
        tick: Called when all are made.

    Returns:
        Number of the first sample, to sort by, and the members of the tar.

    Raises:
        DataError: The shard cannot be read.
    """
    members = _members(Corpus(open_storage(job.corpus), job.manifest), job.indices)
    tick()
    return job.indices[0], members


def _members(corpus: Corpus, indices: Iterable[int]) -> bytes:
    """The samples as members of a tar."""
    out = io.BytesIO()
    for sample in corpus.samples_by_index(indices):
        for field_name, data in _readable_fields(sample):
            out.write(tar_header(f"{sample.key}.{field_name}", len(data)))
            out.write(data + bytes(-len(data) % _BLOCK))
    return out.getvalue()


def _every(rows: Iterable[JsonObject], step: int) -> Iterator[JsonObject]:
    return (row for row in rows if row["index"] % step == 0)


def _readable_fields(sample: EncodedSample) -> list[tuple[str, bytes]]:
    """As `_fields`. Pictures that are passed through undecoded may be broken between a good head and end."""
    try:
        return list(_fields(sample))
    except DataError as error:
        where = f"sample {sample.record['index']}, scene {sample.record['scene']}"
        todo = "replace that picture or take it out of the data set, and build again"
        raise DataError(problem(where, str(error), todo=todo)) from error


def _fields(sample: EncodedSample) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the fields of a sample."""
    record = sample.record
    width = min(WIDTH, record["width"] * min(4, record["frames"]))
    yield "jpg", images.encode_jpeg(contact_sheet(sample, width), 85)
    yield from readable_texts(record).items()


def readable_texts(record: SampleRecord | JsonObject) -> dict[str, bytes]:
    """The fields of a sample beside its picture.

    Args:
        record: Its record, or its row in stats.parquet.
    """
    texts = {
        "question": record["question"],
        "answer": record["answer"],
        "names": "\n".join(record["names"]),
        "evidence": "\n".join(record["evidence"]),
        "source": record["source"],
        "exposure": record["exposure"],
    }
    fields = {f"{name}.txt": texts[name].encode() for name in TEXTS}
    fields["exposed.cls"] = b"1" if record["exposed"] else b"0"
    fields["area.txt"] = f"{max(record['areas']):.6f}".encode()
    return fields
