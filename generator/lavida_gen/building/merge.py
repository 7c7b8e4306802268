"""Joining the parts of a build that were made in one place or several into a finished corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from lavida_gen.building.build import finished_ranges
from lavida_gen.building.finish import finish, remove_state
from lavida_gen.building.lock import locked
from lavida_gen.building.plan_file import PLAN, BuildPlan
from lavida_gen.building.shard_records import (
    ShardRecord,
    is_intact,
    missing_ranges,
    parse_shard_record,
    read_record_lines,
    record_name,
    write_record,
)
from lavida_gen.building.toolchain import refuse_mixture
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.input_file import MAX_STREAM, read_input
from lavida_gen.corpus.manifest import MANIFEST, Manifest
from lavida_gen.corpus.reader import read_manifest
from lavida_gen.sampling.parts import ShardRange
from lavida_gen.storage.base import Storage
from lavida_gen.storage.places import open_storage


def merge_parts(out: Path | str, parts: Sequence[Path | str] = (), mixed_toolchain: bool = False) -> Manifest:
    """Finish a corpus from parts. This needs no data set, only what the builds have written.

    Args:
        out: Folder or URL of the corpus; shards that it has already are used.
        parts: Folders or URLs of other parts; their shards are copied.
        mixed_toolchain: Whether the parts may have been made with different versions of the packages.

    Returns:
        The manifest of the finished corpus.

    Raises:
        UserError: The parts belong to different corpora or toolchains, or a place holds no part.
        DataError: Shards are missing; the message names them.
    """
    storage, others = open_storage(out), [open_storage(part) for part in parts]
    merged = _finished_corpus(storage)
    if merged is not None:
        return merged
    plan = _common_plan(storage, others)
    with locked(storage, plan) as finished:
        if finished is not None:
            return finished
        ranges = list(plan.ranges())
        records = finished_ranges(storage, ranges)
        for other in others:
            records |= _copy_ranges(other, storage, [part for part in ranges if part.name not in records])
        if len(records) < len(ranges):
            todo = f"build --shards {missing_ranges(ranges, records)} of the same recipe, then merge again"
            reasons = _unusable_records([storage, *others], [part for part in ranges if part.name not in records])
            got = "; ".join([f"{len(records)} of {len(ranges)} shards exist", *islice(reasons, 1)])
            raise DataError(problem(storage, got, todo=todo))
        if not mixed_toolchain:
            toolchains = [record.toolchain for record in records.values()]
            refuse_mixture(storage, toolchains, toolchains[0])
        return finish(plan, storage, [records[part.name] for part in ranges])


def _finished_corpus(storage: Storage) -> Manifest | None:
    """The manifest of a corpus that an earlier merge finished: the same command again has nothing to do.

    Raises:
        DataError: One of its shards is damaged.
    """
    if storage.size(PLAN) is not None or storage.size(MANIFEST) is None:
        return None
    manifest = read_manifest(storage.read(MANIFEST), storage.at(MANIFEST))
    for entry in manifest.shards:
        if not is_intact(storage, entry.file, entry.bytes, entry.sha256):
            got, todo = "is damaged or missing, and the corpus is finished", "build or fetch the corpus again"
            raise DataError(problem(storage.at(entry.file), got, todo=todo))
    remove_state(storage)  # of a merge that was killed while it removed it
    return manifest


def _unusable_records(places: Sequence[Storage], missing: Sequence[ShardRange]) -> Iterator[str]:
    """Why shards do not count though there are records of them."""
    for place in places:
        for part in missing:
            where = record_name(part.name)
            if place.size(where) is None:
                continue
            try:
                record, _ = parse_shard_record(place.read(where), part, place.at(where))
            except DataError as error:
                yield str(error)
            else:
                yield f"{place.at(record.files[0].file)} or the next one of its range is missing or damaged"


def _common_plan(storage: Storage, others: Sequence[Storage]) -> BuildPlan:
    """The plan that all places share."""
    plans: dict[str, BuildPlan] = {}
    for place in (storage, *others):
        if place.size(PLAN) is not None:
            plans[place.place] = BuildPlan.read(place.read(PLAN), place.at(PLAN))
        elif place is not storage:
            raise UserError(problem(place, "holds no part of a build", "a folder that `build --shards` has written"))
    if not plans:
        raise UserError(problem(storage, "holds no part of a build", "a folder that `build --shards` has written"))
    (first, plan), *rest = plans.items()
    for place_name, other in rest:
        if other.digest != plan.digest:
            got = f"is a part of recipe {other.name!r} ({other.digest[:12]})"
            raise UserError(problem(place_name, got, f"{plan.name!r} ({plan.digest[:12]}) as in {first}"))
    return plan


def _copy_ranges(other: Storage, storage: Storage, wanted: Sequence[ShardRange]) -> dict[str, ShardRecord]:
    """Copy the finished ones of some ranges from another place; return their records by name."""
    records = finished_ranges(other, wanted)
    for record in records.values():
        for file in record.files:
            with other.local_copy(file.file) as path:
                temporary = storage.temporary_file(file.file)
                temporary.write_bytes(read_input(path, MAX_STREAM, "a shard"))
                storage.put(temporary, file.file)
        write_record(storage, record, read_record_lines(other, record.name).decode().split("\n"))
    return records
