"""What results.json holds: everything that was measured in one run folder, and how to make it again.

    {"schema": 1, "entries": [{"result": ..., "baselines": [...], "names": [...], "data": ..., "provenance": ...}]}

One entry for each benchmark, protocol and method. `json_schema()` is the JSON schema. The version rises whenever a
reader of an older file could be misled.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.benchmarks._defects import Defect
from lavida_bench.protocols.protocol import plain_id
from lavida_bench.results.result import Result
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import read_json

SCHEMA = 1
FILE = "results.json"


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the numbers came about.

    Attributes:
        command: The exact command line.
        versions: Package -> version, of this project, Python and what computes.
        model: What identifies the method: checkpoint, preset, digest, ...; empty for scores from files.
        made: When, ISO 8601, UTC.
    """

    command: str
    versions: Mapping[str, str]
    model: Mapping[str, str]
    made: str


@dataclass(frozen=True, slots=True)
class DataUsed:
    """The files that were scored.

    Attributes:
        root: The benchmark's folder.
        settings: The benchmark's options that the user gave.
        licence: Its licence.
        defects: What was wrong with the files.
    """

    root: str
    settings: Mapping[str, object]
    licence: str
    defects: tuple[Defect, ...] = ()

    @classmethod
    def from_benchmark(cls, benchmark: Benchmark, defects: Sequence[Defect]) -> DataUsed:
        """Describe the files of a benchmark.

        Args:
            benchmark: The benchmark on disk.
            defects: What a check of it found.

        Returns:
            Its folder, options, licence and defects.
        """
        settings = benchmark.options.model_dump(mode="json", exclude_unset=True, exclude={"root"})
        return cls(str(benchmark.root), settings, benchmark.about.licence, tuple(defects))


@dataclass(frozen=True, slots=True)
class ResultEntry:
    """One method on one benchmark under one protocol.

    Attributes:
        result: The method's numbers.
        baselines: Those of the built-in methods, measured in the same way.
        names: Anomalies that were named to the method's prompt; () = none, or each video's own.
        data: The files that were scored.
        provenance: How the scores came about.
        scores: Folder of the method's scores by video, relative to the run folder; None if they were not kept.
        fingerprints: Digests of scores, labels and prompt (results/fingerprints.py); {} in results of older versions.
    """

    result: Result
    baselines: tuple[Result, ...]
    names: tuple[str, ...]
    data: DataUsed
    provenance: Provenance
    scores: str | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """(benchmark, protocol, method): a new measurement replaces the entry with the same key."""
        return self.result.benchmark, plain_id(self.result.protocol), self.result.method

    @property
    def slug(self) -> str:
        """The key as a file name, with a digest where the method's name has characters that it cannot keep."""
        benchmark, protocol, method = self.key
        plain = re.sub(r"[^\w.-]", "-", method).strip("-")
        suffix = "" if plain == method else f"-{sha256(method)[:8]}"
        return f"{benchmark}-{protocol}-{plain}{suffix}".replace("/", "-")


@dataclass(frozen=True, slots=True)
class RunResults:
    """All entries of a run folder, in the order in which they were first made."""

    entries: tuple[ResultEntry, ...] = ()

    def with_entry(self, entry: ResultEntry) -> RunResults:
        """Add an entry, or replace the one with its key.

        Args:
            entry: The new entry.

        Returns:
            A copy with it.
        """
        replaced = [entry if old.key == entry.key else old for old in self.entries]
        return RunResults(tuple(replaced if entry in replaced else [*replaced, entry]))

    def to_json(self) -> dict[str, object]:
        """The content of results.json: plain lists, dicts, numbers and None; coverage also as a share."""
        entries = []
        for entry in self.entries:
            plain = asdict(entry)
            plain["result"]["coverage"]["share"] = entry.result.coverage.share
            for plain_baseline, baseline in zip(plain["baselines"], entry.baselines, strict=True):
                plain_baseline["coverage"]["share"] = baseline.coverage.share
            entries.append(plain)
        return {"schema": SCHEMA, "entries": entries}

    @classmethod
    def from_json(cls, data: object, where: object = FILE) -> RunResults:
        """Parse the content of results.json.

        Args:
            data: What the JSON holds.
            where: The file, for errors.

        Returns:
            The entries.

        Raises:
            DataError: The schema is of another version, or the data does not follow it.
        """
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            got = data.get("schema") if isinstance(data, dict) else data
            raise DataError(problem(where, f"schema {got!r}", f"{SCHEMA}", "score again with this version"))
        if _has_non_finite(data):
            raise DataError(problem(where, "holds a number that is not finite", "null", "score again"))
        try:
            return _ADAPTER.validate_python({"entries": data.get("entries")})
        except ValidationError as error:
            first = error.errors()[0]
            got = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise DataError(problem(where, got, todo="the file was changed by hand; score again")) from error


def _has_non_finite(value: object) -> bool:
    """Whether NaN or an infinity is in a JSON value, which Python reads and no report can hold."""
    if isinstance(value, dict | list):
        return any(_has_non_finite(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and not math.isfinite(value)


_ADAPTER = TypeAdapter(RunResults)


def json_schema() -> dict[str, object]:
    """The JSON schema of results.json."""
    schema = _ADAPTER.json_schema()
    schema["properties"] = {"schema": {"const": SCHEMA}, **schema["properties"]}
    return schema


def read(run: Path) -> RunResults:
    """Read the results of a run folder.

    Args:
        run: The folder.

    Returns:
        The entries of its results.json.

    Raises:
        DataError: It has none, or it cannot be read.
    """
    path = run / FILE
    if not path.is_file():
        todo = "give a folder that `lavida-bench run`, `report` or `score-files` wrote"
        raise DataError(problem(path, "no such file", "the results of a run", todo))
    return RunResults.from_json(read_json(path, "the results of a run", "score again"), path)


def write(run: Path, results: RunResults) -> None:
    """Write results.json, whole or not at all.

    Args:
        run: The run folder, made where it is missing.
        results: Its entries.

    Raises:
        DataError: The disk is full.
    """
    run.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results.to_json(), ensure_ascii=False, indent=1, allow_nan=False)
    write_atomic(run / FILE, text.encode())
