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
from lavida_bench.benchmarks._gate import admit
from lavida_bench.common.distributed import Processes
from lavida_bench.common.progress import Bar, no_bar
from lavida_bench.config.recipe import RunRecipe, ScoreEntry
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.prompt_names import PromptNames, parse_prompt_names, prompt_names_from_list
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.protocols.rules import GENERIC_RULES
from lavida_bench.scorers import _base as scorers
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, LavidaGenError, UserError
from lavida_gen.recipe_files.reading import combined_error


class EntryProblem(NamedTuple):
    """A problem of an entry of `score`: the entry's key that causes it, and the error."""

    key: str
    error: LavidaGenError


def refuse_unscorable(recipe: RunRecipe, where: str, bar: Bar = no_bar) -> None:
    """Refuse a recipe with an entry of `score` that cannot be scored.

    Before a fit, only the first process checks, for the fit sets the processes up by itself; the launcher ends the
    others when the first one fails. Otherwise all processes raise.

    Args:
        recipe: The recipe.
        where: What it is called, for the error.
        bar: Opens a progress bar.

    Raises:
        UserError: An entry is invalid. The message has a line for each problem and its key.
        DataError: All entries are valid, but files are missing.
    """
    per_entry = _collect(recipe.score, all_processes=recipe.fit is None, bar=bar)
    lines = [f"score[{n}].{key}: {error}" for n, problems in enumerate(per_entry) for key, error in problems]
    if lines:
        raise _combine(where, [item for problems in per_entry for item in problems], lines)


def refuse_unscorable_entry(entry: ScoreEntry, bar: Bar = no_bar) -> None:
    """Refuse one benchmark of the command line that cannot be scored, in all processes.

    Args:
        entry: The options of the command line.
        bar: Opens a progress bar.

    Raises:
        UserError: An option is invalid.
        DataError: All options are valid, but files are missing.
    """
    (problems,) = _collect([entry], all_processes=True, bar=bar)
    if len(problems) == 1:
        raise problems[0].error
    if problems:
        raise _combine(f"score {entry.benchmark}", problems, [f"{key}: {error}" for key, error in problems])


def _combine(where: str, problems: Sequence[EntryProblem], lines: Sequence[str]) -> LavidaGenError:
    invalid = any(isinstance(item.error, UserError) for item in problems)
    return combined_error(where, lines, UserError if invalid else DataError)


def _collect(entries: Sequence[ScoreEntry], all_processes: bool, bar: Bar) -> list[list[EntryProblem]]:
    """The problems of each entry. Only the first process opens the benchmarks, for that may draw or index them."""
    processes = Processes.current()
    if all_processes:
        processes.gather(None)  # all meet here at once, after which the others wait longer than the launcher's timeout
    problems = [find_problems(entry, processes.first, bar) for entry in entries]
    return processes.gather(problems)[0] if all_processes else problems


def find_problems(entry: ScoreEntry, check_files: bool = True, bar: Bar = no_bar) -> list[EntryProblem]:
    """Find everything that is wrong with an entry of `score`.

    Args:
        entry: The entry.
        check_files: Whether missing and defective files are a problem too.
        bar: Opens a progress bar.

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
    with _collecting(problems, "scorer"):
        kind = scorers.make(entry.scorer, entry.scorer_options, allow_code=True)  # the entry was allowed
        if check_files and not entry.has_run_model:
            kind.locate(entry.model)
    with _collecting(problems, "names"):
        names = parse_prompt_names(entry.names)
    with _collecting(problems, "absent"):
        if entry.absent:
            prompt_names_from_list(entry.absent, "names")
    if benchmark is not None and check_files:
        problems += _file_problems(entry, benchmark, protocol, names, bar)
    return problems


def _file_problems(
    entry: ScoreEntry,
    benchmark: Benchmark,
    protocol: EvaluationProtocol | None,
    names: PromptNames | None,
    bar: Bar,
) -> list[EntryProblem]:
    """Problems of the files of a benchmark: missing ones, and videos without names for the prompt."""
    problems: list[EntryProblem] = []
    videos: list[TestVideo] = []
    with _collecting(problems, "root"):
        videos = benchmark.videos()
        with bar(sum(video.frame_count for video in videos), f"check {benchmark.name}") as advance:
            admit(benchmark, entry.allow_partial, entry.allow_defects, advance)
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
