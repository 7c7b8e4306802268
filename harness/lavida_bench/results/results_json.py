"""What results.json holds: everything that was measured in one run folder, and how to make it again.

    {"schema": 1, "entries": [{"result": ..., "baselines": [...], "names": [...], "data": ..., "provenance": ...}]}

One entry for each benchmark, protocol and method. `schema()` is the JSON schema. The version rises
whenever a reader of an older file could be misled.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lavida_bench.benchmarks._base import Benchmark, Defect
from lavida_bench.results.result import Result
from lavida_gen.common.errors import DataError, problem
from lavida_gen.corpus.shards import write_whole

SCHEMA = 1
FILE = "results.json"


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the numbers came about.

    command   the exact command line
    versions  of this project, Python and what computes
    model     what identifies the method: checkpoint, preset, digest, ... () for scores from files
    made      when, ISO 8601, UTC
    """

    command: str
    versions: Mapping[str, str]
    model: Mapping[str, str]
    made: str


@dataclass(frozen=True, slots=True)
class DataUsed:
    """The files that were scored. `settings` are the benchmark's options that were given."""

    root: str
    settings: Mapping[str, Any]
    licence: str
    defects: tuple[Defect, ...] = ()

    @classmethod
    def of(cls, benchmark: Benchmark) -> DataUsed:
        """As they are known now: after scoring, with what reading has found."""
        from lavida_bench.benchmarks._check import missing

        defects = (*missing(benchmark, len(benchmark.loaded())), *benchmark.defects)
        settings = benchmark.options.model_dump(mode="json", exclude_unset=True, exclude={"root"})
        return cls(str(benchmark.root), settings, benchmark.about.licence, defects)


@dataclass(frozen=True, slots=True)
class ResultEntry:
    """One method on one benchmark under one protocol.

    baselines  the built-in methods, measured in the same way
    names      anomalies that were named to the method's prompt; () = none, or each video's own
    scores     folder of the method's scores by video, relative to the run folder; None if they were not kept
    """

    result: Result
    baselines: tuple[Result, ...]
    names: tuple[str, ...]
    data: DataUsed
    provenance: Provenance
    scores: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What is replaced when it is measured again: benchmark, protocol, method."""
        return self.result.benchmark, self.result.protocol.removesuffix(" (partial)"), self.result.method

    @property
    def slug(self) -> str:
        """The key as a file name; two methods that differ in an odd character only have two."""
        benchmark, protocol, method = self.key
        plain = re.sub(r"[^\w.-]", "-", method).strip("-")
        mark = "" if plain == method else f"-{hashlib.sha256(method.encode()).hexdigest()[:8]}"
        return f"{benchmark}-{protocol.replace('/', '-')}-{plain}{mark}"


@dataclass(frozen=True, slots=True)
class RunResults:
    """All entries of a run folder, in the order in which they were first made."""

    entries: tuple[ResultEntry, ...] = ()

    def with_entry(self, entry: ResultEntry) -> RunResults:
        """The same with one more, in the place of an older one of the same key."""
        kept = [entry if one.key == entry.key else one for one in self.entries]
        return RunResults(tuple(kept if entry in kept else [*kept, entry]))

    def to_json(self) -> dict[str, Any]:
        """Plain lists, dicts, numbers and None; coverage also as a share."""
        plain = {"schema": SCHEMA, **asdict(self)}
        for entry, made in zip(plain["entries"], self.entries, strict=True):
            results = [(entry["result"], made.result), *zip(entry["baselines"], made.baselines, strict=True)]
            for written, result in results:
                written["coverage"]["share"] = result.coverage.share
        return plain

    @classmethod
    def from_json(cls, data: Any, where: object = FILE) -> RunResults:
        """Raises DataError for another schema version and for what does not follow the schema."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            got = data.get("schema") if isinstance(data, dict) else data
            raise DataError(problem(where, f"schema {got!r}", f"{SCHEMA}", "score again with this version"))
        try:
            return _ADAPTER.validate_python({"entries": data.get("entries")})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            got = f"{place}: {first['msg']}"
            raise DataError(problem(where, got, todo="the file was changed by hand; score again")) from error


_ADAPTER = TypeAdapter(RunResults)


def json_schema() -> dict[str, Any]:
    """The JSON schema of results.json."""
    made = _ADAPTER.json_schema()
    made["properties"] = {"schema": {"const": SCHEMA}, **made["properties"]}
    return made


def read(run: Path) -> RunResults:
    """The record of a run folder. Raises DataError if it has none or cannot be read."""
    path = run / FILE
    if not path.is_file():
        todo = "give a folder that `lavida-bench run`, `report` or `score-files` wrote"
        raise DataError(problem(path, "no such file", "the results of a run", todo))
    try:
        data = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(problem(path, f"is no JSON ({error})", "the results of a run", "score again")) from error
    return RunResults.from_json(data, path)


def write(run: Path, record: RunResults) -> None:
    """Writes results.json, whole. Raises DataError."""
    run.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record.to_json(), ensure_ascii=False, indent=1, allow_nan=False)
    write_whole(run / FILE, text.encode())
