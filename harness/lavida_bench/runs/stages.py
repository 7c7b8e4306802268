"""What a run folder has done so far: run.json, so that a stage that is done and unchanged is left out next time.

    {"format": 1, "recipe": NAME, "stages": [{"name", "key", "seconds", "finished", "command", "facts"}]}

`key` is a digest of everything that determines a stage. A stage is entered when it is finished, never before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lavida_bench.results.provenance import command_line
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import read_json_object, write_json

FORMAT = 1
FILE = "run.json"


OWNED = Path("fit") / ".fit.json"
"""What a run's fit leaves while it goes on: there is no run.json before it ends."""


def holds_run(folder: Path) -> bool:
    """Whether a folder is a run's, finished or not."""
    return any((folder / file).is_file() for file in (FILE, OWNED))


@dataclass(frozen=True, slots=True)
class Stage:
    """One finished stage.

    facts  what a reader wants to know: files, numbers, all as text
    """

    name: str
    key: str
    seconds: float
    finished: str
    command: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Stages:
    """The stages of a run folder. `writes`: whether this process keeps run.json."""

    run: Path
    recipe: str
    writes: bool = True
    done: dict[str, Stage] = field(default_factory=dict)

    @classmethod
    def open(cls, run: Path, recipe: str, writes: bool = True) -> Stages:
        """Of a folder that may be new. Raises DataError for a run.json that cannot be read."""
        path = run / FILE
        if not path.is_file():
            return cls(run, recipe, writes)
        try:
            plain = read_json_object(path, "what a run wrote", "remove it; finished work is found")
            if plain["format"] != FORMAT:
                raise DataError(problem(path, f"format {plain['format']!r}", str(FORMAT), "give another --out"))
            done = {row["name"]: Stage(**row) for row in plain["stages"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                problem(path, f"cannot be read ({error})", todo="remove it; finished work is found")
            ) from error
        return cls(run, recipe, writes, done)

    def fresh(self, name: str, key: str) -> bool:
        """Whether a stage is done with this key."""
        return name in self.done and self.done[name].key == key

    def do(self, name: str, key: str, work: Callable[[], Mapping[str, str]]) -> Stage:
        """Runs a stage and enters it with the facts that it gives."""
        start = time.perf_counter()
        facts = dict(work())
        finished = datetime.now(UTC).replace(microsecond=0).isoformat()
        self.done[name] = Stage(name, key, round(time.perf_counter() - start, 2), finished, command_line(), facts)
        if self.writes:
            plain = {"format": FORMAT, "recipe": self.recipe, "stages": [asdict(stage) for stage in self.done.values()]}
            write_json(self.run / FILE, plain)
        return self.done[name]
