"""Join the parts of a build that were made apart, in one place or in many, into a finished corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lavida_gen.building.build import finished_ranges
from lavida_gen.building.finish import finish
from lavida_gen.building.lock import locked
from lavida_gen.building.plan_file import PLAN, BuildPlan
from lavida_gen.building.shard_records import ShardRecord, missing_ranges, read_record_lines, write_record
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.corpus.manifest import MANIFEST, Manifest
from lavida_gen.sampling.parts import ShardRange
from lavida_gen.storage.base import Storage
from lavida_gen.storage.places import open_storage


def merge_parts(out: Path | str, parts: Sequence[Path | str] = ()) -> Manifest:
    """Finish the corpus at `out` from what lies there and in `parts` (which are copied and kept).

    Needs no data set, only what the builds have written. Raises UserError if parts belong to different corpora,
    DataError that names the shards still missing.
    """
    storage, others = open_storage(out), [open_storage(part) for part in parts]
    outline = _common(storage, others)
    with locked(storage, outline) as finished:
        if finished is not None:
            return finished
        ranges = list(outline.ranges())
        made = finished_ranges(storage, ranges)
        for other in others:
            _bring(other, storage, [one for one in ranges if one.name not in made], made)
        if len(made) < len(ranges):
            todo = f"build --shards {missing_ranges(ranges, made)} of the same recipe, then merge again"
            raise DataError(problem(storage, f"{len(made)} of {len(ranges)} shards are there", todo=todo))
        return finish(outline, storage, [made[one.name] for one in ranges])


def _common(storage: Storage, others: Sequence[Storage]) -> BuildPlan:
    """The plan that all places share."""
    found: dict[str, BuildPlan] = {}
    for place in (storage, *others):
        if place.size(PLAN) is not None:
            found[place.place] = BuildPlan.read(place.read(PLAN), place.at(PLAN))
        elif place.size(MANIFEST) is not None and place is storage:
            raise UserError(problem(place, "is a finished corpus already", todo="nothing is left to merge"))
        elif place is not storage:
            raise UserError(problem(place, "holds no part of a build", "a folder that `build --shards` has written"))
    if not found:
        raise UserError(problem(storage, "holds no part of a build", "a folder that `build --shards` has written"))
    (first, outline), *rest = found.items()
    for place_name, other in rest:
        if other.digest != outline.digest:
            got = f"is a part of recipe {other.name!r} ({other.digest[:12]})"
            raise UserError(problem(place_name, got, f"{outline.name!r} ({outline.digest[:12]}) as in {first}"))
    return outline


def _bring(other: Storage, storage: Storage, wanted: Sequence[ShardRange], made: dict[str, ShardRecord]) -> None:
    """Copy finished ranges of another place, shard by shard."""
    for one in finished_ranges(other, wanted).values():
        for file in one.files:
            with other.local_copy(file.file) as path:
                spool = storage.temporary_file(file.file)
                spool.write_bytes(path.read_bytes())
                storage.put(spool, file.file)
        write_record(storage, one, read_record_lines(other, one.name).decode().split("\n"))
        made[one.name] = one
