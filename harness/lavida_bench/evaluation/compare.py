"""Two runs over the same videos: every metric's difference with its interval, by paired bootstrap over videos.

    first, second = open_run("runs/a"), open_run("runs/b")
    comparison = compare((first, first.entries[0]), (second, second.entries[0]))

The scores of both runs are read again, so that both are measured by the same code on the same frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.benchmarks._gate import admit
from lavida_bench.benchmarks._label_pack import open_benchmark
from lavida_bench.evaluation.curve import Timeline
from lavida_bench.evaluation.evaluate import VideosWithScores, paired_differences
from lavida_bench.evaluation.measure import VideoView, ViewCollector
from lavida_bench.evaluation.warnings import FEW
from lavida_bench.metrics import _base as metric_base
from lavida_bench.metrics._bootstrap import Bootstrap, Difference
from lavida_bench.protocols import protocol as protocols
from lavida_bench.results import results_json
from lavida_bench.results.fingerprints import LABELS, PROMPT, SCORES, fingerprint_labels
from lavida_bench.results.results_json import ResultEntry
from lavida_bench.results.score_files import ScoreFiles
from lavida_bench.results.score_store import HEADER, ScoreStore
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.text import counted


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run of a comparison.

    Attributes:
        run: Its folder.
        entries: The entries of its results.json that take part.
    """

    run: Path
    entries: tuple[ResultEntry, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.run.resolve().name


@dataclass(frozen=True, slots=True)
class ComparedVideo:
    """Scores of one video by both runs.

    Attributes:
        key: The video's key.
        timelines: Its scores over time in the first and in the second run.
        values: Its frame AUC in each run, 0 to 1; None where it is undefined.
    """

    key: str
    timelines: tuple[Timeline, Timeline]
    values: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods on one benchmark under one protocol.

    Attributes:
        benchmark: The benchmark's name.
        protocol: The protocol's id, with the marks of either run.
        methods: Names of the two methods, different from each other.
        coverage: How much each of them scored, as text.
        differences: Metric -> variant -> first - second.
        pairs: The videos that both scored.
        resamples: Number of resamples of the bootstrap.
        seed: Its seed.
        notes: What else a reader must know.
        names: Anomalies that were named to each method's prompt; () = none, or each video's own.
        official: The metric that the protocol quotes for the benchmark; "" in results of older versions.
    """

    benchmark: str
    protocol: str
    methods: tuple[str, str]
    coverage: tuple[str, str]
    differences: Mapping[str, Mapping[str, Difference]]
    pairs: tuple[ComparedVideo, ...]
    resamples: int
    seed: int
    notes: tuple[str, ...] = ()
    names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    official: str = ""

    @property
    def warning(self) -> str:
        """What a reader must know before the intervals, or ""."""
        shared = counted(len(self.pairs), "video")
        parts = [*self.notes]
        if self.coverage[0] != self.coverage[1]:
            parts.append(f"only what both scored is compared: {shared}")
        if self.resamples and len(self.pairs) < FEW:
            parts.append(f"intervals over {shared} are not reliable")
        return "; ".join(parts)


def open_run(name: str) -> ComparedRun:
    """Open a run folder for a comparison.

    Args:
        name: ``RUN``, or ``RUN@METHOD`` for one method of several.

    Returns:
        The run with the entries of its results.json, or those of METHOD.

    Raises:
        DataError: The folder has no results.json, or it cannot be read.
        UserError: There is no result, or no such method.
    """
    path, method = Path(name), ""
    if not path.exists() and "@" in name:
        folder, _, method = name.rpartition("@")
        path = Path(folder)
    entries = results_json.read(path).entries
    chosen = tuple(entry for entry in entries if not method or entry.result.method == method)
    if not chosen:
        known = ", ".join(dict.fromkeys(entry.result.method for entry in entries))
        if not entries:
            raise UserError(problem(path, "holds no results", todo="score something first"))
        raise UserError(problem(name, f"no method {method!r}", f"one of: {known}"))
    return ComparedRun(path, chosen)


def shared_entries(first: ComparedRun, second: ComparedRun) -> list[tuple[ResultEntry, ResultEntry]]:
    """Find what two runs have in common.

    Args:
        first: The first run.
        second: The second run.

    Returns:
        Pairs of entries of the same benchmark and protocol.

    Raises:
        UserError: There is no such pair, or a run has several methods to choose from.
    """
    pairs = []
    for entry in first.entries:
        task = entry.key[:2]
        others = [other for other in second.entries if other.key[:2] == task]
        for run, entries in (
            (first.run, [other for other in first.entries if other.key[:2] == task]),
            (second.run, others),
        ):
            if len(entries) > 1:
                got = f"{' on '.join(task)} has {len(entries)} methods"
                known = " or ".join(f"{run}@{candidate.result.method}" for candidate in entries)
                raise UserError(problem(run, got, f"one method per run: {known}"))
        pairs += [(entry, other) for other in others]
    if not pairs:
        has = [", ".join(f"{entry.key[0]} under {entry.key[1]}" for entry in run.entries) for run in (first, second)]
        got = f"has {has[0]}; {second.run} has {has[1]}"
        raise UserError(problem(first.run, got, "a benchmark and protocol that both have"))
    return pairs


def compare(
    first: tuple[ComparedRun, ResultEntry],
    second: tuple[ComparedRun, ResultEntry],
    *,
    root: Path | None = None,
    names: Sequence[str] | None = None,
    bootstrap: Bootstrap | None = None,
    allow_code: bool = False,
) -> Comparison:
    """Compare two entries of the same benchmark and protocol.

    Args:
        first: A run and one of its entries.
        second: The other run and its entry.
        root: The benchmark's folder; None = where the first run read it.
        names: Names of the metrics; None = all that both have.
        bootstrap: How intervals are made; None = the default.
        allow_code: Whether the benchmark and `names` may be ``package.module:Class``.

    Returns:
        The differences of every metric and variant, and the videos that both scored.

    Raises:
        UserError: The runs are over different videos or with different options of the benchmark.
        DataError: The scores of a run are missing or cannot be read, or the benchmark's files have defects that
            neither run allowed.
    """
    (run_a, entry_a), (run_b, entry_b) = first, second
    if entry_a.data.settings != entry_b.data.settings:
        got = f"scored with {dict(entry_a.data.settings)}, {run_b.run} with {dict(entry_b.data.settings)}"
        raise UserError(problem(run_a.run, got, "the same options of the benchmark"))
    benchmark = open_benchmark(entry_a.result.benchmark, root or entry_a.data.root, entry_a.data.settings, allow_code)
    protocol = protocols.from_id(entry_a.result.protocol, benchmark.rules)
    ids = entry_a.result.protocol, entry_b.result.protocol
    partial, defects = (any(mark in text for text in ids) for mark in (protocols.PARTIAL, protocols.DEFECTS))
    admit(benchmark, partial, defects)
    collector_a, collector_b = ViewCollector(protocol), ViewCollector(protocol)
    bootstrap = bootstrap or Bootstrap()
    differences = paired_differences(
        collector_a.watch(stored_scores(run_a.run, entry_a, benchmark)),
        collector_b.watch(stored_scores(run_b.run, entry_b, benchmark)),
        protocol,
        _ordered_metrics(names, entry_a),
        bootstrap,
        allow_code,
    )
    labels = fingerprint_labels(benchmark.videos())
    for run, entry, collector in ((run_a, entry_a, collector_a), (run_b, entry_b, collector_b)):
        _refuse_changed(run, entry, {SCORES: collector.fingerprint.value(), LABELS: labels})
    return Comparison(
        benchmark=benchmark.name,
        protocol=protocols.result_id(protocol.id, partial, defects),
        methods=_distinct_names(first, second),
        coverage=(str(entry_a.result.coverage), str(entry_b.result.coverage)),
        differences=differences,
        pairs=tuple(_shared_videos(collector_a.views, collector_b.views, entry_a, entry_b)),
        resamples=bootstrap.resamples,
        seed=bootstrap.seed,
        notes=_prompt_note(entry_a, entry_b),
        names=(entry_a.names, entry_b.names),
        official="".join(entry_a.result.quoted[:1]),
    )


def _refuse_changed(run: ComparedRun, entry: ResultEntry, found: Mapping[str, str]) -> None:
    """Raises DataError if scores or labels are not those that the entry's numbers were made of."""
    for part, digest in found.items():
        if entry.fingerprints.get(part, digest) != digest:
            what = f"the {part} of {entry.result.method} on {entry.result.benchmark}"
            todo = "measure it again: run the command that made it"
            raise DataError(problem(run.run, f"{what} have changed since they were measured", todo=todo))


def _prompt_note(first: ResultEntry, second: ResultEntry) -> tuple[str, ...]:
    """A sentence where two methods were given other prompts."""
    prompts = [entry.fingerprints.get(PROMPT) for entry in (first, second)]
    if None in prompts or prompts[0] == prompts[1]:
        return ()
    names = [", ".join(entry.names) or "each video's own" for entry in (first, second)]
    return (f"the prompts differ: {names[0]} against {names[1]}",)


def _ordered_metrics(names: Sequence[str] | None, entry: ResultEntry) -> tuple[str, ...]:
    """The metrics in the order in which an entry has them, then the others."""
    chosen = metric_base.known() if names is None else tuple(names)
    order = {name: place for place, name in enumerate(entry.result.metrics)}
    return tuple(sorted(chosen, key=lambda name: order.get(name, len(order))))


def _distinct_names(first: tuple[ComparedRun, ResultEntry], second: tuple[ComparedRun, ResultEntry]) -> tuple[str, str]:
    """The methods' names, with the runs' names behind them where the methods are called the same."""
    methods = first[1].result.method, second[1].result.method
    if methods[0] != methods[1]:
        return methods
    candidates = [(first[0].name, second[0].name), (str(first[0].run), str(second[0].run)), ("first", "second")]
    runs = next(pair for pair in candidates if pair[0] != pair[1])
    return f"{methods[0]} ({runs[0]})", f"{methods[1]} ({runs[1]})"


def stored_scores(run: Path, entry: ResultEntry, benchmark: Benchmark) -> VideosWithScores:
    """Read the scores that a run kept.

    Args:
        run: The run folder.
        entry: The entry of its results.json.
        benchmark: The benchmark on disk.

    Returns:
        The videos with their scores.

    Raises:
        DataError: The run kept no scores, or they are no longer there.
    """
    if entry.scores is None:
        raise DataError(problem(run, f"kept no scores of {benchmark.name}", "scores by video", "score again"))
    folder, videos = run / entry.scores, benchmark.videos()  # of `score-files`: wherever the user's files are
    if not folder.exists():
        raise DataError(
            problem(folder, "no such folder or file", f"the scores of {run}", "put them there, or score again")
        )
    if (folder.parent / HEADER).is_file():
        return _read_store(ScoreStore.open(folder.parent), videos)
    return ScoreFiles.find(folder, videos, entry.provenance.model.get("expand", "auto")).pairs(videos)


def _read_store(store: ScoreStore, videos: Sequence[TestVideo]) -> Iterator[tuple[TestVideo, VideoScore | None]]:
    for video in videos:
        yield video, store.read(video)


def _shared_videos(
    views_a: Sequence[VideoView], views_b: Sequence[VideoView], entry_a: ResultEntry, entry_b: ResultEntry
) -> Iterator[ComparedVideo]:
    """The videos that both runs scored, with the frame AUC of each."""
    timelines_b = {view.key: view.timeline for view in views_b}
    aucs_a, aucs_b = _frame_aucs(entry_a), _frame_aucs(entry_b)
    for view in views_a:
        if view.key in timelines_b:
            values = aucs_a.get(view.key), aucs_b.get(view.key)
            yield ComparedVideo(view.key, (view.timeline, timelines_b[view.key]), values)


def _frame_aucs(entry: ResultEntry) -> Mapping[str, float | None]:
    metrics = entry.result.metrics
    return metrics["frame_auc"].per_video if "frame_auc" in metrics else {}
