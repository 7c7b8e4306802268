"""One benchmark scored, measured and put into a run folder: what `score` does, and each score stage of `run`.

RUN/scores/LABEL/...            see score_store
RUN/scores/LABEL-absent/...     the same frames with absent names, where the entry asks for a prompt check
RUN/prompt_check-LABEL.json     what changed
RUN/results.json, report.md, report.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lavida_bench.benchmarks import _base as room
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.common.distributed import Processes
from lavida_bench.common.progress import Bar
from lavida_bench.common.timer import Timer
from lavida_bench.config.recipe import ScoreEntry
from lavida_bench.evaluation import prompt_check
from lavida_bench.evaluation.measure import MeasureSettings, frames_to_measure, measure
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.prompt_names import PromptNames, parse_prompt_names, prompt_names_from_list
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.protocols.windows import count_frames
from lavida_bench.reporting import run_folder as report
from lavida_bench.results.provenance import current_provenance
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.scoring.score import ScoringResult, ScoringSettings, merge_results, score, videos_of_process
from lavida_bench.scoring.scorer import Scorer
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import write_json
from lavida_gen.common.text import counted

SCORES = "scores"
SHOWN = 5  # failed videos told in full


@dataclass(frozen=True, slots=True, eq=False)
class ScoreJob:
    """One entry of a recipe, opened: the benchmark on disk, its protocol, the names of the prompts."""

    entry: ScoreEntry
    run: Path
    benchmark: Benchmark
    protocol: EvaluationProtocol
    names: PromptNames

    @classmethod
    def open(cls, entry: ScoreEntry, run: Path) -> ScoreJob:
        """Raises UserError for words that are off, DataError for files that are not there."""
        root = None if entry.root is None else Path(entry.root)
        opened = room.make(entry.benchmark, root, entry.options, allow_code=True)  # the entry was allowed
        protocol = protocols.make(entry.protocol, opened.rules)
        task = cls(entry, run, opened, protocol, parse_prompt_names(entry.names))
        processes = Processes.current()
        processes.gather(None)
        if processes.first:
            opened.videos()  # draws, indexes and caches what the others then find
        processes.gather(None)
        return task

    def labels(self) -> str:
        """Digest of what the videos are measured against: frame labels and tracks. (Masks would have to be read.)"""
        found = hashlib.sha256()
        for video in self.benchmark.videos():
            arrays = [video.frame_labels, *(part for one in video.tracks or () for part in (one.frames, one.boxes))]
            found.update(repr((video.key, [one.name for one in video.tracks or ()])).encode())
            for array in arrays:
                found.update(b"-" if array is None else array.tobytes())
        return found.hexdigest()

    def about(self, scorer: Scorer, names: PromptNames) -> dict[str, Any]:
        """What decides the scores, as plain JSON."""
        options = self.benchmark.options.model_dump(mode="json", exclude={"root", "names"})
        chosen = self.protocol.select(self.benchmark.videos())
        brought = plugins.provider(room.PACKAGE, self.entry.benchmark)
        version = {} if brought is None else {"provider": str(brought)}
        return {
            "benchmark": {"name": self.entry.benchmark, **options, **version},
            "protocol": self.protocol.id,
            "names": names.record(chosen),
            "model": dict(scorer.identity),
        }


def run_entry(
    scorer: Scorer,
    entry: ScoreEntry,
    run: Path,
    effort: ScoringSettings,
    replace: bool,
    bar: Bar,
    command: str | None = None,
) -> Path | None:
    """Scores what is missing, then measures; gives the report's path, None in all processes but the first.

    Raises DataError if videos could not be scored (unless the entry allows partial results): the others are kept.
    """
    task, clock, processes = ScoreJob.open(entry, run), Timer(), Processes.current()
    store, scoring = _scores(task, scorer, task.names, run / SCORES / entry.slug, effort, replace, bar)
    falls = None
    if processes.first:
        _check_file(task).unlink(missing_ok=True)  # an earlier run's, which may have had other names
    if entry.absent:
        absent = prompt_names_from_list(entry.absent, f"score, {entry.slug}: absent")
        other, second = _scores(
            task, scorer, absent, run / SCORES / f"{entry.slug}-absent", without_maps(effort), replace, bar
        )
        scoring.failed |= second.failed
        wanted = processes.first and (entry.allow_partial or not scoring.failed)
        falls = _falls(task, store, other) if wanted else None
    if not processes.first:
        return None
    if scoring.failed and not entry.allow_partial:
        raise DataError(failures(scoring, run))
    with clock("metrics"):
        page = _measured(task, store, scorer, falls, bar, command)
    store.write_header({**scoring.seconds, **clock.plain()})
    return page


def without_maps(effort: ScoringSettings) -> ScoringSettings:
    """The same, storing no maps."""
    return ScoringSettings(effort.batch, effort.readers, effort.depth, maps=False)


def _scores(
    task: ScoreJob, scorer: Scorer, names: PromptNames, folder: Path, effort: ScoringSettings, replace: bool, bar: Bar
) -> tuple[ScoreStore, ScoringResult]:
    """Scores this process's videos, and waits for the others."""
    processes = Processes.current()
    store = ScoreStore.create(folder, task.about(scorer, names), replace)
    if processes.first:
        store.write_header()
    mine = videos_of_process(task.benchmark.videos(), task.protocol, processes)
    with bar(count_frames(mine, task.protocol), f"score {folder.name}") as advance:
        scoring = score(scorer, mine, task.protocol, names, store, effort, advance)
    return store, merge_results(processes.gather(scoring))


