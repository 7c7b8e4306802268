"""One benchmark scored, measured and put into a run folder: what `score` does, and each score stage of `run`.

RUN/scores/LABEL/...            see score_store
RUN/scores/LABEL-absent/...     the same frames with absent names, where the entry asks for a prompt check
RUN/prompt_check-LABEL.json     the change of the scores
RUN/results.json, report.md, report.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.common.distributed import Processes
from lavida_bench.common.progress import Bar
from lavida_bench.common.timer import Timer
from lavida_bench.config.recipe import SCORERS, ScoreEntry
from lavida_bench.evaluation.measure import MeasureSettings, frames_to_measure, measure
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.prompt_names import PromptNames, parse_prompt_names, prompt_names_from_list
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.protocols.windows import count_frames
from lavida_bench.reporting import run_folder
from lavida_bench.results.fingerprints import PROMPT, fingerprint_labels
from lavida_bench.results.provenance import current_provenance
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.runs.prompt_stage import (
    Changes,
    check_path,
    check_warnings,
    describe_changes,
    measure_changes,
    write_check,
)
from lavida_bench.scoring.score import ScoringResult, ScoringSettings, merge_results, score, videos_of_process
from lavida_bench.scoring.scorer import Scorer, fitted_on, method_name, notice
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common import plugins
from lavida_gen.common.digests import sha256_json
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.text import counted

SCORES = "scores"
SHOWN = 5  # videos that could not be scored, listed in an error with their reasons


@dataclass(frozen=True, slots=True, eq=False)
class ScoreJob:
    """One entry of a recipe, opened.

    Attributes:
        entry: The entry.
        run: The run folder.
        benchmark: The benchmark on disk.
        protocol: How it is scored.
        names: The names of the prompts.
    """

    entry: ScoreEntry
    run: Path
    benchmark: Benchmark
    protocol: EvaluationProtocol
    names: PromptNames

    @classmethod
    def open(cls, entry: ScoreEntry, run: Path) -> ScoreJob:
        """Open the benchmark of an entry, in all processes at once.

        Args:
            entry: The entry.
            run: The run folder.

        Returns:
            The job.

        Raises:
            UserError: The benchmark, an option, the protocol or the names are invalid.
            DataError: Files are missing.
        """
        root = None if entry.root is None else Path(entry.root)
        benchmark = benchmarks.make(entry.benchmark, root, entry.options, allow_code=True)  # the entry was allowed
        protocol = protocols.make(entry.protocol, benchmark.rules)
        job = cls(entry, run, benchmark, protocol, parse_prompt_names(entry.names))
        processes = Processes.current()
        processes.gather(None)
        if processes.first:
            benchmark.videos()  # draws, indexes and caches what the other processes then find
        processes.gather(None)
        return job

    @property
    def videos(self) -> list[TestVideo]:
        """The videos that the protocol scores."""
        return self.protocol.select(self.benchmark.videos())

    def labels(self) -> str:
        """Digest of what the videos are measured against: frame labels and tracks; masks would have to be read."""
        return fingerprint_labels(self.benchmark.videos())

    def identity(self, scorer: Scorer, names: PromptNames) -> dict[str, object]:
        """Everything that determines the scores.

        Args:
            scorer: The model.
            names: The names of the prompts.

        Returns:
            Plain JSON.
        """
        options = self.benchmark.options.model_dump(mode="json", exclude={"root", "names"})
        provider = plugins.provider(benchmarks.PACKAGE, self.entry.benchmark)
        version = {} if provider is None else {"provider": str(provider)}
        bringer = plugins.provider(SCORERS, self.entry.scorer)
        by = {} if bringer is None else {"scorer_provider": str(bringer)}
        return {
            "benchmark": {"name": self.entry.benchmark, **options, **version},
            "protocol": self.protocol.id,
            "names": names.record(self.videos),
            "model": {**scorer.identity, **by},
        }


def run_entry(
    scorer: Scorer,
    entry: ScoreEntry,
    run: Path,
    effort: ScoringSettings,
    replace_scores: bool,
    bar: Bar,
    command: str | None = None,
) -> Path | None:
    """Score the videos that have no scores yet, then measure.

    Args:
        scorer: The model.
        entry: The entry of a recipe.
        run: The run folder.
        effort: Batch size, threads, and whether maps are stored.
        replace_scores: Whether scores that another model or prompt left may be replaced.
        bar: Opens a progress bar.
        command: The command line for the report; None = that of this process.

    Returns:
        The path of the report; None in all processes but the first.

    Raises:
        DataError: Videos could not be scored and the entry does not allow partial results. The others are kept.
        UserError: The entry is invalid, or the folder holds scores of something else.
    """
    job, timer, processes = ScoreJob.open(entry, run), Timer(), Processes.current()
    store, scoring = _score_videos(job, scorer, job.names, run / SCORES / entry.slug, effort, replace_scores, bar)
    if processes.first:
        check_path(run, entry.slug).unlink(missing_ok=True)  # an earlier run's, which may have had other names
    changes: Changes | None = None
    if entry.absent:
        absent = prompt_names_from_list(entry.absent, f"score, {entry.slug}: absent")
        folder, without_maps = run / SCORES / f"{entry.slug}-absent", replace(effort, maps=False)
        absent_store, second = _score_videos(job, scorer, absent, folder, without_maps, replace_scores, bar)
        scoring.failed.update(second.failed)
        if processes.first and (entry.allow_partial or not scoring.failed):
            changes = measure_changes(job.videos, store, absent_store, entry.allow_partial)
            write_check(check_path(run, entry.slug), job.names.kind, entry.absent, changes)
    if not processes.first:
        return None
    if scoring.failed and not entry.allow_partial:
        raise DataError(_failure_message(scoring, run))
    with timer("metrics"):
        page = _measure(job, store, scorer, changes, bar, command)
    store.write_header({**scoring.seconds, **timer.plain()})
    return page


def _score_videos(
    job: ScoreJob,
    scorer: Scorer,
    names: PromptNames,
    folder: Path,
    effort: ScoringSettings,
    replace_scores: bool,
    bar: Bar,
) -> tuple[ScoreStore, ScoringResult]:
    """Score the videos of this process, and wait for the other processes."""
    processes = Processes.current()
    store = ScoreStore.create(folder, job.identity(scorer, names), replace_scores)
    if processes.first:
        store.write_header()
    videos = videos_of_process(job.benchmark.videos(), job.protocol, processes)
    with bar(count_frames(videos, job.protocol), f"score {folder.name}") as advance:
        scoring = score(scorer, videos, job.protocol, names, store, effort, advance)
    return store, merge_results(processes.gather(scoring))


def _measure(
    job: ScoreJob, store: ScoreStore, scorer: Scorer, changes: Changes | None, bar: Bar, command: str | None
) -> Path:
    """Evaluate the stored scores and put them into the run folder; returns the report's path."""
    entry, benchmark = job.entry, job.benchmark
    names = job.names.record(job.videos)["list"] or ()
    how = MeasureSettings(
        smoothing=entry.smoothing,
        allow_partial=entry.allow_partial,
        allow_defects=entry.allow_defects,
        exact=entry.exact,
    )
    with bar(frames_to_measure(benchmark, how), f"measure {entry.slug}") as advance:
        method = method_name(scorer, entry.method_of(scorer.name))
        measurement = measure(
            benchmark, job.protocol, _stored_scores(benchmark.videos(), store), method,
            current_provenance(_model_facts(job, scorer, changes), command), names=names,
            scores=str(store.folder.relative_to(job.run) / "videos"),
            fingerprints={PROMPT: sha256_json(job.names.record(job.videos))},
            warnings=_warnings(scorer, changes), how=how, advance=advance,
        )  # fmt: skip
    return run_folder.add(job.run, measurement)


