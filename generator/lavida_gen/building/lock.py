"""Whose is the place that a build wants to write to? Nobody's, its own unfinished or finished corpus, or another's."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from lavida_gen.building.finish import remove_state, restore_extras
from lavida_gen.building.plan_file import PLAN, BuildPlan
from lavida_gen.building.shard_records import is_intact
from lavida_gen.common.errors import UserError, problem
from lavida_gen.corpus.manifest import MANIFEST, STATE, Manifest, PluginEntry
from lavida_gen.corpus.reader import read_manifest
from lavida_gen.recipe_files.diff import describe_changes
from lavida_gen.storage.base import KINDS, Storage
from lavida_gen.storage.folder import LocalFolder


@contextmanager
def locked(storage: Storage, outline: BuildPlan, part: bool = False) -> Iterator[Manifest | None]:
    """Hold the place for this build; yields the manifest if the corpus is there already, whole.

    Statistics and card that are missing or damaged are written again, from shards that are whole.

    A folder is locked: for one whole build alone, or for any number of builds of a part each. An object store knows no
    locks and needs none: whoever builds the same recipe there writes the same bytes.
    Raises UserError if it belongs to another recipe, to another build that runs now, or to something else.
    """
    refuse_foreign(storage, outline)
    with _lock(storage, part):
        try:
            if storage.size(MANIFEST) is not None:
                manifest = read_manifest(storage.read(MANIFEST), storage.at(MANIFEST))
                if all(is_intact(storage, entry.file, entry.bytes, entry.sha256) for entry in manifest.shards):
                    restore_extras(storage, manifest)
                    remove_state(storage)
                    yield manifest
                    return
                storage.remove(MANIFEST)  # a damaged shard: it is no finished corpus any more
            storage.write(PLAN, outline.model_dump_json().encode())
            if not part or not isinstance(storage, LocalFolder):
                storage.remove_partial_files()
            yield None
        finally:
            if not part and storage.size(MANIFEST) is None and not any(storage.names(kind) for kind in KINDS):
                remove_state(storage)  # nothing was made: leave nothing
                for kind in KINDS:
                    storage.remove_folder(kind)


def refuse_foreign(storage: Storage, outline: BuildPlan) -> None:
    """Raises UserError if something else lies at the place."""
    if isinstance(storage, LocalFolder) and storage.path.exists() and not storage.path.is_dir():
        raise UserError(problem(storage, "is a file", "a folder for the corpus", "give another --out"))
    for file in (MANIFEST, PLAN):
        if storage.size(file) is None:
            continue
        try:
            held = json.loads(storage.read(file))
            name, changed = held["name"], "" if held["digest"] == outline.digest else _changed(held, outline)
        except (ValueError, KeyError, TypeError) as error:
            todo = "remove it, or give another --out"
            raise UserError(problem(storage.at(file), "is no manifest of a corpus", todo=todo)) from error
        if changed:
            got = f"holds a corpus of recipe {name!r}, not of this one: {changed}"
            raise UserError(problem(storage, got, todo="give another --out, or remove the folder"))
        return
    if any(entry != STATE for entry in storage.entries()):
        got = "is not empty and holds no corpus"
        raise UserError(problem(storage, got, "an empty or new folder", "give another --out"))


def _changed(held: dict[str, Any], outline: BuildPlan) -> str:
    """What of that which determines a corpus' bytes is another: version, keys of the recipe, or else annotations."""
    facts = []
    if held["generator"] != outline.generator:
        facts.append(f"generator {held['generator']} -> {outline.generator}")
    facts += filter(None, [describe_changes(held["recipe"], outline.recipe)])
    facts += _changed_plugins(held.get("plugins", ()), outline.plugins)
    if not facts:
        prints = {source["name"]: source["fingerprint"] for source in held["sources"]}
        changed = [one.name for one in outline.sources if prints.get(one.name) != one.fingerprint]
        facts = [f"the annotations of {' and '.join(changed) or 'its sources'} have changed since"]
    return ", ".join(facts)


def _changed_plugins(held: Sequence[dict[str, Any]], now: Sequence[PluginEntry]) -> Iterator[str]:
    """Plug-ins from outside this project that are of another package or version than those of the corpus."""
    before = {(row["family"], row["name"]): f"{row['distribution']} {row['version']}" for row in held}
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
    state = storage.path / STATE
    new = [folder for folder in (storage.path, *storage.path.parents) if not folder.exists()]
    try:
        try:
            state.mkdir(parents=True, exist_ok=True)
            lock = (state / "lock").open("w")
        except OSError as error:
            got = f"cannot be made ({error.strerror})"
            raise UserError(problem(storage, got, "a folder to write to", "give --out")) from error
        with lock:
            _take(lock, storage, part)
            yield
    finally:
        with suppress(OSError):  # it holds something
            for folder in new:
                folder.rmdir()


def _take(lock: TextIO, storage: Storage, part: bool) -> None:
    try:
        fcntl.flock(lock, (fcntl.LOCK_SH if part else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(problem(storage, "another build is writing here", todo="wait for it, or give --out")) from error
    except OSError:
        return  # a network file system without locks: two builds of one recipe write the same bytes
