"""The part of `verify` that reads a shard: every sample is decoded, and what its records state is counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, open_input
from lavida_gen.common.text import counted
from lavida_gen.config.prompts import SEG, SLOT
from lavida_gen.corpus.manifest import ShardEntry
from lavida_gen.corpus.record import KEYS, NEW_KEYS, read_record, record_problems
from lavida_gen.corpus.schema import sample_row
from lavida_gen.corpus.shards import EncodedSample, encoded_sample, read_fields, to_json
from lavida_gen.corpus.stored_recipe import StoredRecipe
from lavida_gen.corpus.tar_files import WHOLE, tar_members
from lavida_gen.inspection.verify_files import damage
from lavida_gen.inspection.verify_pictures import PictureCheck
from lavida_gen.sampling.draws import sample_draws
from lavida_gen.scenes.evidence import FALSE_EVIDENCE, TRUE_EVIDENCE
from lavida_gen.scenes.sample import SampleRecord
from lavida_gen.storage.places import open_storage


@dataclass(frozen=True, slots=True)
class VerifyJob:
    """One shard to check, as it is sent to a worker.

    Attributes:
        corpus: Path or URL of the corpus.
        entry: Its entry in the manifest.
        format: Format of the corpus.
        recipe: The recipe in the manifest.
        recipe_digest: The digest of that recipe.
        quick: Whether to compare digest, size and number of samples alone.
    """

    corpus: str
    entry: ShardEntry
    format: int
    recipe: StoredRecipe
    recipe_digest: str
    quick: bool = False


@dataclass(slots=True)
class RecordCounts:
    """What the records of samples state, counted.

    Attributes:
        samples: Number of samples.
        exposed: Samples that show an anomaly.
        splits: Samples by ``kind/split``.
        licences: Samples by licence.
        origins: Samples by digest of the recipe, seed and version of the generator.
        uses: Samples by source, exposure and use; the use is "" in format 1.
        evidence: Listed names by source and class of evidence.
    """

    samples: int = 0
    exposed: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    origins: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    uses: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    evidence: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, record: SampleRecord) -> None:
        """Count a sample."""
        self.samples += 1
        self.exposed += record["exposed"]
        self.splits[f"{record['kind']}/{record['split']}"] += 1
        self.licences[record["licence"]] += 1
        self.origins[record["recipe"], record["seed"], record["generator"]] += 1
        self.uses[record["source"], record["exposure"], record.get("use", "")] += 1
        for name in record.get("evidence", ()):
            self.evidence[record["source"], name] += 1

    def update(self, other: RecordCounts) -> None:
        """Add the counts of another shard."""
        self.samples += other.samples
        self.exposed += other.exposed
        self.splits.update(other.splits)
        self.licences.update(other.licences)
        self.origins.update(other.origins)
        self.uses.update(other.uses)
        self.evidence.update(other.evidence)


@dataclass(slots=True)
class ShardFindings:
    """What one shard holds, and its problems.

    Attributes:
        entry: Its entry in the manifest.
        damaged: Whether its bytes have changed since it was built; if so, its samples are not checked.
        problems: Messages.
        counts: What its records state.
        rows: Digest of the rows that its samples have in stats.parquet; "" if samples were not or could not be read.
        groups: Groups of its scenes, which must be in one split only.
        unknown_keys: Keys of its records that this version does not know.
    """

    entry: ShardEntry
    damaged: bool = False
    problems: list[str] = field(default_factory=list)
    counts: RecordCounts = field(default_factory=RecordCounts)
    rows: str = ""
    groups: set[str] = field(default_factory=set)
    unknown_keys: set[str] = field(default_factory=set)


class RowsDigest:
    """SHA-256 of rows of stats.parquet, or of samples as the rows that they should have there."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add(self, row: Mapping[str, object]) -> None:
        """Add the next row."""
        self._sha256.update(to_json(row).encode("utf-8", "surrogatepass"))

    def text(self) -> str:
        """64 hexadecimal digits."""
        return self._sha256.hexdigest()


def expected_row(record: SampleRecord, shard: str, corpus_format: int) -> dict[str, object]:
    """The row of a sample in stats.parquet, without keys that this version does not know.

    Args:
        record: Its record, as the shard has it.
        shard: Its shard, relative to the corpus.
        corpus_format: Format of the corpus.
    """
    row = sample_row(record, shard) if corpus_format > 1 else {**record, "shard": shard}
    if len(record) > len(KEYS):
        return {key: value for key, value in row.items() if key not in record.keys() - set(KEYS)}
    return row


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
            return _check_shard(path, job, tick)
    except FileNotFoundError:
        return ShardFindings(job.entry, True, [f"{job.entry.file}: is missing"])


def _check_shard(path: Path, job: VerifyJob, tick: Callable[[], None]) -> ShardFindings:
    entry = job.entry
    try:
        wrong = damage(path, entry)
    except DataError as error:
        wrong = str(error)
    if wrong:
        return ShardFindings(entry, True, [f"{entry.file}: {wrong}"])
    if job.quick:
        return _count_samples(path, entry, tick)
    findings, rows, indices, pictures = ShardFindings(entry), RowsDigest(), list[int](), PictureCheck()
    readable = True
    try:
        for key, fields in read_fields(path, entry.file):
            record = _check_sample(key, fields, job, findings, pictures)
            if record is None:
                readable = False
                continue
            indices.append(record["index"])
            rows.add(expected_row(record, entry.file, job.format))
            tick()
    except DataError as error:
        readable = False
        findings.problems.append(str(error))
    if readable:
        findings.problems += _wrong_numbers(entry, indices)
    findings.rows = rows.text() if readable else ""
    return findings


