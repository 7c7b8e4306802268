"""The datasets of the training mixture: shards by corpus, kind and split, checked, and fetched where needed.

A corpus behind a URL (http, https, hf, s3, gs, ...: everything that fsspec opens) becomes a folder in the cache. Its
shards are fetched when they are needed, and each one is compared with its digest in the manifest.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lavida_bench.config.recipe import DataEntry, LoaderSettings
from lavida_gen.common.atomic_file import partial_path, write_atomic
from lavida_gen.common.digests import sha256, sha256_file
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.text import without_secrets
from lavida_gen.corpus.manifest import MANIFEST, ShardEntry
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.storage.base import Storage
from lavida_gen.storage.cache import cache_root, file_digest
from lavida_gen.storage.places import is_url, open_storage

Check = Literal["digest", "size", "none"]
TRIES, PIECE = 3, 1 << 20
PAUSE = 1.0
"""Seconds before the second try to fetch a shard, and twice this before the third."""


@dataclass(frozen=True, slots=True)
class LocalCorpus:
    """A corpus as a local folder.

    Attributes:
        folder: The folder; of a corpus behind a URL it has the shards that were fetched so far.
        url: The URL with its password, if it has one; "" if there is none.
    """

    folder: Path
    url: str = ""

    def path(self, shard: ShardEntry) -> Path:
        """Return the path of a shard, which is fetched first if necessary.

        Args:
            shard: An entry of the corpus' manifest.

        Raises:
            DataError: The shard cannot be fetched.
        """
        path = path_inside(self.folder, shard.file, self.folder, "do not trust this corpus", "the corpus")
        if self.url and not path.is_file():
            fetch_shard(open_storage(self.url), shard, path)
        return path


@dataclass(frozen=True, slots=True)
class MixtureDataset:
    """One dataset of the mixture: the shards of one kind and split of one corpus.

    Attributes:
        name: `corpus/kind`.
        kind: image or clip.
        corpus: Where the shards are.
        shards: Entries of the manifest.
        weight: Its share of the steps, relative to the other datasets' weights.
    """

    name: str
    kind: str
    corpus: LocalCorpus
    shards: tuple[ShardEntry, ...]
    weight: float

    @property
    def sizes(self) -> tuple[int, ...]:
        """Samples in each shard."""
        return tuple(shard.samples for shard in self.shards)


def cache_folder(given: str | None) -> Path:
    """Return the folder that keeps corpora behind a URL.

    Args:
        given: The recipe's `fit.loader.cache`, None for the user's cache.
    """
    return (Path(given).expanduser() if given else cache_root()) / "corpora"


def locate_corpus(corpus: str, cache: Path) -> LocalCorpus:
    """Find a corpus, or begin its copy in the cache.

    Args:
        corpus: Folder or URL.
        cache: Folder for corpora behind a URL.

    Raises:
        UserError: There is no such corpus.
        DataError: The corpus is damaged or cannot be read.
    """
    if not is_url(corpus):
        return LocalCorpus(open_corpus(corpus).path)
    opened = open_corpus(corpus)
    text = opened.manifest.text()
    folder = cache / sha256(opened.place.encode() + text)[:32]
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / MANIFEST, text)
    return LocalCorpus(folder, opened.url)


def open_datasets(
    entries: Sequence[DataEntry], split: str, settings: LoaderSettings
) -> tuple[list[MixtureDataset], list[str]]:
    """Open the datasets of all corpora of a recipe.

    Args:
        entries: The recipe's `data`.
        split: train or val.
        settings: How shards are checked, and what happens to damaged ones.

    Returns:
        The datasets, and one message for each damaged shard that was left out.

    Raises:
        UserError: A corpus does not exist or has no shard of the kind and split.
        DataError: A shard is damaged and `settings.damaged` is stop, or every shard is damaged.
    """
    datasets: list[MixtureDataset] = []
    damaged: list[str] = []
    for number, entry in enumerate(entries):
        corpus = locate_corpus(entry.corpus, cache_folder(settings.cache))
        manifest = open_corpus(corpus.folder).manifest
        shards = [shard for shard in manifest.shards if shard.split == split and entry.kind in (None, shard.kind)]
        if not shards:
            where, wanted = f"data[{number}].corpus: {without_secrets(entry.corpus)}", f"{entry.kind or 'any'}/{split}"
            raise UserError(problem(where, f"no shard of {wanted}", f"one of {', '.join(manifest.splits)}"))
        problems = _check_shards(corpus, shards, settings.check)
        damaged += problems.values()
        undamaged = [shard for shard in shards if shard.file not in problems]
        taken = any(dataset.name.partition("/")[0] == manifest.name for dataset in datasets)
        name = f"{manifest.name}-{number}" if taken else manifest.name  # two corpora of one name differ in the log
        datasets += _split_by_kind(name, corpus, undamaged, entry.weight)
    if damaged and settings.damaged == "stop":
        todo = "build or fetch them again, or set fit.loader.damaged=skip"
        raise DataError(f"{len(damaged)} damaged shards; {todo}\n" + "\n".join(f"  {line}" for line in damaged))
    if not datasets:
        raise DataError("every shard is damaged:\n" + "\n".join(f"  {line}" for line in damaged))
    return datasets, damaged


def _split_by_kind(
    name: str, corpus: LocalCorpus, shards: Sequence[ShardEntry], weight: float
) -> Iterator[MixtureDataset]:
    """One dataset for each kind; they share the corpus' weight by their samples."""
    for kind in sorted({shard.kind for shard in shards}):
        chosen = tuple(shard for shard in shards if shard.kind == kind)
        share = sum(shard.samples for shard in chosen) / sum(shard.samples for shard in shards)
        yield MixtureDataset(f"{name}/{kind}", kind, corpus, chosen, weight * share)


