"""Trial samples of a recipe: some samples of the corpus, made in memory, so that problems are found before a build.

They are spread over splits, sources and exposures. What stops one of them stops the build.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lavida_gen.annotations.problem_list import LeftOut
from lavida_gen.building.read_trial import is_missing
from lavida_gen.common.errors import DataError
from lavida_gen.common.findings import Finding
from lavida_gen.common.text import counted
from lavida_gen.inspection.name_counts import spread
from lavida_gen.sampling.make_sample import make_sample
from lavida_gen.sampling.planner import SamplePlanner, SampleSpec

PLANNED = 4000
"""Samples of each split that are planned, to choose from; so that rare sources and exposures are among them."""
FEW = 5
"""Least trial samples of an exposure that made none of them before it is worth a note."""

Ways = tuple[str, str, int, bool, str]
"""Kind, split, source, whether there is an anomaly, and exposure of a sample."""


def trial_samples(planner: SamplePlanner, count: int) -> list[tuple[int, SampleSpec]]:
    """Choose samples of the corpus: every split, source, outcome and exposure in turn.

    Args:
        planner: The recipe with its data open.
        count: How many to choose, at most.

    Returns:
        Their numbers and plans.
    """
    groups: dict[Ways, list[tuple[int, SampleSpec]]] = defaultdict(list)
    number_of = {id(opened): number for number, opened in enumerate(planner.sources)}
    for part in planner.parts:
        for at in spread(part.count, PLANNED):
            index = part.start + at
            spec = planner.spec(index, 0, part)
            ways = (part.kind, part.split, number_of[id(spec.opened)], spec.task.exposed, spec.exposure_name)
            groups[ways].append((index, spec))
    chosen: list[tuple[int, SampleSpec]] = []
    queues = [iter(rows) for _, rows in sorted(groups.items())]
    while queues and len(chosen) < count:
        rows = [(queue, next(queue, None)) for queue in queues]
        queues = [queue for queue, row in rows if row is not None]
        chosen += [row for _, row in rows if row is not None][: count - len(chosen)]
    return chosen


@dataclass(slots=True)
class Trial:
    """The outcome of the trial samples.

    Attributes:
        stopped: Why samples cannot be made.
        made: (source, exposure) -> number of samples.
        rejected: (source, exposure) -> reasons why scenes were rejected, with their counts.
        asked: (source, exposure) -> number of samples that were planned so.
    """

    stopped: LeftOut = field(default_factory=LeftOut)
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejected: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def findings(self) -> Iterator[Finding]:
        """What stops a build, and exposures that can do nothing with a source."""
        yield from (Finding("error", text) for text, _ in self.stopped.rows())
        for (source, exposure), asked in sorted(self.asked.items()):
            if asked >= FEW and not self.made[source, exposure]:
                reasons = self.rejected[source, exposure].most_common(2)
                if reasons:
                    why = ", ".join(f"{reason} ({count})" for reason, count in reasons)
                    text = f"{source}: exposure {exposure!r} made none of {counted(asked, 'trial sample')}: {why}"
                    yield Finding("note", f"{text}; others take its share")


def _is_known(error: DataError, source: str, reported: Sequence[str]) -> bool:
    """Whether an error was reported; of missing files a source may have reported the first alone."""
    if any(str(error) in text for text in reported):
        return True
    return is_missing(error) and any(text.startswith(f"{source}: ") for text in reported)


def run_trial(planner: SamplePlanner, count: int, known: Sequence[str], advance: Callable[[int], None]) -> Trial:
    """Make trial samples.

    Args:
        planner: The recipe with its data open.
        count: How many to make, at most.
        known: Problems that were reported before; they are not reported again.
        advance: Called with 1 after each sample.

    Returns:
        What was made, and what stops a build.
    """
    trial, reported, impossible = Trial(), list(known), set[Ways]()
    number_of = {id(opened): f"sources[{n}] ({opened.name})" for n, opened in enumerate(planner.sources)}
    for index, spec in trial_samples(planner, count):
        source = number_of[id(spec.opened)]
        trial.asked[source, spec.exposure_name] += 1
        way = (spec.opened.source.kind, spec.split, id(spec.opened), spec.task.exposed, "")
        if way not in impossible:
            try:
                made = make_sample(planner, index, "")
            except DataError as error:
                if error.__cause__ is None and str(error).startswith(f"sample {index}: "):
                    impossible.add(way)  # all others of this source and outcome would take as long to fail
                if not _is_known(error, source, reported):
                    reported.append(f"{source}: {error}")
                    trial.stopped.add("samples cannot be made", reported[-1])
            except Exception as error:  # a mistake in a plug-in
                text = f"{source}: exposure {spec.exposure_name!r} stopped: {type(error).__name__}: {error}"
                trial.stopped.add("samples cannot be made", f"{text}; --debug with `build` shows where")
            else:
                trial.made[source, made.sample.record["exposure"]] += 1
                for row, scenes in made.drops.items():
                    exposure, _, reason = row.partition(": ")
                    trial.rejected[source, exposure][reason] += scenes
        advance(1)
    return trial
