"""One method and the baselines on one benchmark -> an entry for results.json, and a view of each video for the page.

measurement = measure(benchmark, protocol, pairs, "ours", provenance)
run_folder.add("runs/first", measurement)

`pairs` may be a generator: one video is in memory at a time, with its maps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lavida_bench.baselines import _base as baseline_base
from lavida_bench.baselines._base import PACKAGE as BASELINES
from lavida_bench.baselines._base import Baseline
from lavida_bench.benchmarks._base import PACKAGE as BENCHMARKS
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.benchmarks._gate import admit
from lavida_bench.evaluation.curve import Timeline, timeline
from lavida_bench.evaluation.evaluate import VideosWithScores, evaluate
from lavida_bench.evaluation.thumbnails import Thumbnail, peak_thumbnails
from lavida_bench.metrics._base import PACKAGE as METRICS
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.results.fingerprints import LABELS, SCORES, ScoreFingerprint, fingerprint_labels
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import DataUsed, Provenance, ResultEntry
from lavida_bench.videos.types import Counts, Floats, TestVideo, VideoScore
from lavida_gen.common import plugins

Advance = Callable[[int], None]
"""Moves a progress bar on by a number of frames."""
SHOWN = 300  # videos that get thumbnails


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """The options of `measure`; see also `evaluate`.

    Attributes:
        metrics: Names of the metrics; None = all that can be computed.
        baselines: Names of the baselines; None = all that are built in.
        bootstrap: How intervals are made.
        smoothing: Sigma in frames of additionally smoothed scores; None = no smoothing.
        allow_partial: Whether incomplete coverage gives a result marked partial instead of an error.
        allow_defects: Whether files with fatal defects give a result that is marked instead of an error.
        thumbnails: Whether thumbnails are made of the peaks.
        seed: Seed of the random baseline.
        exact: Whether pixels of float32 and float64 maps are sorted on disk, instead of counted with a bound of the
            error.
        allow_code: Whether metrics and baselines may be ``package.module:Class``.
    """

    metrics: tuple[str, ...] | None = None
    baselines: tuple[str, ...] | None = None
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    smoothing: float | None = None
    allow_partial: bool = False
    allow_defects: bool = False
    thumbnails: bool = True
    seed: int = 0
    exact: bool = False
    allow_code: bool = False


@dataclass(frozen=True, slots=True)
class VideoView:
    """What a page shows of one video.

    Attributes:
        key: The video's key.
        timeline: Its scores over time.
        thumbnails: Frames where the score peaks, in order of time.
    """

    key: str
    timeline: Timeline
    thumbnails: tuple[Thumbnail, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One method on one benchmark: the numbers for results.json, and a view of each scored video."""

    entry: ResultEntry
    views: tuple[VideoView, ...]


class ViewCollector:
    """Passes videos on to an evaluation and collects, on the way, what a page shows of each.

    Attributes:
        views: The views of the videos that went by.
        scored: Keys of the videos that went by with a score.
        fingerprint: Digest of the scores that went by.
    """

    def __init__(
        self,
        protocol: EvaluationProtocol,
        with_thumbnails: Collection[str] = (),
        advance: Advance = lambda frames: None,
    ) -> None:
        """Collect views under a protocol.

        Args:
            protocol: Which frames count.
            with_thumbnails: Keys of the videos that get thumbnails.
            advance: Called with the number of frames of each video that is done.
        """
        self.protocol, self.with_thumbnails, self.advance = protocol, with_thumbnails, advance
        self.views: list[VideoView] = []
        self.scored: set[str] = set()
        self.fingerprint = ScoreFingerprint()

    def watch(self, pairs: VideosWithScores) -> Iterator[tuple[TestVideo, VideoScore | None]]:
        """Pass the same pairs on, and close each video when the consumer is done with it.

        Args:
            pairs: Videos with their scores.

        Yields:
            The same pairs.

        Raises:
            DataError: A score does not fit its video, or the video cannot be read.
        """
        for video, score in pairs:
            try:
                if score is not None:
                    self.scored.add(video.key)
                    self.fingerprint.update(score)
                    self._add_view(video, score)
                yield video, score
            finally:
                video.close()
            self.advance(video.frame_count)

    def _add_view(self, video: TestVideo, score: VideoScore) -> None:
        if not self.protocol.select([video]) or score.boxes_alone:
            return
        frames, values = self._counted_scores(video, score)
        if not len(frames):
            return
        thumbnails: tuple[Thumbnail, ...] = ()
        if video.key in self.with_thumbnails:
            candidates = self._frames_with_maps(video, score, frames)
            thumbnails = peak_thumbnails(video, score, candidates, score.frames[candidates])
        self.views.append(VideoView(video.key, timeline(video, frames, values), thumbnails))

    def _counted_scores(self, video: TestVideo, score: VideoScore) -> tuple[Counts, Floats]:
        """The frames whose scores count, and these scores; of a video without labels all that were scored."""
        if video.frame_labels is not None:
            item = self.protocol.view(video, score)
            return item.frames, item.values
        frames = np.arange(video.frame_count) if score.scored is None else np.flatnonzero(score.scored)
        return frames, score.frames[frames]

    def _frames_with_maps(self, video: TestVideo, score: VideoScore, frames: Counts) -> Counts:
        """The frames that were scored themselves: only they have maps."""
        return frames if video.frame_labels is None else self.protocol.view(video, score).pixel_frames


