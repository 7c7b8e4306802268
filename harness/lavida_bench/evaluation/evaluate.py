"""Test videos and a method's scores -> metrics with intervals, coverage and warnings, under a named protocol.

    evaluate(pairs, protocols.make("official", benchmark.rules), method="ours")

`pairs` may be a generator: one video is looked at at a time, and its pixels once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lavida_bench.metrics import _base as room
from lavida_bench.metrics import _bootstrap as boot
from lavida_bench.metrics._base import Metric, MetricResult
from lavida_bench.metrics._bootstrap import Bootstrap, Difference
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.protocols.smoothing import smooth
from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.results.result import Coverage, Result
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, problem

VideosWithScores = Iterable[tuple[TestVideo, VideoScore | None]]
SHOWN = 10  # missing videos listed in an error
FEW = 10  # videos below which a bootstrap over videos says little

REASONS = {
    "frames": "no video has a scored frame (delays and alarms also need a frame rate)",
    "pixels": "no video has both pixel labels and pixel maps",
    "tracks": "no video has both tracks and detections, or by masks one of them lacks masks",
}
UNLABELLED = "no video has labels"


@dataclass(slots=True)
class _CoverageCounter:
    """What is counted while the videos go by."""

    videos: int = 0
    videos_total: int = 0
    frames: int = 0
    frames_total: int = 0
    missing: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    unlabelled: int = 0

    def add(self, video: TestVideo, number: int) -> None:
        """`number` frames of it are scored."""
        if video.key in self.keys:
            raise DataError(problem(video.key, "the video comes twice", "each test video once"))
        self.keys.add(video.key)
        self.unlabelled += video.frame_labels is None
        self.videos += number > 0
        self.videos_total += 1
        self.frames += number
        self.frames_total += video.frame_count
        if number < video.frame_count:
            self.missing.append(video.key)

    def coverage(self, expected: tuple[int, int] | None) -> Coverage:
        videos, frames = expected or (self.videos_total, self.frames_total)
        totals = max(videos, self.videos_total), max(frames, self.frames_total)
        return Coverage(self.videos, totals[0], self.frames, totals[1], tuple(self.missing))


def _view(video: TestVideo, score: VideoScore | None, protocol: EvaluationProtocol) -> EvaluatedVideo | None:
    """None for a video that is not scored, or has no labels to score against."""
    if score is None or video.frame_labels is None or not protocol.select([video]):
        return None
    return protocol.view(video, score)


def _scored(video: TestVideo, score: VideoScore | None, item: EvaluatedVideo | None) -> int:
    """How many frames of a video have a score that counts; without labels, any score."""
    if item is not None:
        return len(item.frames)
    if score is None or video.frame_labels is not None:
        return 0
    return score.frame_count if score.scored is None else int(score.scored.sum())


def update_metrics(
    pairs: VideosWithScores, protocol: EvaluationProtocol, metrics: Sequence[Metric], sigma: float | None = None
) -> None:
    """Puts every scored video into every metric (smoothed if `sigma`)."""
    for video, score in pairs:
        item = _view(video, score, protocol)
        if item is not None:
            _update(metrics, smooth(item, sigma) if sigma is not None else item)


def _update(metrics: Sequence[Metric], item: EvaluatedVideo) -> None:
    for metric in metrics:
        metric.update(item)


def _require(seen: _CoverageCounter, coverage: Coverage, protocol: EvaluationProtocol) -> None:
    """Raises DataError listing what is missing."""
    unscored = seen.videos_total - seen.videos
    counts = {
        "videos are not at hand": coverage.videos_total - seen.videos_total,
        "have no score": unscored,
        "are scored in part": len(coverage.missing) - unscored,
    }
    told = [f"{number:,} {what}" for what, number in counts.items() if number] or ["videos at hand are too short"]
    lines = f": {', '.join(coverage.missing[:SHOWN])}" if coverage.missing else ""
    if len(coverage.missing) > SHOWN:
        lines += f" and {len(coverage.missing) - SHOWN} more"
    raise DataError(
        problem(
            f"protocol {protocol.id}",
            f"scored {coverage}; {', '.join(told)}{lines}",
            "every frame of every test video",
            "score them, or --allow-partial: the result is then marked so and is not the benchmark's number",
        )
    )


def evaluate(
    pairs: VideosWithScores,
    protocol: EvaluationProtocol,
    metrics: Sequence[str | Metric] | None = None,
    *,
    method: str = "",
    expected: tuple[int, int] | None = None,
    allow_partial: bool = False,
    bootstrap: Bootstrap | None = None,
    smoothing: float | None = None,
) -> Result:
    """Scores a method.

    pairs          (video, its score; None = the method has none), all test videos at hand, once each
    metrics        names or metrics; None = the protocol's own first, then all others that can be computed
    expected       (videos, frames) of the whole benchmark, where fewer may be at hand
    allow_partial  gives a result marked partial where the protocol asks for complete coverage
    smoothing      sigma in frames: frame metrics of smoothed scores beside the raw ones

    A video without labels counts as covered and enters no metric. Raises DataError for scores that do not fit their
    video and for missing coverage under ``official``.
    """
    bootstrap = bootstrap or Bootstrap()
    raw = _instantiate(metrics if metrics is not None else _all(protocol))
    smoothed = (
        _instantiate([type(metric).name for metric in raw if metric.needs == "frames"]) if smoothing is not None else []
    )
    oracle = room.make("frame_auc")
    seen = _update_all(pairs, protocol, raw, smoothed, oracle, smoothing)
    coverage = seen.coverage(expected)
    if protocol.complete and not coverage.complete and not allow_partial:
        _require(seen, coverage, protocol)
    found = {metric.name: boot.result(metric, bootstrap) for metric in raw if metric.keys}
    return Result(
        benchmark=protocol.rules.benchmark,
        method=method,
        protocol=protocol.id + (" (partial)" if protocol.complete and not coverage.complete else ""),
        protocol_text=protocol.describe(),
        coverage=coverage,
        metrics=found,
        not_scored={metric.name: _why_not(metric, seen) for metric in raw if not metric.keys},
        warnings=(*_unlabelled(seen), *_warnings(coverage, protocol, found, oracle)),
        resamples=bootstrap.resamples,
        seed=bootstrap.seed,
        smoothing=smoothing,
        smoothed={m.name: boot.result(m, bootstrap) for m in smoothed if m.keys} if smoothing is not None else None,
    )


def _update_all(
    pairs: VideosWithScores,
    protocol: EvaluationProtocol,
    raw: Sequence[Metric],
    smoothed: Sequence[Metric],
    oracle: Metric,
    smoothing: float | None,
) -> _CoverageCounter:
    """Puts every scored video into the metrics, and what the video oracle would say into `oracle`."""
    seen = _CoverageCounter()
    for video, score in pairs:
        item = _view(video, score, protocol)
        seen.add(video, _scored(video, score, item))
        if item is None:
            continue
        _update(raw, item)
        if smoothing is not None:
            _update(smoothed, smooth(item, smoothing))
        oracle.update(replace(item, values=np.full(len(item.frames), float(bool(video.abnormal)), np.float32)))
    return seen


def paired_differences(
    first: VideosWithScores,
    second: VideosWithScores,
    protocol: EvaluationProtocol,
    names: Sequence[str],
    bootstrap: Bootstrap | None = None,
) -> dict[str, Mapping[str, Difference]]:
    """Metric -> variant -> difference of two runs (first - second) over the same videos in the same order.

    Metrics for which either run has nothing are left out. Raises UserError for runs over different videos.
    """
    one, other = _instantiate(names), _instantiate(names)
    update_metrics(first, protocol, one)
    update_metrics(second, protocol, other)
    both = [(a, b) for a, b in zip(one, other, strict=True) if a.keys and b.keys]
    return {a.name: boot.paired(a, b, bootstrap or Bootstrap()) for a, b in both}


def _instantiate(metrics: Sequence[str | Metric]) -> list[Metric]:
    made = [room.make(metric) if isinstance(metric, str) else metric for metric in metrics]
    assert not any(metric.keys for metric in made), "a metric that has seen videos already"
    return made


def _all(protocol: EvaluationProtocol) -> list[str]:
    """The protocol's own metrics, then the others by name."""
    own = protocol.metrics()
    return [*own, *(name for name in room.known() if name not in own)]


