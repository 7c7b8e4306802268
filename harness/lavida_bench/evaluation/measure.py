"""One method and the baselines on one benchmark -> an Entry for results.json, and what the page shows of each video.

measured = measure(benchmark, protocol, pairs, "ours", provenance)
report.add("runs/first", measured)

`pairs` may be a generator: one video is looked at at a time, while its maps are at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from lavida_bench.baselines import _base as room
from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.evaluation.curve import Timeline, timeline
from lavida_bench.evaluation.evaluate import VideosWithScores, evaluate
from lavida_bench.evaluation.peak_pictures import Thumbnail, peak_thumbnails
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import DataUsed, Provenance, ResultEntry
from lavida_bench.videos.types import Counts, Floats, TestVideo, VideoScore

Advance = Callable[[int], None]
SHOWN = 300  # videos of which pictures are taken


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """What may be chosen about measuring; see `evaluate`.

    baselines  names, None = all that are built in
    thumbnails whether pictures are taken at the peaks
    seed       of the random baseline
    """

    metrics: tuple[str, ...] | None = None
    baselines: tuple[str, ...] | None = None
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    smoothing: float | None = None
    allow_partial: bool = False
    thumbnails: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class VideoView:
    """What a page shows of one video."""

    key: str
    timeline: Timeline
    thumbnails: tuple[Thumbnail, ...]

    def to_json(self) -> dict[str, object]:
        """The view as it is stored in pictures/ENTRY.json, where the thumbnails are called "shots"."""
        return {
            "key": self.key,
            "timeline": asdict(self.timeline),
            "shots": [asdict(thumbnail) for thumbnail in self.thumbnails],
        }


@dataclass(frozen=True, slots=True)
class Measurement:
    """One method on one benchmark: the numbers, and the pictures beside them."""

    entry: ResultEntry
    views: tuple[VideoView, ...]


def measure(
    benchmark: Benchmark,
    protocol: EvaluationProtocol,
    pairs: VideosWithScores,
    method: str,
    provenance: Provenance,
    *,
    names: Sequence[str] = (),
    scores: str | None = None,
    warnings: Sequence[str] = (),
    how: MeasureSettings | None = None,
    advance: Advance = lambda frames: None,
) -> Measurement:
    """Scores a method and the baselines under a protocol.

    pairs    (video, its score; None = the method has none) of `benchmark.videos()`, once each, in their order
    names    that were given to the method's prompt, if it has one
    scores   where the method's scores are kept, relative to the run folder
    warnings more sentences for the top of the report
    advance  is told frames as they are done: those of each video for the method, and again for each baseline

    Raises DataError for scores that do not fit their video and for missing coverage under ``official``.
    """
    how = how or MeasureSettings()
    looks: list[VideoView] = []
    expected = expected_counts(benchmark)
    scored: set[str] = set()
    watched = collect_views(
        _noted(pairs, scored), protocol, _shown(benchmark.videos()) if how.thumbnails else frozenset(), looks, advance
    )
    result = evaluate(
        watched, protocol, how.metrics, method=method, expected=expected, allow_partial=how.allow_partial,
        bootstrap=how.bootstrap, smoothing=how.smoothing,
    )  # fmt: skip
    result = replace(result, warnings=(*result.warnings, *warnings))
    baselines = _baselines(benchmark, protocol, how, expected, scored, advance)
    entry = ResultEntry(result, baselines, tuple(names), DataUsed.of(benchmark), provenance, scores)
    return Measurement(entry, tuple(looks))


def frames_to_measure(benchmark: Benchmark, how: MeasureSettings) -> int:
    """Frames that `measure` will tell `advance`: the method's and those of each baseline."""
    baselines = room.known() if how.baselines is None else how.baselines
    labelled = any(video.frame_labels is not None for video in benchmark.videos())
    return (1 + len(baselines) * labelled) * sum(video.frame_count for video in benchmark.videos())


def expected_counts(benchmark: Benchmark) -> tuple[int, int] | None:
    """(videos, frames) that the whole benchmark has; None where it is whatever is there."""
    totals = benchmark.expected
    if totals is None:
        return None
    return totals.videos, totals.frames or sum(video.frame_count for video in benchmark.videos())


def _shown(videos: Sequence[TestVideo]) -> frozenset[str]:
    """Keys of the videos of which pictures are taken: all, or SHOWN spread evenly."""
    at = np.linspace(0, len(videos) - 1, min(SHOWN, len(videos))).round().astype(int)
    return frozenset(videos[n].key for n in at)


def collect_views(
    pairs: VideosWithScores,
    protocol: EvaluationProtocol,
    shown: Collection[str],
    looks: list[VideoView],
    advance: Advance,
) -> Iterator[tuple[TestVideo, VideoScore | None]]:
    """The same pairs; what a page shows of each goes to `looks`, with pictures of those `shown`. Closes each video."""
    for video, score in pairs:
        try:
            if score is not None and protocol.select([video]):
                frames, values = _counted(video, score, protocol)
                if len(frames):
                    looked = _looked_at(video, score, protocol, frames)
                    taken = peak_thumbnails(video, score, looked, score.frames[looked]) if video.key in shown else ()
                    looks.append(VideoView(video.key, timeline(video, frames, values), taken))
            yield video, score
        finally:
            video.close()
        advance(video.frame_count)


def _looked_at(video: TestVideo, score: VideoScore, protocol: EvaluationProtocol, frames: Counts) -> Counts:
    """Those of the frames that were scored themselves: only they have maps."""
    return frames if video.frame_labels is None else protocol.view(video, score).pixel_frames


def _counted(video: TestVideo, score: VideoScore, protocol: EvaluationProtocol) -> tuple[Counts, Floats]:
    """The frames whose scores count, and these scores; of a video without labels all that were scored."""
    if video.frame_labels is not None:
        item = protocol.view(video, score)
        return item.frames, item.values
    frames = np.arange(video.frame_count) if score.scored is None else np.flatnonzero(score.scored)
    return frames, score.frames[frames]


def _noted(pairs: VideosWithScores, scored: set[str]) -> Iterator[tuple[TestVideo, VideoScore | None]]:
    """The same pairs; keys of the videos that have a score go to `scored`."""
    for video, score in pairs:
        if score is not None:
            scored.add(video.key)
        yield video, score


def _baselines(
    benchmark: Benchmark,
    protocol: EvaluationProtocol,
    how: MeasureSettings,
    expected: tuple[int, int] | None,
    scored: Collection[str],
    advance: Advance,
) -> tuple[Result, ...]:
    """Each baseline in the same way and on the same videos as the method; none where no video has labels."""
    videos = benchmark.videos()
    names = room.known() if how.baselines is None else how.baselines
    if all(video.frame_labels is None for video in videos):
        return ()

    def pairs(one: room.Baseline) -> Iterator[tuple[TestVideo, VideoScore | None]]:
        for video in videos:
            wanted = video.frame_labels is not None and video.key in scored
            try:
                yield video, one.score(video, room.rng_for(how.seed, video.key)) if wanted else None
            finally:
                video.close()
            advance(video.frame_count)

    return tuple(
        evaluate(
            pairs(room.make(name)), protocol, how.metrics, method=name, expected=expected, allow_partial=True,
            bootstrap=how.bootstrap,
        )
        for name in names
    )  # fmt: skip