def _count_samples(path: Path, entry: ShardEntry, tick: Callable[[], None]) -> ShardFindings:
    """What the names in a shard show: how many samples it holds, and their numbers. Nothing else is read."""
    findings, keys = ShardFindings(entry), list[str]()
    try:
        with open_input(path, MAX_STREAM, WHOLE) as file:
            for key, _ in groupby(tar_members(file, entry.file), key=lambda member: member.stem):
                keys.append(key)
                tick()
    except DataError as error:
        findings.problems.append(str(error))
        return findings
    numbers = [int(key) if key.isascii() and key.isdigit() and len(key) == 9 else -1 for key in keys]
    findings.problems += _wrong_numbers(entry, numbers)
    return findings


def _wrong_numbers(entry: ShardEntry, numbers: list[int]) -> Iterator[str]:
    """A shard must hold the samples of its entry in the manifest."""
    expected = range(entry.first, entry.first + entry.samples)
    if len(numbers) != entry.samples or any(a != b for a, b in zip(numbers, expected, strict=True)):
        got = f"holds {counted(len(numbers), 'sample')}"
        yield problem(entry.file, got, f"{entry.samples} from {entry.first} on, as in corpus.json")


def _check_sample(
    key: str, fields: dict[str, bytes], job: VerifyJob, findings: ShardFindings, pictures: PictureCheck
) -> SampleRecord | None:
    """Check one sample and count it; None if its record or its fields cannot be read."""
    entry = job.entry
    where = f"{entry.file}: sample {key}"
    try:
        if "json" not in fields:
            raise DataError(problem(where, "has no 'json'"))
        record = read_record(fields["json"], where)
        if job.format > 1 and NEW_KEYS[0] not in record:
            raise DataError(problem(where, f"is a sample of format 1; expected format {job.format}"))
        wrong = list(record_problems(record))
        findings.problems += (f"{where}: {text}" for text in wrong)
        if wrong:
            return None
        sample = encoded_sample(key, fields, record, where)
    except DataError as error:
        findings.problems.append(str(error))
        return None
    findings.problems += (
        f"{where}: {text}" for text in (*_fields(sample, fields), *_texts(sample, job), *pictures.problems(sample))
    )
    findings.counts.add(record)
    findings.groups.add(record["group"])
    findings.unknown_keys |= record.keys() - set(KEYS)
    return record


def _fields(sample: EncodedSample, fields: dict[str, bytes]) -> Iterator[str]:
    """Fields that no reader knows."""
    if len(fields) != 2 * len(sample.frames) + 1:
        for name in sorted(fields.keys() - {name for name, _ in sample.fields()}):
            yield f"has a field {name!r}; expected pictures, masks and json only"


def _texts(sample: EncodedSample, job: VerifyJob) -> Iterator[str]:
    """Problems of a record, beside those that prevent reading it."""
    record, entry, recipe = sample.record, job.entry, job.recipe
    if (record["kind"], record["split"]) != (entry.kind, entry.split):
        yield f"is {record['kind']}/{record['split']}; expected {entry.kind}/{entry.split}"
    if not record["key"] == sample.key == f"{record['index']:09d}":
        yield f"its key is {record['key']!r}; expected '{record['index']:09d}', its number"
    if record["answer"].count(SEG) != 1 or SEG in record["question"]:
        times = counted(record["answer"].count(SEG), "time")
        yield f"{SEG} occurs {times} in its answer; expected once, and not in the question"
    if any(name not in record["question"] for name in record["names"]):
        yield "a name is not listed in its question"
    elif record["recipe"] == job.recipe_digest:  # another digest is reported once for all samples
        yield from _prompt(record, recipe)
        if record["exposed"] != (sample_draws(recipe.seed, record["index"]).outcome < recipe.anomaly_ratio):
            drawn = "is normal" if record["exposed"] else "shows an anomaly"
            yield f"exposed is {record['exposed']}; by seed and anomaly_ratio of the recipe it {drawn}"
    for label, name in zip(record["labels"], record.get("evidence", ()), strict=False):
        classes = TRUE_EVIDENCE if label else FALSE_EVIDENCE
        if name not in classes:
            there = "there" if label else "not there"
            yield f"evidence {name!r} of a name that is {there}; expected {' or '.join(classes)}"


def _prompt(record: SampleRecord, recipe: StoredRecipe) -> Iterator[str]:
    """Question and answer must be of the recipe's bank of prompts."""
    names, rule = ", ".join(record["names"]), record["rule"]
    start = f"{rule} " if rule else ""
    if all(record["question"] != start + text.replace(SLOT, names) for text in recipe.prompts.questions):
        yield "its question is none of the recipe's prompts with its rule and names"
    if record["answer"] not in recipe.prompts.answers:
        yield "its answer is none of the recipe's prompts"