def measure(
    benchmark: Benchmark,
    protocol: EvaluationProtocol,
    pairs: VideosWithScores,
    method: str,
    provenance: Provenance,
    *,
    names: Sequence[str] = (),
    scores: str | None = None,
    fingerprints: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
    how: MeasureSettings | None = None,
    advance: Advance = lambda frames: None,
) -> Measurement:
    """Evaluate a method and the baselines under a protocol.

    Args:
        benchmark: The benchmark on disk.
        protocol: Which videos and frames count.
        pairs: The videos of `benchmark.videos()` with their scores, once each, in their order.
        method: The method's name in the result.
        provenance: How the scores came about.
        names: Anomalies that were named to the method's prompt, if it has one.
        scores: Where the method's scores are kept, relative to the run folder.
        fingerprints: Digest of the prompt, where the method has one; those of scores and labels are added.
        warnings: More sentences for the top of the report.
        how: The options; None = the defaults.
        advance: Called with numbers of frames: those of each video for the method, and again for each baseline.

    Returns:
        The entry for results.json and the views of the videos.

    Raises:
        DataError: The benchmark's files do not pass the gate, a score does not fit its video, or the coverage is
            incomplete under ``official``.
        UserError: A metric or baseline is unknown.
    """
    how = how or MeasureSettings()
    report = admit(benchmark, how.allow_partial, how.allow_defects)
    lost, wrong, doubt = bool(report.lost()), bool(report.wrong()), report.doubt()
    expected = expected_counts(benchmark)
    pictured = _with_thumbnails(benchmark.videos()) if how.thumbnails and benchmark.has_frames else frozenset()
    collector = ViewCollector(protocol, pictured, advance)
    result = evaluate(
        collector.watch(pairs), protocol, how.metrics, method=method, expected=expected,
        allow_partial=how.allow_partial, lost=lost, defects=wrong, bootstrap=how.bootstrap, smoothing=how.smoothing,
        exact=how.exact,
        allow_code=how.allow_code,
    )  # fmt: skip
    result = replace(result, warnings=(*result.warnings, *([doubt] if doubt else []), *warnings))
    baselines = _evaluate_baselines(benchmark, protocol, how, lost, wrong, collector.scored, advance)
    data = DataUsed.from_benchmark(benchmark, report.defects)
    used = [(BENCHMARKS, benchmark.name), *((METRICS, name) for name in (how.metrics or benchmark.about.metrics))]
    used += [(BASELINES, baseline.method) for baseline in baselines]
    provenance = replace(provenance, versions={**provenance.versions, **plugins.versions(used)})
    digests = {SCORES: collector.fingerprint.value(), LABELS: fingerprint_labels(benchmark.videos())}
    digests.update(fingerprints or {})
    entry = ResultEntry(result, baselines, tuple(names), data, provenance, scores, digests)
    return Measurement(entry, tuple(collector.views))


def frames_to_measure(benchmark: Benchmark, how: MeasureSettings) -> int:
    """Count the frames that `measure` will report to `advance`.

    Args:
        benchmark: The benchmark on disk.
        how: The options of `measure`.

    Returns:
        The frames of the method plus those of each baseline.
    """
    baselines = _baselines(benchmark, how)
    labelled = any(video.frame_labels is not None for video in benchmark.videos())
    return (1 + len(baselines) * labelled) * sum(video.frame_count for video in benchmark.videos())


def expected_counts(benchmark: Benchmark) -> tuple[int, int] | None:
    """Look up how much the whole benchmark holds.

    Args:
        benchmark: The benchmark on disk.

    Returns:
        (videos, frames), or None for a benchmark without a fixed test split.
    """
    totals = benchmark.expected
    if totals is None:
        return None
    return totals.videos, totals.frames or sum(video.measured_count for video in benchmark.videos())


def _baselines(benchmark: Benchmark, how: MeasureSettings) -> tuple[str, ...]:
    """Names of the baselines to measure: those that were asked for, or all that the benchmark's files allow."""
    if how.baselines is not None:
        return how.baselines
    frames = benchmark.has_frames
    return tuple(name for name in baseline_base.known() if frames or not baseline_base.make(name).reads_frames)


def _with_thumbnails(videos: Sequence[TestVideo]) -> frozenset[str]:
    """Keys of the videos that get thumbnails: all, or SHOWN of them spread evenly."""
    places = np.linspace(0, len(videos) - 1, min(SHOWN, len(videos))).round().astype(int)
    return frozenset(videos[place].key for place in places)


def _evaluate_baselines(
    benchmark: Benchmark,
    protocol: EvaluationProtocol,
    how: MeasureSettings,
    lost: bool,
    wrong: bool,
    scored: Collection[str],
    advance: Advance,
) -> tuple[Result, ...]:
    """Each baseline in the same way and on the same videos as the method; () where no video has labels."""
    if all(video.frame_labels is None for video in benchmark.videos()):
        return ()
    expected = expected_counts(benchmark)

    def pairs(baseline: Baseline) -> Iterator[tuple[TestVideo, VideoScore | None]]:
        for video in benchmark.videos():
            wanted = video.frame_labels is not None and video.key in scored
            try:
                rng = baseline_base.rng_for(how.seed, video.key)
                yield video, baseline.score(video, rng) if wanted else None
            finally:
                video.close()
            advance(video.frame_count)

    return tuple(
        evaluate(
            pairs(baseline_base.make(name, how.allow_code)), protocol, how.metrics, method=name, expected=expected,
            allow_partial=True, lost=lost, defects=wrong, bootstrap=how.bootstrap, exact=how.exact,
            allow_code=how.allow_code,
        )
        for name in _baselines(benchmark, how)
    )  # fmt: skip
