"""Checking a corpus: every byte is read, every field decoded, and everything that can be recomputed is compared.

What the records of the shards state is counted again and compared with corpus.json, stats.parquet, LICENSE and the
preview; the recipe in corpus.json gives the digests and the ranges; the installed sources give the rights. Digests show
damage, not malice: whoever rewrites shards, files and manifest together is not detected. A quick check stops after
digests, sizes and counts: it opens no sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lavida_gen.common.digests import sha256_json
from lavida_gen.corpus.format1 import NOTE
from lavida_gen.corpus.manifest import LICENCE, PREVIEW, STATS
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.stored_recipe import StoredRecipe
from lavida_gen.engines.local import LocalEngine
from lavida_gen.inspection.rights import wrong_rights, wrong_uses
from lavida_gen.inspection.verify_files import card_licence, damaged_files, unlisted_files, wrong_licence_file
from lavida_gen.inspection.verify_manifest import contradictions, differences_from_records, toolchain_note
from lavida_gen.inspection.verify_rows import differences_in_rows, wrong_row_count
from lavida_gen.inspection.verify_shard import RecordCounts, ShardFindings, VerifyJob, verify_shard

NOT_BY_QUICK = (
    "pictures and masks: whether they can be decoded, and fit their records",
    "records: keys, prompts, names, labels, boxes, areas, evidence, uses",
    "scenes that are in train and in val",
    "what corpus.json, stats.parquet and the preview state of the records",
)
"""What a quick check leaves out."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of a check.

    Attributes:
        problems: Messages; none if the corpus is sound.
        damaged: Number of shards whose bytes have changed since they were built.
        notes: What is worth knowing but no problem.
        unchecked: What was not checked; nothing unless the check was quick.
    """

    problems: list[str]
    damaged: int
    notes: list[str] = field(default_factory=list)
    unchecked: tuple[str, ...] = ()


def verify_corpus(
    corpus: Corpus,
    workers: int = 1,
    progress: Callable[[int], None] = lambda n: None,
    trust_sources: bool = False,
    quick: bool = False,
) -> VerifyReport:
    """Check a whole corpus. Errors that follow from a damaged shard or file are not reported separately.

    Args:
        corpus: The corpus.
        workers: Number of processes.
        progress: Called with the number of samples checked since the last call.
        trust_sources: Whether corpus.json's word is taken for the rights of sources that this installation does not
            know; otherwise they count as forbidden.
        quick: Whether to stop after digests, sizes and counts, and what corpus.json states of itself.

    Returns:
        The problems.

    Raises:
        DataError: The place of the corpus cannot be read.
    """
    manifest = corpus.manifest
    recipe, digest = StoredRecipe.model_validate(manifest.recipe), sha256_json(manifest.recipe)
    jobs = [VerifyJob(corpus.place, entry, manifest.format, recipe, digest, quick) for entry in manifest.shards]
    workers = workers if corpus.storage.shared else 1
    scenes: dict[str, set[str]] = {}
    shards = list(gather_scenes(LocalEngine().run(verify_shard, jobs, workers, progress), scenes))
    shards.sort(key=lambda shard: shard.entry.first)
    problems = [problem for shard in shards for problem in shard.problems]
    if all(shard.rows for shard in shards):
        counts = RecordCounts()
        for shard in shards:
            counts.update(shard.counts)
        problems += differences_from_records(manifest, counts)
        problems += wrong_uses(manifest, counts)
    problems += contradictions(manifest)
    problems += wrong_rights(manifest, trust_sources)
    problems += _leaks(scenes)
    problems += _files(corpus, shards, quick)
    stray, leftovers = unlisted_files(corpus)
    damaged = sum(shard.damaged for shard in shards)
    notes = [*_notes(corpus, shards), *leftovers]
    return VerifyReport(problems + stray, damaged, notes, NOT_BY_QUICK if quick else ())


def find_problems(
    corpus: Corpus, workers: int = 1, progress: Callable[[int], None] = lambda n: None, trust_sources: bool = False
) -> list[str]:
    """Check a whole corpus, as `verify_corpus`, whose arguments these are.

    Returns:
        Messages; none if the corpus is sound.
    """
    return verify_corpus(corpus, workers, progress, trust_sources).problems


def _files(corpus: Corpus, shards: list[ShardFindings], quick: bool) -> Iterator[str]:
    """Problems of the files beside the shards: their bytes, then what they hold, of which `quick` counts rows."""
    damaged = damaged_files(corpus)
    yield from damaged.values()
    intact = {entry.file for entry in corpus.manifest.files} - damaged.keys()
    if LICENCE in intact:
        yield from wrong_licence_file(corpus)
    if STATS not in damaged:
        yield from wrong_row_count(corpus) if quick else differences_in_rows(corpus, shards, preview=PREVIEW in intact)


def gather_scenes(shards: Iterable[ShardFindings], scenes: dict[str, set[str]]) -> Iterator[ShardFindings]:
    """Take the groups of scenes out of shards as they come: memory grows with the scenes, not with the samples.

    Args:
        shards: What was found in each shard.
        scenes: Groups by split, to which those of the shards are added.

    Yields:
        The shards, without groups.
    """
    for shard in shards:
        scenes.setdefault(shard.entry.split, set()).update(shard.groups)
        shard.groups = set()
        yield shard


def _leaks(scenes: Mapping[str, set[str]]) -> Iterator[str]:
    """No scene may be in two splits, whatever its kind."""
    for group in sorted(scenes.get("train", set()) & scenes.get("val", set())):
        yield f"scene {group!r} is in train and in val"


def _notes(corpus: Corpus, shards: list[ShardFindings]) -> Iterator[str]:
    if corpus.manifest.format == 1:
        yield NOTE
    unknown = set[str]().union(*(shard.unknown_keys for shard in shards))
    if unknown:
        yield f"records have keys that this version does not know: {', '.join(sorted(unknown))}"
    yield from toolchain_note(corpus.manifest.toolchains)
    yield from card_licence(corpus)
