"""The rights of the sources of a corpus: what its manifest states, against what this installation knows about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from lavida_gen.common import plugins
from lavida_gen.common.errors import UserError, problem
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.text import counted
from lavida_gen.config.recipe import SOURCES, SourceConfig, local_options
from lavida_gen.corpus.manifest import MANIFEST, Manifest, SourceEntry
from lavida_gen.inspection.licences import borrows
from lavida_gen.inspection.verify_shard import RecordCounts
from lavida_gen.scenes.evidence import USES, Use, strictest
from lavida_gen.sources._base import Source, SourceInfo

TRUST = "install the package that provides it, or give --trust-sources if you trust whoever made the corpus"


@dataclass(frozen=True, slots=True)
class StatedRights:
    """What this installation states about the source of an entry of the manifest.

    Attributes:
        info: Its rights, with the options of all its entries in the recipe; None if it is not known here.
        laxest: The least strict use of those entries; that of the manifest if it is not known here.
    """

    info: SourceInfo | None
    laxest: Use


def combined_rights(first: SourceInfo, second: SourceInfo) -> SourceInfo:
    """The terms for samples of two folders that one source reads: both licences and attributions, the stricter use.

    Pictures that are of two kinds are of an unknown one.

    Args:
        first: The rights of one.
        second: Those of the other one.
    """
    strict = first if strictest([first.use, second.use]) == first.use else second
    licence = " and ".join(dict.fromkeys([first.licence, second.licence]))
    attribution = " and ".join(dict.fromkeys([first.attribution, second.attribution]))
    pictures = first.pictures if first.pictures == second.pictures else "unknown"
    return replace(strict, licence=licence, attribution=attribution, pictures=pictures)


def stated_rights(manifest: Manifest, entry: SourceEntry) -> StatedRights:
    """What this installation states about a source of a corpus. No code is imported that a manifest names.

    Args:
        manifest: The corpus.
        entry: The source.
    """
    try:
        source = plugins.find(SOURCES, Source, entry.name)
    except UserError:  # not installed, or package.module:Class
        return StatedRights(None, entry.use)
    rows = [row for row in manifest.recipe["sources"] if row["name"] == entry.name]
    infos = [_rights(source, row) for row in rows] or [source.about]
    if source.rights is not Source.rights and entry.name not in plugins.built_in(SOURCES):
        return StatedRights(None, entry.use)
    combined = infos[0]
    for info in infos[1:]:
        combined = combined_rights(combined, info)
    as_stated = len(infos) > 1 and entry.use == combined.use
    return StatedRights(combined, min((info.use for info in infos), key=USES.index) if as_stated else entry.use)


def _rights(source: type[Source], row: JsonObject) -> SourceInfo:
    """The rights of a source with the options that a stored recipe gives."""
    options = {key: value for key, value in row.items() if key not in SourceConfig.model_fields}
    places = dict.fromkeys(local_options(source.Options), Path())  # paths of the machine are not stored
    try:
        return source.Options.model_validate({**options, **places}).rights(source.about)
    except ValidationError:  # options of another version
        return source.about


def unknown_sources(manifest: Manifest) -> list[str]:
    """The names of the sources whose rights this installation does not know.

    Args:
        manifest: The corpus.
    """
    return [entry.name for entry in manifest.sources if stated_rights(manifest, entry).info is None]


def wrong_rights(manifest: Manifest, trust: bool) -> Iterator[str]:
    """Sources whose terms are not those that this installation states.

    Args:
        manifest: The corpus.
        trust: Whether its word is taken for sources that are not known here; else they count as forbidden.

    Yields:
        Problems.
    """
    for number, entry in enumerate(manifest.sources):
        where = f"{MANIFEST}: sources[{number}] ({entry.name})"
        info = stated_rights(manifest, entry).info
        if info is None:
            if entry.use != "forbidden" and not trust:
                got = f"use is {entry.use!r}, but this installation does not know the source"
                yield problem(where, got, "'forbidden', as for every unknown source", TRUST)
            continue
        if USES.index(entry.use) < USES.index(info.use):
            yield problem(where, f"use is {entry.use!r}", f"{info.use!r} or stricter, as the source states")
        elif entry.use == info.use:
            for key in ("licence", "attribution"):
                stated, expected = getattr(entry, key), getattr(info, key)
                if stated != expected:
                    yield problem(where, f"{key} is {stated!r}", f"{expected!r}, as the source states")


def wrong_uses(manifest: Manifest, counts: RecordCounts) -> Iterator[str]:
    """Records whose `use` does not follow from their sources.

    Args:
        manifest: The corpus.
        counts: What all records state.

    Yields:
        Problems.
    """
    entries = {entry.name: entry for entry in manifest.sources}
    all_uses = strictest(entry.use for entry in manifest.sources)
    for (source, exposure, use), count in sorted(counts.uses.items()):
        if source not in entries or use not in USES:
            continue  # reported elsewhere, or format 1
        entry = entries[source]
        low = stated_rights(manifest, entry).laxest
        high = all_uses if borrows(exposure) else entry.use
        if not USES.index(low) <= USES.index(use) <= USES.index(high):
            got = f"{counted(count, 'sample')} of source {source} made by {exposure} with use {use!r}"
            expected = f"{low!r}" if low == high else f"{low!r} to {high!r}"
            yield problem("the records in the shards", got, f"{expected}, as corpus.json states for the source")
