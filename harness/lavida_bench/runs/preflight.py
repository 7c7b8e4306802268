"""Whether all that is to be scored can be scored: asked before a model is fitted or loaded, all faults told at once.

refuse_unscorable(recipe, "recipe demo")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lavida_bench.benchmarks import _base as room
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.common.distributed import Processes
from lavida_bench.config.recipe import RunRecipe, ScoreEntry
from lavida_bench.evaluation.measure import expected_counts
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.prompt_names import parse_prompt_names, prompt_names_from_list
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.protocols.rules import GENERIC_RULES
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, LavidaGenError, UserError, problem
from lavida_gen.recipe_files.reading import combined_error

SHOWN = 3  # missing videos that are named
Problem = tuple[str, LavidaGenError]
EntryProblem = tuple[int, str, LavidaGenError]


def refuse_unscorable(recipe: RunRecipe, where: str) -> None:
    """Raises UserError, or DataError if all words are right, with a line for each fault of `score` and its place.

    Before a fit, which sets the processes up by itself, the first of them alone looks, and the launcher ends the others
    when it fails; else all of them raise.
    """
    found = _collect(recipe.score, wait=recipe.fit is None)
    if found:
        raise _refused(where, found, [f"score[{number}].{key}: {error}" for number, key, error in found])


def refuse_unscorable_entry(entry: ScoreEntry) -> None:
    """The same for one benchmark on the command line. Raises UserError or DataError in all processes."""
    found = _collect([entry], wait=True)
    if len(found) == 1:
        raise found[0][2]
    if found:
        raise _refused(f"score {entry.benchmark}", found, [f"{key}: {error}" for _, key, error in found])


def _refused(where: str, found: Sequence[EntryProblem], lines: Sequence[str]) -> LavidaGenError:
    words = any(isinstance(error, UserError) for _, _, error in found)
    return combined_error(where, lines, UserError if words else DataError)


def _collect(entries: Sequence[ScoreEntry], wait: bool) -> list[EntryProblem]:
    """The first process alone opens the benchmarks, for that may draw or index them; with `wait` the others wait."""
    processes = Processes.current()
    if wait:
        processes.gather(None)  # all come by at once, then they wait with patience
    found = [(n, *one) for n, entry in enumerate(entries) for one in find_problems(entry, processes.first)]
    return processes.gather(found)[0] if wait else found


def find_problems(entry: ScoreEntry, data: bool = True) -> list[Problem]:
    """(key of the entry, what is wrong): words that are off; with `data` also files that are not there."""
    found: list[Problem] = []
    opened = protocol = names = None
    with _collect_errors(found, "benchmark"):
        room.find_class(entry.benchmark, allow_code=True)  # the entry was allowed
    if not found:
        with _collect_errors(found, "options"):
            root = None if entry.root is None else Path(entry.root)
            opened = room.make(entry.benchmark, root, entry.options, allow_code=True)
        with _collect_errors(found, "protocol"):
            protocol = protocols.make(entry.protocol, GENERIC_RULES if opened is None else opened.rules)
    with _collect_errors(found, "names"):
        names = parse_prompt_names(entry.names)
    with _collect_errors(found, "absent"):
        if entry.absent:
            prompt_names_from_list(entry.absent, "names")
    if opened is not None and data:
        videos: list[TestVideo] = []
        with _collect_errors(found, "root"):
            videos = opened.videos()
            if protocol is not None and not entry.allow_partial:
                refuse_partial(opened, protocol)
        with _collect_errors(found, "names"):
            if protocol is not None and names is not None:
                names.record(protocol.select(videos))
    return found


@contextmanager
def _collect_errors(found: list[Problem], key: str) -> Iterator[None]:
    """Whatever is wrong inside goes to `found`."""
    try:
        yield
    except LavidaGenError as error:
        found.append((key, error))


def refuse_partial(benchmark: Benchmark, protocol: EvaluationProtocol) -> None:
    """Raises DataError where videos or frames are not at hand that the protocol asks for, with the first of them."""
    expected, videos = expected_counts(benchmark), benchmark.videos()
    there = len(videos), sum(video.frame_count for video in videos)
    if expected is None or not protocol.complete or (there[0] >= expected[0] and there[1] >= expected[1]):
        return
    missing = benchmark.log.missing
    first = f"; missing: {', '.join(missing[:SHOWN])}{' ...' if len(missing) > SHOWN else ''}" if missing else ""
    got = f"{there[0]:,} of {expected[0]:,} videos, {there[1]:,} of {expected[1]:,} frames are at hand{first}"
    todo = f"`lavida-bench check {benchmark.name}` tells what lacks; allow_partial (--allow-partial) marks the result"
    raise DataError(problem(benchmark.root, got, "all of them", todo))