def _measured(
    task: ScoreJob,
    store: ScoreStore,
    scorer: Scorer,
    falls: Mapping[str, prompt_check.LogitChange] | None,
    bar: Bar,
    command: str | None,
) -> Path:
    entry, benchmark = task.entry, task.benchmark
    videos = benchmark.videos()
    names = task.names.record(task.protocol.select(videos))["list"] or ()
    how = MeasureSettings(smoothing=entry.smoothing, allow_partial=entry.allow_partial)
    with bar(frames_to_measure(benchmark, how), f"measure {entry.slug}") as advance:
        measured = measure(
            benchmark, task.protocol, _pairs(videos, store), entry.method or scorer.name,
            current_provenance(_told(task, scorer, falls), command), names=names,
            scores=str(store.folder.relative_to(task.run) / "videos"), warnings=_unheard(falls), how=how,
            advance=advance,
        )  # fmt: skip
    return report.add(task.run, measured)


def _pairs(videos: Sequence[TestVideo], store: ScoreStore) -> Iterator[tuple[TestVideo, VideoScore | None]]:
    for video in videos:
        yield video, store.read(video)


def _told(task: ScoreJob, scorer: Scorer, falls: Mapping[str, prompt_check.LogitChange] | None) -> dict[str, str]:
    """What a report says of model and prompt."""
    told = {"model": scorer.name, "names of the prompt": task.names.kind}
    told |= {key: str(value) for key, value in scorer.identity.items() if key != "model"}
    if falls:
        told["follows the prompt"] = fall_text(falls)
        told["absent names"] = ", ".join(task.entry.absent)
    return told


def _unheard(falls: Mapping[str, prompt_check.LogitChange] | None) -> tuple[str, ...]:
    """A warning where the prompt check does not show that names matter, or has nothing to show ({})."""
    if falls is not None and not falls:
        return ("the prompt check says nothing: no frame is scored with both lists of names",)
    fall = (falls or {}).get("abnormal") or (falls or {}).get("all")
    if fall is None or (fall.value > 0 and (fall.low is None or fall.low > 0)):
        return ()
    return (f"the prompt check does not show that the model follows its prompt: with absent names it falls by {fall}",)


def fall_text(falls: Mapping[str, prompt_check.LogitChange]) -> str:
    """One line for reports."""
    parts = [f"{which} frames {fall}" for which, fall in falls.items()]
    return f"mean logit with the names minus with absent names: {', '.join(parts)}"


def _check_file(task: ScoreJob) -> Path:
    return task.run / f"prompt_check-{task.entry.slug}.json"


def _falls(task: ScoreJob, store: ScoreStore, other: ScoreStore) -> dict[str, prompt_check.LogitChange]:
    """The prompt check of what both have, written to the run folder.

    {} if that is nothing and the entry allows partial results, else NoFrameError.
    """

    def triples() -> Iterator[tuple[TestVideo, VideoScore, VideoScore]]:
        for video in task.protocol.select(task.benchmark.videos()):
            named, absent = store.read(video), other.read(video)
            if named is not None and absent is not None:
                yield video, named, absent

    try:
        falls = prompt_check.logit_changes(triples())
    except prompt_check.NoFrameError:
        if not task.entry.allow_partial:
            raise
        return {}
    plain: dict[str, Any] = {"names": task.names.kind, "absent": list(task.entry.absent)}
    plain |= {which: asdict(fall) for which, fall in falls.items()}
    write_json(_check_file(task), plain)
    return falls


def failures(scoring: ScoringResult, where: Path) -> str:
    """What an error says of videos that could not be scored."""
    lines = [f"{key}: {why}" for key, why in list(scoring.failed.items())[:SHOWN]]
    more = len(scoring.failed) - len(lines)
    got = f"{counted(len(scoring.failed), 'video')} could not be scored: {'; '.join(lines)}" + (
        f"; and {more} more" if more else ""
    )
    done = len(scoring.scored) + len(scoring.kept)
    todo = f"mend them and run the same command again: the scores of the other {done} are kept"
    return problem(where, got, todo=f"{todo}; or allow a partial result")
