"""Checking a corpus against its manifest: every byte is read, every field decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lavida_gen.common.errors import DataError
from lavida_gen.common.input_file import MAX_STREAM, open_input
from lavida_gen.common.text import counted
from lavida_gen.config.prompts import SEG
from lavida_gen.corpus.format1 import NEW_KEYS, NOTE
from lavida_gen.corpus.manifest import FORMAT, ShardEntry
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.shards import EncodedSample, read_shard, size_and_sha256
from lavida_gen.engines.local import LocalEngine
from lavida_gen.inspection.verify_files import card_licence, damage, damaged_files, unlisted_files
from lavida_gen.scenes import images, masks
from lavida_gen.scenes.evidence import FALSE_EVIDENCE, TRUE_EVIDENCE, USES
from lavida_gen.scenes.sample import SampleRecord
from lavida_gen.storage.places import open_storage


@dataclass(frozen=True, slots=True)
class VerifyJob:
    """One shard to check, as it is sent to a worker; `corpus` is a path or URL."""

    corpus: str
    entry: ShardEntry
    format: int = FORMAT


@dataclass(slots=True)
class ShardFindings:
    """What one shard holds, and its problems.

    Attributes:
        entry: Its entry in the manifest.
        damaged: Whether its bytes have changed since it was built; if so, its samples are not checked.
        problems: Messages.
        indices: Numbers of its samples, in the order of the tar.
        exposed: Samples that show an anomaly.
        groups: Groups of its scenes, which must be in one split only.
        evidence: Names that its samples list, by source and class of evidence.
        unknown_keys: Keys of its records that this version does not know.
    """

    entry: ShardEntry
    damaged: bool = False
    problems: list[str] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    exposed: int = 0
    groups: set[str] = field(default_factory=set)
    evidence: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown_keys: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of a check.

    Attributes:
        problems: Messages; none if the corpus is sound.
        damaged: Number of shards whose bytes have changed since they were built.
        notes: What is worth knowing but no problem.
    """

    problems: list[str]
    damaged: int
    notes: list[str] = field(default_factory=list)


def verify_corpus(corpus: Corpus, workers: int = 1, progress: Callable[[int], None] = lambda n: None) -> VerifyReport:
    """Check a whole corpus. Errors that follow from a damaged shard are not reported separately.

    Args:
        corpus: The corpus.
        workers: Number of processes.
        progress: Called with the number of samples checked since the last call.

    Returns:
        The problems.

    Raises:
        DataError: The place of the corpus cannot be read.
    """
    jobs = [VerifyJob(corpus.url, entry, corpus.manifest.format) for entry in corpus.manifest.shards]
    workers = workers if corpus.storage.shared else 1
    shards = sorted(LocalEngine().run(verify_shard, jobs, workers, progress), key=lambda shard: shard.entry.first)
    damaged = sum(shard.damaged for shard in shards)
    problems = [problem for shard in shards for problem in shard.problems]
    if not damaged:
        problems += _totals(corpus, shards)
    problems += _rows(corpus)
    problems += _leaks(shards)
    problems += damaged_files(corpus)
    if not damaged and corpus.manifest.format > 1:
        problems += _evidence_totals(corpus, shards)
    stray, leftovers = unlisted_files(corpus)
    return VerifyReport(problems + stray, damaged, [*_notes(corpus, shards), *leftovers])


def find_problems(corpus: Corpus, workers: int = 1, progress: Callable[[int], None] = lambda n: None) -> list[str]:
    """Check a whole corpus, as `verify_corpus`.

    Args:
        corpus: The corpus.
        workers: Number of processes.
        progress: Called with the number of samples checked since the last call.

    Returns:
        Messages; none if the corpus is sound.
    """
    return verify_corpus(corpus, workers, progress).problems


def verify_shard(job: VerifyJob, tick: Callable[[], None]) -> ShardFindings:
    """Check every byte of one shard. Runs in any process.

    Args:
        job: The shard.
        tick: Called after each sample.

    Returns:
        What it holds, and its problems.
    """
    storage = open_storage(job.corpus)
    try:
        with storage.local_copy(job.entry.file, job.entry.bytes) as path:
            return _check_shard(path, job, storage.at(job.entry.file), tick)
    except FileNotFoundError:
        return ShardFindings(job.entry, True, [f"{job.entry.file}: is missing"])


def _check_shard(path: Path, job: VerifyJob, where: str, tick: Callable[[], None]) -> ShardFindings:
    entry = job.entry
    size, sha256 = size_and_sha256(path)
    if (size, sha256) != (entry.bytes, entry.sha256):
        return ShardFindings(entry, True, [f"{entry.file}: {damage(size, sha256, entry)}"])
    findings = ShardFindings(entry)
    try:
        for sample in _samples(path, where):
            problems = _sample(sample, job)
            findings.problems += (f"{entry.file}: sample {sample.key}: {problem}" for problem in problems)
            findings.unknown_keys |= sample.record.keys() - SampleRecord.__annotations__.keys()
            findings.indices.append(sample.record["index"])
            findings.exposed += sample.record["exposed"]
            findings.groups.add(sample.record["group"])
            classes = sample.record.get("evidence", ())
            findings.evidence.update((sample.record["source"], str(name)) for name in classes)
            tick()
    except DataError as error:
        findings.problems.append(str(error))
    if findings.indices != list(range(entry.first, entry.first + entry.samples)):
        held = counted(len(findings.indices), "sample")
        findings.problems.append(f"{entry.file}: holds {held}; expected {entry.samples} from {entry.first} on")
    return findings


def _samples(path: Path, where: str) -> Iterator[EncodedSample]:
    with open_input(path, MAX_STREAM, "a shard") as file:
        yield from read_shard(file, where)