def _why_not(metric: Metric, seen: _CoverageCounter) -> str:
    return UNLABELLED if seen.unlabelled == seen.videos_total else REASONS[metric.needs]


def _unlabelled(seen: _CoverageCounter) -> tuple[str, ...]:
    if not seen.unlabelled:
        return ()
    if seen.unlabelled == seen.videos_total:
        return (f"{UNLABELLED}: there are scores to look at and no metrics",)
    return (f"{seen.unlabelled} of {seen.videos_total} videos have no labels and are in no metric",)


def _warnings(
    coverage: Coverage, protocol: EvaluationProtocol, found: Mapping[str, MetricResult], oracle: Metric
) -> tuple[str, ...]:
    """What a reader must know before any number."""
    warnings = []
    if not coverage.complete:
        what = "numbers are not the benchmark's" if protocol.complete else f"as protocol {protocol.id} has it"
        warnings.append(f"scored {coverage}: {what}")
    ceiling = oracle.exact()["micro"] if oracle.keys else float("nan")
    auc = found["frame_auc"].headline.value if "frame_auc" in found else None
    if auc is not None and auc < ceiling:
        warnings.append(
            f"frame AUC {auc:.4f} is below the video oracle's {ceiling:.4f}, which knows each video's label but not "
            "when: the method has not shown that it localises in time"
        )
    if coverage.videos < FEW and any(result.headline.low is not None for result in found.values()):
        warnings.append(f"intervals over {coverage.videos} videos say little")
    for name, result in found.items():
        left_out = result.counts.get("videos_left_out", 0)
        if left_out:
            warnings.append(f"{name} is over {result.counts['videos']} videos; {left_out} lack what it needs")
    return tuple(warnings)
