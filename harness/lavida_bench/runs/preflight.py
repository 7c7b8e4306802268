"""Check that everything can be scored, before a model is fitted or loaded. All problems are reported at once.

refuse_unscorable(recipe, "recipe demo")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.common.distributed import Processes
from lavida_bench.config.recipe import RunRecipe, ScoreEntry
from lavida_bench.evaluation.measure import expected_counts
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.prompt_names import PromptNames, parse_prompt_names, prompt_names_from_list
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.protocols.rules import GENERIC_RULES
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, LavidaGenError, UserError, problem
from lavida_gen.recipe_files.reading import combined_error

SHOWN = 3  # missing videos that are listed


class EntryProblem(NamedTuple):
    """A problem of an entry of `score`: the entry's key that causes it, and the error."""

    key: str
    error: LavidaGenError


def refuse_unscorable(recipe: RunRecipe, where: str) -> None:
    """Refuse a recipe with an entry of `score` that cannot be scored.

    Before a fit, only the first process checks, for the fit sets the processes up by itself; the launcher ends the
    others when the first one fails. Otherwise all processes raise.

    Args:
        recipe: The recipe.
        where: What it is called, for the error.

    Raises:
        UserError: An entry is invalid. The message has a line for each problem and its key.
        DataError: All entries are valid, but files are missing.
    """
    per_entry = _collect(recipe.score, all_processes=recipe.fit is None)
    lines = [f"score[{n}].{key}: {error}" for n, problems in enumerate(per_entry) for key, error in problems]
    if lines:
        raise _combine(where, [item for problems in per_entry for item in problems], lines)


def refuse_unscorable_entry(entry: ScoreEntry) -> None:
    """Refuse one benchmark of the command line that cannot be scored, in all processes.

    Args:
        entry: The options of the command line.

    Raises:
        UserError: An option is invalid.
        DataError: All options are valid, but files are missing.
    """
    (problems,) = _collect([entry], all_processes=True)
    if len(problems) == 1:
        raise problems[0].error
    if problems:
        raise _combine(f"score {entry.benchmark}", problems, [f"{key}: {error}" for key, error in problems])


def _combine(where: str, problems: Sequence[EntryProblem], lines: Sequence[str]) -> LavidaGenError:
    invalid = any(isinstance(item.error, UserError) for item in problems)
    return combined_error(where, lines, UserError if invalid else DataError)


def _collect(entries: Sequence[ScoreEntry], all_processes: bool) -> list[list[EntryProblem]]:
    """The problems of each entry. Only the first process opens the benchmarks, for that may draw or index them."""
    processes = Processes.current()
    if all_processes:
        processes.gather(None)  # all meet here at once, after which the others wait longer than the launcher's timeout
    problems = [find_problems(entry, processes.first) for entry in entries]
    return processes.gather(problems)[0] if all_processes else problems


def find_problems(entry: ScoreEntry, check_files: bool = True) -> list[EntryProblem]:
    """Find everything that is wrong with an entry of `score`.

    Args:
        entry: The entry.
        check_files: Whether missing files are a problem too.

    Returns:
        The problems; [] if it can be scored.
    """
    problems: list[EntryProblem] = []
    benchmark = protocol = names = None
    with _collecting(problems, "benchmark"):
        benchmarks.find_class(entry.benchmark, allow_code=True)  # the entry was allowed
    if not problems:
        with _collecting(problems, "options"):
            root = None if entry.root is None else Path(entry.root)
            benchmark = benchmarks.make(entry.benchmark, root, entry.options, allow_code=True)
        with _collecting(problems, "protocol"):
            protocol = protocols.make(entry.protocol, GENERIC_RULES if benchmark is None else benchmark.rules)
    with _collecting(problems, "names"):
        names = parse_prompt_names(entry.names)
    with _collecting(problems, "absent"):
        if entry.absent:
            prompt_names_from_list(entry.absent, "names")
    if benchmark is not None and check_files:
        problems += _file_problems(entry, benchmark, protocol, names)
    return problems


def _file_problems(
    entry: ScoreEntry, benchmark: Benchmark, protocol: EvaluationProtocol | None, names: PromptNames | None
) -> list[EntryProblem]:
    """Problems of the files of a benchmark: missing ones, and videos without names for the prompt."""
    problems: list[EntryProblem] = []
    videos: list[TestVideo] = []
    with _collecting(problems, "root"):
        videos = benchmark.videos()
        if protocol is not None and not entry.allow_partial:
            refuse_partial(benchmark, protocol)
    with _collecting(problems, "names"):
        if protocol is not None and names is not None:
            names.record(protocol.select(videos))
    return problems


@contextmanager
def _collecting(problems: list[EntryProblem], key: str) -> Iterator[None]:
    """Append an error of the block to `problems`."""
    try:
        yield
    except LavidaGenError as error:
        problems.append(EntryProblem(key, error))


def refuse_partial(benchmark: Benchmark, protocol: EvaluationProtocol) -> None:
    """Refuse a benchmark of which videos or frames are missing that a protocol asks for.

    Args:
        benchmark: The benchmark on disk.
        protocol: The protocol.

    Raises:
        DataError: Videos or frames are missing. The message lists the first missing videos.
    """
    expected, videos = expected_counts(benchmark), benchmark.videos()
    found = len(videos), sum(video.frame_count for video in videos)
    if expected is None or not protocol.complete or (found[0] >= expected[0] and found[1] >= expected[1]):
        return
    got = f"{found[0]:,} of {expected[0]:,} videos, {found[1]:,} of {expected[1]:,} frames are at hand"
    missing = benchmark.log.missing
    if missing:
        got += f"; missing: {', '.join(missing[:SHOWN])}" + (" ..." if len(missing) > SHOWN else "")
    todo = (
        f"`lavida-bench check {benchmark.name}` lists what is missing; "
        "allow_partial (--allow-partial) marks the result as partial"
    )
    raise DataError(problem(benchmark.root, got, "all of them", todo))
