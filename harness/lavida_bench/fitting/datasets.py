"""Corpora to learn from, opened: shards by kind and split, checked, and fetched where they lie behind a URL.

A corpus behind a URL (http, https, hf, s3, gs, ...: whatever fsspec opens) becomes a folder in the cache that fills as
its shards are needed; every fetched shard is compared with the manifest's digest.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lavida_bench.config.recipe import DataEntry, LoaderSettings
from lavida_gen.common.atomic_file import partial_path, write_atomic
from lavida_gen.common.digests import sha256, sha256_file
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.corpus.manifest import MANIFEST, ShardEntry
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.storage.base import Storage
from lavida_gen.storage.cache import cache_root, file_digest
from lavida_gen.storage.places import is_url, open_storage

Check = Literal["digest", "size", "none"]
TRIES = 3
PAUSE = 1.0
"""Seconds before a second try at a shard; twice as many before the third."""


@dataclass(frozen=True, slots=True)
class LocalCorpus:
    """Where a corpus lies: its folder, and the URL that the folder is a copy of ("" = none)."""

    folder: Path
    url: str = ""

    def path(self, shard: ShardEntry) -> Path:
        """The shard as a local file; fetched first where it must be. Raises DataError."""
        path = self.folder / shard.file
        if self.url and not path.is_file():
            fetch_shard(open_storage(self.url), shard.file, path, shard.sha256)
        return path


@dataclass(frozen=True, slots=True)
class MixtureDataset:
    """The shards of one kind and split of one corpus; `weight` is its share of the steps."""

    name: str
    kind: str
    corpus: LocalCorpus
    shards: tuple[ShardEntry, ...]
    weight: float

    @property
    def sizes(self) -> tuple[int, ...]:
        """Samples of each shard."""
        return tuple(shard.samples for shard in self.shards)


def cache_folder(given: str | None) -> Path:
    """Where corpora behind a URL are kept."""
    return (Path(given).expanduser() if given else cache_root()) / "corpora"


def locate_corpus(corpus: str, cache: Path) -> LocalCorpus:
    """A corpus by folder or URL. Raises UserError or DataError."""
    if not is_url(corpus):
        return LocalCorpus(open_corpus(corpus).path)
    opened = open_corpus(corpus)
    text = opened.manifest.text()
    folder = cache / sha256(opened.place.encode() + text)[:32]
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / MANIFEST, text)
    return LocalCorpus(folder, opened.place)


def open_datasets(
    entries: Sequence[DataEntry], split: str, settings: LoaderSettings
) -> tuple[list[MixtureDataset], list[str]]:
    """The pools of all corpora, and what is wrong with their shards (these are left out).

    Raises UserError for a corpus or kind that is not there, DataError for a damaged shard unless the recipe says skip.
    """
    pools: list[MixtureDataset] = []
    damaged: list[str] = []
    for number, entry in enumerate(entries):
        store = locate_corpus(entry.corpus, cache_folder(settings.cache))
        manifest = open_corpus(store.folder).manifest
        here = [shard for shard in manifest.shards if shard.split == split and entry.kind in (None, shard.kind)]
        if not here:
            there = ", ".join(manifest.splits)
            wanted = f"{entry.kind or 'any'}/{split}"
            raise UserError(
                problem(f"data[{number}].corpus: {entry.corpus}", f"no shard of {wanted}", f"one of {there}")
            )
        found = _check(store, here, settings.check)
        damaged += found.values()
        sound = [shard for shard in here if shard.file not in found]
        same = any(pool.name.partition("/")[0] == manifest.name for pool in pools)
        name = f"{manifest.name}-{number}" if same else manifest.name  # two corpora of one recipe stay apart in logs
        for kind in sorted({shard.kind for shard in sound}):
            chosen = tuple(shard for shard in sound if shard.kind == kind)
            share = sum(shard.samples for shard in chosen) / sum(shard.samples for shard in sound)
            pools.append(MixtureDataset(f"{name}/{kind}", kind, store, chosen, entry.weight * share))
    if damaged and settings.damaged == "stop":
        todo = "build or fetch them again, or set fit.loader.damaged=skip"
        raise DataError(f"{len(damaged)} damaged shards; {todo}\n" + "\n".join(f"  {line}" for line in damaged))
    if not pools:
        raise DataError("every shard is damaged:\n" + "\n".join(f"  {line}" for line in damaged))
    return pools, damaged


def _check(store: LocalCorpus, shards: Sequence[ShardEntry], how: Check) -> dict[str, str]:
    """What is wrong with shards that lie here, by file. Those still to be fetched are checked when they come."""
    lying = [shard for shard in shards if not store.url or (store.folder / shard.file).is_file()]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
        said = threads.map(lambda shard: _fault(store.folder / shard.file, shard, how), lying)
        return {shard.file: words for shard, words in zip(lying, said, strict=True) if words}


def _fault(path: Path, shard: ShardEntry, how: Check) -> str:
    if not path.is_file():
        return problem(path, "is missing")
    size = path.stat().st_size
    if how != "none" and size != shard.bytes:
        return problem(path, f"{size:,} bytes", f"{shard.bytes:,}")
    if how == "digest" and file_digest(path) != shard.sha256:
        return problem(path, "other bytes than corpus.json says", f"sha256 {shard.sha256[:12]}")
    return ""


# ---- fetching -----------------------------------------------------------------------------------------------------


def fetch_shard(place: Storage, file: str, path: Path, sha256: str) -> None:
    """A shard into the cache, whole or not at all; of several processes one fetches, the others wait.

    Raises DataError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.is_file():
            return
        said = ""
        for attempt in range(TRIES):
            time.sleep(attempt * PAUSE)
            said = _fetch_once(place, file, path, sha256)
            if not said:
                return
    raise DataError(problem(place.at(file), f"{said}, {TRIES} times", todo="look at the place, then run it again"))


def _fetch_once(place: Storage, file: str, path: Path, sha256: str) -> str:
    """What went wrong, "" if nothing did."""
    partial = partial_path(path)  # the caller holds the lock
    try:
        with place.open(file) as source, open(partial, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        got = sha256_file(partial)
        if got == sha256:
            partial.replace(path)
            return ""
        return f"came with sha256 {got[:12]}, expected {sha256[:12]}"
    except Exception as error:  # each file system has exceptions of its own
        return f"cannot be fetched ({error})"
    finally:
        partial.unlink(missing_ok=True)