def _check_shards(corpus: LocalCorpus, shards: Sequence[ShardEntry], check: Check) -> dict[str, str]:
    """Messages on damaged shards, by file. Shards that were not fetched yet are checked when they are."""
    inside = {shard.file: LocalCorpus(corpus.folder).path(shard) for shard in shards}
    present = [shard for shard in shards if not corpus.url or inside[shard.file].is_file()]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
        messages = threads.map(lambda shard: _check_shard(inside[shard.file], shard, check), present)
        return {shard.file: message for shard, message in zip(present, messages, strict=True) if message}


def _check_shard(path: Path, shard: ShardEntry, check: Check) -> str:
    """What is wrong with a shard, "" if nothing is."""
    if not path.is_file():
        return problem(path, "is missing")
    size = path.stat().st_size
    if check != "none" and size != shard.bytes:
        return problem(path, f"{size:,} bytes", f"{shard.bytes:,}")
    if check == "digest" and file_digest(path) != shard.sha256:
        return problem(path, "content differs from corpus.json", f"sha256 {shard.sha256[:12]}")
    return ""


# ---- fetching -----------------------------------------------------------------------------------------------------


def fetch_shard(storage: Storage, shard: ShardEntry, path: Path) -> None:
    """Fetch a shard into the cache, atomically. One of several processes fetches it, the others wait.

    Args:
        storage: Where the corpus is.
        shard: An entry of the manifest.
        path: Its path in the cache.

    Raises:
        DataError: It cannot be fetched, or has another digest, `TRIES` times.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.is_file():
            return
        failure = ""
        for attempt in range(TRIES):
            time.sleep(attempt * PAUSE)
            failure = _fetch_once(storage, shard, path)
            if not failure:
                return
    todo = "check the URL and the connection, then run it again"
    raise DataError(problem(storage.at(shard.file), f"{failure}, {TRIES} times", todo=todo))


def _fetch_once(storage: Storage, shard: ShardEntry, path: Path) -> str:
    """What failed, "" if nothing did."""
    partial = partial_path(path)
    try:
        with storage.open(shard.file) as source, open(partial, "wb") as target:
            while target.tell() <= shard.bytes and (piece := source.read(PIECE)):
                target.write(piece)
            if target.tell() > shard.bytes:
                return f"is longer than the {shard.bytes:,} bytes of corpus.json"
        got = sha256_file(partial)
        if got == shard.sha256:
            partial.replace(path)
            return ""
        return f"came with sha256 {got[:12]}, expected {shard.sha256[:12]}"
    except Exception as error:  # each file system has exceptions of its own
        return f"cannot be fetched ({without_secrets(error)})"
    finally:
        partial.unlink(missing_ok=True)
