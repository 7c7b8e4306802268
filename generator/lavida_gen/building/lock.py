"""Locking the place of a build, after a check that it is empty or holds the same corpus, finished or not."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from lavida_gen.building.finish import remove_state, restore_extras
from lavida_gen.building.plan_file import PLAN, BuildPlan
from lavida_gen.building.shard_records import is_intact
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.corpus.manifest import MANIFEST, STATE, Manifest, PluginEntry
from lavida_gen.corpus.reader import read_manifest
from lavida_gen.recipe_files.diff import describe_changes
from lavida_gen.storage.base import KINDS, Storage
from lavida_gen.storage.folder import LocalFolder

_held: set[TextIO] = set()
"""The locks of this process."""


def _let_go() -> None:
    """In a forked worker: close the locks. They stay those of the parent and end with it, whatever the worker does."""
    for lock in _held:
        lock.close()
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


@contextmanager
def locked(storage: Storage, plan: BuildPlan, part: bool = False) -> Iterator[Manifest | None]:
    """Lock the place of a build.

    A folder is locked for one build of a whole corpus, or for any number of builds of a part. An object store has no
    locks and needs none: all builds of one recipe write the same bytes. Missing or damaged statistics and card of a
    finished corpus are written again if its shards are intact.

    Args:
        storage: The place.
        plan: The corpus that is to be built there.
        part: Whether only a part of it is.

    Yields:
        The manifest if the corpus is finished and intact, else None.

    Raises:
        UserError: The place holds another corpus or something else, or another build is running there.
    """
    refuse_foreign(storage, plan)
    with _lock(storage, part):
        try:
            if storage.size(MANIFEST) is not None:
                manifest = read_manifest(storage.read(MANIFEST), storage.at(MANIFEST))
                if all(is_intact(storage, entry.file, entry.bytes, entry.sha256) for entry in manifest.shards):
                    manifest = restore_extras(storage, manifest)
                    remove_state(storage)
                    yield manifest
                    return
                storage.remove(MANIFEST)  # a shard is damaged: the corpus is no longer finished
            storage.write(PLAN, plan.model_dump_json().encode())
            if not part or not isinstance(storage, LocalFolder):
                storage.remove_partial_files()
            yield None
        finally:
            if not part and storage.size(MANIFEST) is None and not any(storage.names(kind) for kind in KINDS):
                remove_state(storage)  # nothing was made, nothing is left
                for kind in KINDS:
                    storage.remove_folder(kind)


def refuse_foreign(storage: Storage, plan: BuildPlan) -> None:
    """Check that a place is empty or holds the planned corpus.

    Args:
        storage: The place.
        plan: The corpus.

    Raises:
        UserError: It holds something else.
    """
    if isinstance(storage, LocalFolder) and storage.path.exists() and not storage.path.is_dir():
        raise UserError(problem(storage, "is a file", "a folder for the corpus", "give another --out"))
    for file in (MANIFEST, PLAN):
        if storage.size(file) is None:
            continue
        existing = _existing(storage, file)
        if existing.digest != plan.digest:
            got = f"holds a corpus of recipe {existing.name!r}, not of this one: {_changes(existing, plan)}"
            raise UserError(problem(storage, got, todo="give another --out, or remove the folder"))
        return
    if any(entry != STATE for entry in storage.entries()):
        got = "is not empty and holds no corpus"
        raise UserError(problem(storage, got, "an empty or new folder", "give another --out"))


def _existing(storage: Storage, file: str) -> Manifest | BuildPlan:
    """The manifest or plan that a place holds. Raises UserError."""
    content, where = storage.read(file), storage.at(file)
    if file == PLAN:
        return BuildPlan.read(content, where)
    try:
        return read_manifest(content, where)
    except DataError as error:
        reason = str(error).removeprefix(f"{where}: ").partition("; expected")[0]
        got, todo = f"is not the manifest of a corpus ({reason})", "remove it, or give another --out"
        raise UserError(problem(where, got, todo=todo)) from error


def _changes(existing: Manifest | BuildPlan, plan: BuildPlan) -> str:
    """Why a corpus has other bytes: version, keys of the recipe, plug-ins, or else the annotations."""
    facts = []
    if existing.generator != plan.generator:
        facts.append(f"generator {existing.generator} -> {plan.generator}")
    recipe_changes = describe_changes(existing.recipe, plan.recipe)
    if recipe_changes:
        facts.append(recipe_changes)
    facts += _changed_plugins(existing.plugins, plan.plugins)
    if not facts:
        fingerprints = {source.name: source.fingerprint for source in existing.sources}
        changed = [entry.name for entry in plan.sources if fingerprints.get(entry.name) != entry.fingerprint]
        facts = [f"the annotations of {' and '.join(changed) or 'its sources'} have changed since"]
    return ", ".join(facts)


def _changed_plugins(existing: Sequence[PluginEntry], now: Sequence[PluginEntry]) -> Iterator[str]:
    """Plug-ins of other packages whose package or version has changed since the corpus was built."""
    before = {(row.family, row.name): f"{row.distribution} {row.version}" for row in existing}
    for plugin in now:
        provider = f"{plugin.distribution} {plugin.version}"
        former = before.get((plugin.family, plugin.name), provider)
        if former != provider:
            yield f"{plugin.family} {plugin.name}: {former} -> {provider}"


@contextmanager
def _lock(storage: Storage, part: bool) -> Iterator[None]:
    if not isinstance(storage, LocalFolder):
        yield
        return
    state = storage.file(STATE)
    new = [folder for folder in (storage.path, *storage.path.parents) if not folder.exists()]
    try:
        try:
            state.mkdir(parents=True, exist_ok=True)
            lock = storage.file(f"{STATE}/lock").open("w")
        except OSError as error:
            got = f"cannot be made ({error.strerror})"
            raise UserError(problem(storage, got, "a folder to write to", "give --out")) from error
        with lock:
            _take(lock, storage, part)
            _held.add(lock)
            try:
                yield
            finally:
                _held.discard(lock)
    finally:
        with suppress(OSError):  # the folder is not empty
            for folder in new:
                folder.rmdir()


def _take(lock: TextIO, storage: Storage, part: bool) -> None:
    try:
        fcntl.flock(lock, (fcntl.LOCK_SH if part else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(problem(storage, "another build is writing here", todo="wait for it, or give --out")) from error
    except OSError:
        return  # a network file system without locks; two builds of one recipe write the same bytes