def _stored_scores(videos: Sequence[TestVideo], store: ScoreStore) -> Iterator[tuple[TestVideo, VideoScore | None]]:
    for video in videos:
        yield video, store.read(video)


def _warnings(scorer: Scorer, changes: Changes | None) -> list[str]:
    """Sentences about the model for the top of the report: what it has seen, whether it follows its prompt."""
    return [*filter(None, [notice(scorer)]), *(() if changes is None else check_warnings(changes))]


def _model_facts(job: ScoreJob, scorer: Scorer, changes: Changes | None) -> dict[str, str]:
    """What a report contains about model and prompt."""
    facts = {"model": scorer.name, "names of the prompt": job.names.kind}
    record = fitted_on(scorer)
    if record is not None:
        facts["fitted on"] = record.summary
    facts.update({key: str(value) for key, value in scorer.identity.items() if key != "model"})
    if changes:
        facts["follows the prompt"] = describe_changes(changes)
        facts["absent names"] = ", ".join(job.entry.absent)
    return facts


def _failure_message(scoring: ScoringResult, where: Path) -> str:
    """The message about videos that could not be scored."""
    reasons = [f"{key}: {reason}" for key, reason in list(scoring.failed.items())[:SHOWN]]
    got = f"{counted(len(scoring.failed), 'video')} could not be scored: {'; '.join(reasons)}"
    if len(scoring.failed) > SHOWN:
        got += f"; and {len(scoring.failed) - SHOWN} more"
    done = len(scoring.scored) + len(scoring.kept)
    todo = f"fix them and run the same command again: the scores of the other {done} are kept"
    return problem(where, got, todo=f"{todo}; or allow a partial result")
