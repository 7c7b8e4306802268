"""Two runs over the same videos: every metric's difference with its interval, by paired bootstrap over videos.

    compared = compare(side("runs/a"), side("runs/b"))

The scores of both are read again, so that both are measured by the same code on the same frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.evaluation.curve import Timeline
from lavida_bench.evaluation.evaluate import VideosWithScores, paired_differences
from lavida_bench.evaluation.measure import VideoView, collect_views
from lavida_bench.metrics import _base as metrics
from lavida_bench.metrics._bootstrap import Bootstrap, Difference
from lavida_bench.protocols import protocol as protocols
from lavida_bench.results import results_json as record
from lavida_bench.results.results_json import ResultEntry
from lavida_bench.results.score_files import ScoreFiles
from lavida_bench.results.score_store import ABOUT, ScoreStore
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError, problem


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run of a comparison: its folder and those of its entries that take part."""

    run: Path
    entries: tuple[ResultEntry, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.run.resolve().name


@dataclass(frozen=True, slots=True)
class ComparedVideo:
    """Scores of one video by both runs. `values`: its AUC in each, None where it is undefined."""

    key: str
    timelines: tuple[Timeline, Timeline]
    values: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods on one benchmark under one protocol.

    protocol     its id, marked "(partial)" if either run is
    methods      how the two are called: different from each other
    differences  metric -> variant -> first - second
    """

    benchmark: str
    protocol: str
    methods: tuple[str, str]
    coverage: tuple[str, str]
    differences: Mapping[str, Mapping[str, Difference]]
    pairs: tuple[ComparedVideo, ...]
    resamples: int
    seed: int


def open_run(words: str) -> ComparedRun:
    """``RUN``, or ``RUN@METHOD`` for one method of several. Raises DataError without results, UserError."""
    path, method = Path(words), ""
    if not path.exists() and "@" in words:
        folder, _, method = words.rpartition("@")
        path = Path(folder)
    entries = record.read(path).entries
    chosen = tuple(entry for entry in entries if not method or entry.result.method == method)
    if not chosen:
        known = ", ".join(dict.fromkeys(entry.result.method for entry in entries))
        if not entries:
            raise UserError(problem(path, "holds no results", todo="score something first"))
        raise UserError(problem(words, f"no method {method!r}", f"one of: {known}"))
    return ComparedRun(path, chosen)


def shared_entries(first: ComparedRun, second: ComparedRun) -> list[tuple[ResultEntry, ResultEntry]]:
    """Entries of the same benchmark and protocol. Raises UserError if there are none, or several to choose from."""
    found = []
    for entry in first.entries:
        where = entry.key[:2]
        others = [one for one in second.entries if one.key[:2] == where]
        mine = [one for one in first.entries if one.key[:2] == where]
        for run, several in ((first.run, mine), (second.run, others)):
            if len(several) > 1:
                got = f"{' on '.join(where)} has {len(several)} methods"
                known = " or ".join(f"{run}@{one.result.method}" for one in several)
                raise UserError(problem(run, got, f"one method a run: {known}"))
        if others:
            found.append((entry, others[0]))
    if not found:
        has = [", ".join(f"{one.key[0]} under {one.key[1]}" for one in run.entries) for run in (first, second)]
        got = f"has {has[0]}; {second.run} has {has[1]}"
        raise UserError(problem(first.run, got, "a benchmark and protocol that both have"))
    return found


def compare(
    first: tuple[ComparedRun, ResultEntry],
    second: tuple[ComparedRun, ResultEntry],
    *,
    root: Path | None = None,
    names: Sequence[str] | None = None,
    bootstrap: Bootstrap | None = None,
) -> Comparison:
    """Compares two entries of the same benchmark and protocol.

    root   the benchmark's folder, None = where the first run found it
    names  metrics, None = all that both have

    Raises UserError for runs over other videos or with other options, DataError for scores that are not there.
    """
    (one, mine), (other, theirs) = first, second
    if mine.data.settings != theirs.data.settings:
        got = f"scored with {dict(mine.data.settings)}, {other.run} with {dict(theirs.data.settings)}"
        raise UserError(problem(one.run, got, "the same options of the benchmark"))
    benchmark = benchmarks.make(mine.result.benchmark, root or mine.data.root, mine.data.settings)
    protocol = protocols.from_id(mine.result.protocol, benchmark.rules)
    looks: tuple[list[VideoView], list[VideoView]] = ([], [])
    watched = [
        collect_views(stored_scores(side.run, entry, benchmark), protocol, (), seen, lambda frames: None)
        for (side, entry), seen in zip((first, second), looks, strict=True)
    ]
    bootstrap = bootstrap or Bootstrap()
    chosen = metrics.known() if names is None else tuple(names)
    order = {name: at for at, name in enumerate(mine.result.metrics)}
    chosen = tuple(sorted(chosen, key=lambda name: order.get(name, len(order))))
    differences = paired_differences(watched[0], watched[1], protocol, chosen, bootstrap)
    marked = max(mine.result.protocol, theirs.result.protocol, key=len)  # partial if either is
    return Comparison(
        benchmark.name, marked, _called(first, second), (str(mine.result.coverage), str(theirs.result.coverage)),
        differences, tuple(_pairs(looks, (mine, theirs))), bootstrap.resamples, bootstrap.seed,
    )  # fmt: skip


def _called(first: tuple[ComparedRun, ResultEntry], second: tuple[ComparedRun, ResultEntry]) -> tuple[str, str]:
    names = first[1].result.method, second[1].result.method
    if names[0] != names[1]:
        return names
    sides = [(first[0].name, second[0].name), (str(first[0].run), str(second[0].run)), ("first", "second")]
    runs = next(one for one in sides if one[0] != one[1])
    return f"{names[0]} ({runs[0]})", f"{names[1]} ({runs[1]})"


def stored_scores(run: Path, entry: ResultEntry, benchmark: Benchmark) -> VideosWithScores:
    """The videos with the scores that a run kept. Raises DataError if it kept none, or they have gone."""
    if entry.scores is None:
        raise DataError(problem(run, f"kept no scores of {benchmark.name}", "scores by video", "score again"))
    folder, videos = run / entry.scores, benchmark.videos()
    if not folder.is_dir():
        raise DataError(problem(folder, "no such folder", f"the scores of {run}", "put them there, or score again"))
    if (folder.parent / ABOUT).is_file():
        return _stored(ScoreStore.open(folder.parent), videos)
    return ScoreFiles.find(folder, videos).pairs(videos)


def _stored(store: ScoreStore, videos: Sequence[TestVideo]) -> Iterator[tuple[TestVideo, VideoScore | None]]:
    for video in videos:
        yield video, store.read(video)


def _pairs(
    looks: tuple[list[VideoView], list[VideoView]], entries: tuple[ResultEntry, ResultEntry]
) -> Iterator[ComparedVideo]:
    """Videos that both have scored, the frame AUC of each beside it."""
    other = {look.key: look.timeline for look in looks[1]}
    values = [e.result.metrics["frame_auc"].per_video if "frame_auc" in e.result.metrics else {} for e in entries]
    for look in looks[0]:
        if look.key in other:
            yield ComparedVideo(
                look.key, (look.timeline, other[look.key]), (values[0].get(look.key), values[1].get(look.key))
            )
