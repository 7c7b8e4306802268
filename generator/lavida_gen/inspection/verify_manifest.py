"""The part of `verify` that compares corpus.json with what the records of the shards state, and with itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from lavida_gen.common import plugins
from lavida_gen.common.digests import sha256_json
from lavida_gen.common.errors import problem
from lavida_gen.common.text import counted
from lavida_gen.config.recipe import EXPOSURES, SOURCES
from lavida_gen.corpus.identity import identity
from lavida_gen.corpus.manifest import LICENCE, MANIFEST, PREVIEW, STATS, Manifest, ShardEntry
from lavida_gen.corpus.stored_recipe import StoredRecipe
from lavida_gen.inspection.verify_shard import RecordCounts
from lavida_gen.sampling.parts import KINDS, SPLITS, CorpusPart, cut_into_shards

FILES = {STATS: "stats", LICENCE: "licence", PREVIEW: "preview"}
"""Files beside the shards, with their roles."""
RECORDS = "as the records in the shards state"
RECIPE = "as its recipe states"


def differs(key: str, got: object, expected: object, why: str, file: str = MANIFEST) -> Iterator[str]:
    """One problem if two values differ.

    Args:
        key: What has the value.
        got: The value.
        expected: The value that it should have.
        why: Where that one comes from.
        file: The file that states `got`.
    """
    if got != expected:
        yield problem(file, f"{key} is {_shown(got)}", f"{_shown(expected)}, {why}")


def _shown(value: object) -> str:
    text = repr(dict(value) if isinstance(value, Counter) else value)
    return text if len(text) <= 300 else f"{text[:297]}..."


def differences_from_records(manifest: Manifest, counts: RecordCounts) -> Iterator[str]:
    """Compare the counts in a manifest with those of all records.

    Args:
        manifest: The manifest.
        counts: The counts of all shards.

    Yields:
        Problems.
    """
    yield from differs("samples", manifest.samples, counts.samples, RECORDS)
    yield from differs("exposed", manifest.exposed, counts.exposed, RECORDS)
    yield from differs("splits", manifest.splits, counts.splits, RECORDS)
    yield from differs("licences", manifest.licences, counts.licences, RECORDS)
    by_source, evidence = Counter[str](), dict[str, Counter[str]]()
    for (source, _, _), count in counts.uses.items():
        by_source[source] += count
    for (source, name), count in counts.evidence.items():
        evidence.setdefault(source, Counter())[name] += count
    for number, entry in enumerate(manifest.sources):
        place = f"sources[{number}] ({entry.name})"
        yield from differs(f"samples of {place}", entry.samples, by_source[entry.name], RECORDS)
        if manifest.format > 1:
            of_source = evidence.get(entry.name, Counter[str]())
            yield from differs(f"evidence of {place}", entry.evidence, of_source, RECORDS)
    if manifest.format > 1:
        total = sum(evidence.values(), Counter[str]())
        yield from differs("evidence", manifest.evidence, total, RECORDS)
    yield from _origins(manifest, counts)
    yield from _exposures(manifest, counts)


def _origins(manifest: Manifest, counts: RecordCounts) -> Iterator[str]:
    """Recipe, seed and generator of the records."""
    digest = sha256_json(manifest.recipe)
    facts = ("digest of its recipe", digest), ("seed", manifest.seed), ("generator", manifest.generator)
    for place, (key, stated) in enumerate(facts):
        found = Counter[object]()
        for origin, count in counts.origins.items():
            found[origin[place]] += count
        for value, count in sorted(found.items(), key=str):
            yield from differs(key, stated, value, f"as the records of {counted(count, 'sample')} state")


def _exposures(manifest: Manifest, counts: RecordCounts) -> Iterator[str]:
    """Sources and exposures that the recipe does not have."""
    recipe = StoredRecipe.model_validate(manifest.recipe)
    for what, place, known in (("source", 0, recipe.sources), ("exposure", 1, recipe.exposures)):
        names = {entry.name for entry in known}
        for name in sorted({key[place] for key in counts.uses} - names):
            number = sum(count for key, count in counts.uses.items() if key[place] == name)
            got = f"{counted(number, 'sample')} of {what} {name!r}"
            yield problem("the records in the shards", got, f"one of the recipe's: {', '.join(sorted(names))}")


def contradictions(manifest: Manifest) -> Iterator[str]:
    """What in a manifest contradicts its own recipe, or other parts of it.

    Args:
        manifest: The manifest.

    Yields:
        Problems.
    """
    recipe = StoredRecipe.model_validate(manifest.recipe)
    for key in ("name", "about", "seed", "samples"):
        yield from differs(key, getattr(manifest, key), getattr(recipe, key), RECIPE)
    names = list(dict.fromkeys(entry.name for entry in recipe.sources))
    listed = [entry.name for entry in manifest.sources]
    yield from differs("names of sources", listed, names, RECIPE)
    yield from _plugins(manifest, recipe)
    if listed == names:
        yield from _identity(manifest, recipe)
    yield from _toolchains(manifest)
    yield from _shards(manifest.shards, recipe)
    for kind in KINDS:
        by_split = {
            split: sum(s.samples for s in manifest.shards if (s.kind, s.split) == (kind, split)) for split in SPLITS
        }
        held_out = round(sum(by_split.values()) * recipe.val)
        yield from differs(
            f"samples of {kind}/val", by_split["val"], held_out, f"the share `val` of the recipe ({recipe.val})"
        )
    if manifest.format > 1:
        roles = {entry.file: entry.role for entry in manifest.files}
        yield from differs("roles of files", roles, FILES, "the files beside the shards")
        if len(roles) != len(manifest.files):
            yield problem(MANIFEST, "files: one is listed twice", "each file once")


def _plugins(manifest: Manifest, recipe: StoredRecipe) -> Iterator[str]:
    used = {("source", entry.name) for entry in recipe.sources} | {
        ("exposure", entry.name) for entry in recipe.exposures
    }
    listed = [(entry.family, entry.name) for entry in manifest.plugins]
    ours = {("source", name) for name in plugins.built_in(SOURCES)}
    ours |= {("exposure", name) for name in plugins.built_in(EXPOSURES)}
    for family, name in sorted(set(listed) - used):
        yield problem(MANIFEST, f"plugins: {family} {name!r} is not in its recipe", "plug-ins that the recipe uses")
    for family, name in sorted(used - ours - set(listed)):
        yield problem(MANIFEST, f"plugins: {family} {name!r} is missing", "every plug-in of another package")
    if len(listed) != len(set(listed)):
        yield problem(MANIFEST, "plugins: one is listed twice", "each plug-in once")


def _identity(manifest: Manifest, recipe: StoredRecipe) -> Iterator[str]:
    """The digest of the corpus, computed again."""
    fingerprints: list[str] = []
    parts: dict[str, list[str]] = {}
    for entry in manifest.sources:
        times = sum(other.name == entry.name for other in recipe.sources)
        words = entry.fingerprint.split(" ")  # joined by spaces, which those of some sources contain
        if len(words) % times:
            return  # nobody can separate them
        size = len(words) // times
        parts[entry.name] = [" ".join(words[start : start + size]) for start in range(0, len(words), size)]
    for row in recipe.sources:
        fingerprints.append(parts[row.name].pop(0))
    digest = sha256_json(manifest.recipe)
    expected = identity(manifest.format, manifest.generator, digest, fingerprints, manifest.plugins)
    why = "computed from format, generator, recipe, fingerprints of its sources and plug-ins"
    yield from differs("digest", manifest.digest, expected, why)


def _toolchains(manifest: Manifest) -> Iterator[str]:
    if manifest.format == 1:
        return
    count = len(manifest.toolchains)
    used = {shard.toolchain for shard in manifest.shards}
    for number in sorted(used - set(range(count))):
        files = [shard.file for shard in manifest.shards if shard.toolchain == number]
        got = f"toolchain {number} of {files[0]} ({counted(len(files), 'shard')})"
        yield problem(MANIFEST, got, f"a place in its list of {counted(count, 'toolchain')}")
    for number in sorted(set(range(count)) - used):
        yield problem(MANIFEST, f"toolchains[{number}] made no shard", "toolchains of shards only")
    expected = {"lavida-gen": manifest.generator, **{entry.distribution: entry.version for entry in manifest.plugins}}
    for number, toolchain in enumerate(manifest.toolchains):
        for package, version in expected.items():
            key = f"{package} of toolchains[{number}]"
            yield from differs(key, toolchain.get(package), version, "its `generator` and `plugins`")


def _shards(shards: Sequence[ShardEntry], recipe: StoredRecipe) -> Iterator[str]:
    """Names and first samples of the shards, as a build cuts the samples into ranges."""
    parts, start = [], 0
    for (kind, split), group in groupby(shards, key=lambda shard: (shard.kind, shard.split)):
        samples = sum(shard.samples for shard in group)
        parts.append(CorpusPart(kind, split, start, samples))
        start += samples
    ranges = cut_into_shards(parts, recipe.shard.samples)
    stem, pieces, start, stop = "", 0, 0, 0
    for number, shard in enumerate(shards):
        if start == stop:
            found = next(ranges, None)
            if found is None:
                yield problem(MANIFEST, f"shards[{number}]: {shard.file} is one too many", "the ranges of its recipe")
                return
            stem, pieces, stop = found.name, 0, found.stop
        name = f"{stem}x{pieces:03d}.tar" if pieces else f"{stem}.tar"
        stated = {"file": shard.file, "first": shard.first}
        if stated != {"file": name, "first": start}:
            yield from differs(
                f"shards[{number}]", stated, {"file": name, "first": start}, "by the ranges of its recipe"
            )
            return
        start, pieces = start + shard.samples, pieces + 1
        if start > stop or not shard.samples:
            got = f"shards[{number}]: {shard.file} has {counted(shard.samples, 'sample')}"
            yield problem(MANIFEST, got, f"at most {recipe.shard.samples}, the shards of its recipe")
            return


def toolchain_note(toolchains: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """What is worth knowing about a corpus of several toolchains.

    Args:
        toolchains: Those of the manifest.

    Yields:
        A note if there are several.
    """
    if len(toolchains) > 1:
        packages = sorted({package for one in toolchains for package in one})
        mixed = [name for name in packages if len({one.get(name) for one in toolchains}) > 1]
        yield f"shards of {len(toolchains)} toolchains, which differ in {', '.join(mixed)}"