def _sample(sample: EncodedSample, job: VerifyJob) -> Iterator[str]:
    record, entry = sample.record, job.entry
    expected = SampleRecord.__annotations__.keys() - (set(NEW_KEYS) if job.format == 1 else set())
    missing = expected - record.keys()
    if missing:
        yield f"its json does not have the keys of a sample record: {', '.join(sorted(missing))} missing"
        return
    if (record["kind"], record["split"]) != (entry.kind, entry.split):
        yield f"is {record['kind']}/{record['split']}; expected {entry.kind}/{entry.split}"
    if record["answer"].count(SEG) != 1 or SEG in record["question"]:
        times = counted(record["answer"].count(SEG), "time")
        yield f"{SEG} occurs {times} in its answer; expected once, and not in the question"
    if len(record["names"]) != len(record["labels"]) or not record["names"]:
        yield f"{counted(len(record['names']), 'name')} and {counted(len(record['labels']), 'label')}"
    if any(name not in record["question"] for name in record["names"]):
        yield "a name is not listed in its question"
    if record["exposed"] != any(record["labels"]):
        yield "exposed and labels disagree"
    if job.format > 1:
        yield from _evidence(record)
    yield from _pictures(sample)


def _evidence(record: SampleRecord) -> Iterator[str]:
    """Problems of the keys that came with format 2."""
    count = len(record["names"])
    for key in ("evidence", "originals"):
        if len(record[key]) != count:
            yield f"{counted(count, 'name')} and {len(record[key])} {key}"
    for label, name in zip(record["labels"], record["evidence"], strict=False):
        classes = TRUE_EVIDENCE if label else FALSE_EVIDENCE
        if name not in classes:
            there = "there" if label else "not there"
            yield f"evidence {name!r} of a name that is {there}; expected {' or '.join(classes)}"
    if len(record["seconds"]) != record["frames"]:
        yield f"{counted(record['frames'], 'frame')} and {len(record['seconds'])} seconds"
    if record["use"] not in USES:
        yield f"use is {record['use']!r}; expected {' or '.join(USES)}"


def _pictures(sample: EncodedSample) -> Iterator[str]:
    record, size = sample.record, (sample.record["height"], sample.record["width"])
    shown = False
    for time, (frame, mask) in enumerate(zip(sample.frames, sample.masks, strict=True)):
        try:
            images.decode(frame, size, f"frame {time}")
            bits = masks.from_png(mask, f"mask {time}")
        except DataError as error:
            yield str(error)
            continue
        if bits.shape != size:
            yield f"mask {time} is {bits.shape}; expected {size}"
            continue
        shown |= bool(bits.any())
        if list(masks.box(masks.encode(bits))) != record["boxes"][time]:
            yield f"mask {time} does not fill its box {record['boxes'][time]}"
    if shown != record["exposed"]:
        yield "its mask is empty, but it is exposed" if record["exposed"] else "its mask is not empty, but it is normal"


def _totals(corpus: Corpus, shards: list[ShardFindings]) -> Iterator[str]:
    manifest = corpus.manifest
    indices = [index for shard in shards for index in shard.indices]
    if sorted(indices) != list(range(manifest.samples)):
        samples = counted(manifest.samples, "sample")
        yield f"corpus.json: {samples}; found {len(set(indices))} different ones of {len(indices)}"
    exposed = sum(shard.exposed for shard in shards)
    if exposed != manifest.exposed:
        yield f"corpus.json: {counted(manifest.exposed, 'exposed sample')}; found {exposed}"
    splits = Counter[str]()
    for shard in shards:
        splits[f"{shard.entry.kind}/{shard.entry.split}"] += len(shard.indices)
    if dict(splits) != manifest.splits:
        yield f"corpus.json: splits {manifest.splits}; found {dict(splits)}"


def _rows(corpus: Corpus) -> Iterator[str]:
    manifest = corpus.manifest
    try:
        rows = [row["index"] for row in corpus.rows(["index"])]
    except DataError as error:
        yield str(error)
        return
    if rows != list(range(manifest.samples)):
        yield f"stats.parquet: {counted(len(rows), 'row')}; expected {manifest.samples:,}, one for each sample"


def _leaks(shards: list[ShardFindings]) -> Iterator[str]:
    """No scene may be in two splits, whatever its kind."""
    seen: dict[str, set[str]] = {}
    for shard in shards:
        seen.setdefault(shard.entry.split, set()).update(shard.groups)
    for group in sorted(seen.get("train", set()) & seen.get("val", set())):
        yield f"scene {group!r} is in train and in val"


def _evidence_totals(corpus: Corpus, shards: list[ShardFindings]) -> Iterator[str]:
    """The counts of evidence in the manifest against those of the records."""
    counts = sum((shard.evidence for shard in shards), Counter[tuple[str, str]]())
    totals, by_source = Counter[str](), dict[str, Counter[str]]()
    for (source, name), count in counts.items():
        totals[name] += count
        by_source.setdefault(source, Counter())[name] += count
    rows = [("evidence", corpus.manifest.evidence, totals)]
    rows += [
        (f"evidence of source {entry.name}", entry.evidence, by_source.get(entry.name, Counter()))
        for entry in corpus.manifest.sources
    ]
    for what, expected, found in rows:
        if expected != found:
            yield f"corpus.json: {what} {expected}; found {dict(found)}"


def _notes(corpus: Corpus, shards: list[ShardFindings]) -> Iterator[str]:
    if corpus.manifest.format == 1:
        yield NOTE
    unknown = set[str]().union(*(shard.unknown_keys for shard in shards))
    if unknown:
        yield f"records have keys that this version does not know: {', '.join(sorted(unknown))}"
    yield from card_licence(corpus)
