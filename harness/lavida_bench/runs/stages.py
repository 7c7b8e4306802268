"""run.json: the finished stages of a run folder, so that a stage that is done and unchanged is skipped next time.

    {"format": 1, "recipe": NAME, "stages": [{"name", "key", "seconds", "finished", "command", "facts"}]}

`key` is a digest of everything that determines a stage. A stage is recorded when it is finished, never before.
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
FIT_MARKER = Path("fit") / ".fit.json"
"""What the fit of a run writes while it goes on: run.json does not exist before the fit ends."""


def holds_run(folder: Path) -> bool:
    """Check whether a folder is a run folder.

    Args:
        folder: The folder, which may not exist.

    Returns:
        True for a run folder, finished or not.
    """
    return any((folder / file).is_file() for file in (FILE, FIT_MARKER))


@dataclass(frozen=True, slots=True)
class Stage:
    """One finished stage.

    Attributes:
        name: ``fit``, ``score LABEL`` or ``report``.
        key: Digest of everything that determines it.
        seconds: How long it took.
        finished: When, ISO 8601, UTC.
        command: The command line that ran it.
        facts: What a reader wants to know of it: files, numbers, all as text.
    """

    name: str
    key: str
    seconds: float
    finished: str
    command: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Stages:
    """The stages of a run folder.

    Attributes:
        run: The folder.
        recipe: Name of its recipe.
        writes: Whether this process writes run.json.
        done: Name -> finished stage, in the order in which they were first run.
    """

    run: Path
    recipe: str
    writes: bool = True
    done: dict[str, Stage] = field(default_factory=dict)

    @classmethod
    def open(cls, run: Path, recipe: str, writes: bool = True) -> Stages:
        """Read the stages of a folder.

        Args:
            run: The folder, which may not exist yet.
            recipe: Name of its recipe.
            writes: Whether this process writes run.json.

        Returns:
            Its stages.

        Raises:
            DataError: run.json cannot be read or is of another version.
        """
        path = run / FILE
        if not path.is_file():
            return cls(run, recipe, writes)
        todo = "remove it; finished work is found"
        plain = read_json_object(path, "what a run wrote", todo)
        try:
            version = plain["format"]
            done = {row["name"]: Stage(**row) for row in plain["stages"]} if version == FORMAT else {}
        except (KeyError, TypeError) as error:
            raise DataError(problem(path, f"cannot be read ({error})", todo=todo)) from error
        if version != FORMAT:
            raise DataError(problem(path, f"format {version!r}", str(FORMAT), "give another --out"))
        return cls(run, recipe, writes, done)

    def is_done(self, name: str, key: str) -> bool:
        """Whether a stage is finished with this key."""
        return name in self.done and self.done[name].key == key

    def run_stage(self, name: str, key: str, work: Callable[[], Mapping[str, str]]) -> Stage:
        """Run a stage and record it.

        Args:
            name: Its name.
            key: Digest of everything that determines it.
            work: Runs it and returns its facts.

        Returns:
            The finished stage.
        """
        start = time.perf_counter()
        facts = dict(work())
        finished = datetime.now(UTC).replace(microsecond=0).isoformat()
        self.done[name] = Stage(name, key, round(time.perf_counter() - start, 2), finished, command_line(), facts)
        if self.writes:
            stages = [asdict(stage) for stage in self.done.values()]
            write_json(self.run / FILE, {"format": FORMAT, "recipe": self.recipe, "stages": stages})
        return self.done[name]
