"""Test videos and a method's scores -> metrics with intervals, coverage and warnings, under a named protocol.

    evaluate(pairs, protocols.make("official", benchmark.rules), method="ours")

`pairs` may be a generator: one video is in memory at a time, and its pixels are read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np

from lavida_bench.evaluation.coverage import CoverageCounter, incomplete_error
from lavida_bench.evaluation.warnings import UNLABELLED, label_warnings, result_warnings
from lavida_bench.metrics import _base as metric_base
from lavida_bench.metrics import _bootstrap
from lavida_bench.metrics._base import Metric, MetricResult
from lavida_bench.metrics._bootstrap import Bootstrap, Difference
from lavida_bench.protocols.protocol import EvaluationProtocol, result_id
from lavida_bench.protocols.smoothing import smooth
from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.results.result import Result
from lavida_bench.videos.types import Bits, TestVideo, VideoScore
from lavida_gen.common.errors import UserError, problem

VideosWithScores = Iterable[tuple[TestVideo, VideoScore | None]]
"""Each test video with the method's scores of it; None = the method has none."""

REASONS = {
    "frames": "no video has a scored frame",
    "pixels": "no video has both pixel labels and pixel maps",
    "tracks": "no video has both tracks and detections (the mask criteria need masks of both)",
}
BOXES_ALONE = "the method gives boxes alone"
NO_DATA = "no video has the data they need (delays and alarms: a frame rate; soft metrics: labels that are shares)"


def _view(
    video: TestVideo, score: VideoScore | None, protocol: EvaluationProtocol, exact: bool = False
) -> EvaluatedVideo | None:
    """None for a video without scores, without labels, or outside the protocol."""
    if score is None or video.frame_labels is None or not protocol.select([video]):
        return None
    return replace(protocol.view(video, score), exact_pixels=exact)


def _count_scored(video: TestVideo, score: VideoScore | None, item: EvaluatedVideo | None) -> int:
    """The number of frames of a video whose score counts; without labels, every score counts."""
    if item is not None:
        return item.video.measured_count if item.score.boxes_alone else len(item.frames)
    if score is None or video.frame_labels is not None:
        return 0
    return score.frame_count if score.scored is None else int(score.scored.sum())


def update_metrics(
    pairs: VideosWithScores, protocol: EvaluationProtocol, metrics: Sequence[Metric], sigma: float | None = None
) -> None:
    """Update every metric with every scored video.

    Args:
        pairs: Videos with their scores, once each.
        protocol: Which videos and frames count.
        metrics: The metrics, changed in place.
        sigma: Width of a Gaussian that smooths the scores, in frames; None = raw scores.

    Raises:
        DataError: A score does not fit its video.
    """
    for video, score in pairs:
        item = _view(video, score, protocol)
        if item is not None:
            _update(metrics, smooth(item, sigma) if sigma is not None else item)


def _update(metrics: Sequence[Metric], item: EvaluatedVideo) -> None:
    for metric in metrics:
        if metric.needs != "frames" or len(item.frames):
            metric.update(item)


def evaluate(
    pairs: VideosWithScores,
    protocol: EvaluationProtocol,
    metrics: Sequence[str | Metric] | None = None,
    *,
    method: str = "",
    expected: tuple[int, int] | None = None,
    allow_partial: bool = False,
    lost: bool = False,
    defects: bool = False,
    bootstrap: Bootstrap | None = None,
    smoothing: float | None = None,
    exact: bool = False,
    allow_code: bool = False,
) -> Result:
    """Evaluate a method. A video without labels counts as covered and enters no metric.

    Args:
        pairs: All test videos at hand with their scores, once each.
        protocol: Which videos and frames count.
        metrics: Names or metrics; None = the protocol's own first, then all others that can be computed.
        method: The method's name in the result.
        expected: (videos, frames) of the whole benchmark, where fewer may be at hand.
        allow_partial: Return a result marked partial where videos are missing or the protocol asks for complete
            coverage.
        lost: Whether videos of the benchmark are not at hand: the result is partial under any protocol.
        defects: Whether the benchmark's files have defects with which the number is not the official one.
        bootstrap: How intervals are made; None = the default.
        allow_code: Whether `metrics` may be ``package.module:Class``.
        smoothing: Sigma in frames: also compute the frame metrics of smoothed scores, beside the raw ones.
        exact: Whether pixels of float32 and float64 maps are sorted on disk, instead of counted with a bound of the
            error.

    Returns:
        The result with coverage, metrics and warnings.

    Raises:
        DataError: A score does not fit its video, or the coverage is incomplete under a protocol such as ``official``.
        UserError: A metric is unknown, or the smoothing is out of range.
    """
    bootstrap = bootstrap or Bootstrap()
    if metrics is None:
        raw = _instantiate(_all_metrics(protocol), allow_code=True)  # what the benchmark's own class names
    else:
        raw = _instantiate(metrics, allow_code)
    smoothed = [type(metric)() for metric in raw if metric.needs == "frames" and smoothing is not None]
    oracle = metric_base.make("frame_auc")
    counter = _update_all(pairs, protocol, raw, smoothed, oracle, smoothing, exact)
    coverage = counter.coverage(expected)
    partial = lost or (protocol.complete and not coverage.complete)
    if partial and not allow_partial:
        raise incomplete_error(counter, coverage, protocol)
    results = _results(raw, bootstrap)
    return Result(
        benchmark=protocol.rules.benchmark,
        method=method,
        protocol=result_id(protocol.id, partial, defects),
        protocol_text=protocol.describe(),
        coverage=coverage,
        metrics=results,
        not_scored={metric.name: _why_not_scored(metric, counter) for metric in raw if not metric.keys},
        warnings=(
            *label_warnings(counter.unlabelled, counter.videos_total),
            *result_warnings(coverage, protocol, results, oracle),
        ),
        resamples=bootstrap.resamples,
        seed=bootstrap.seed,
        smoothing=smoothing,
        smoothed=_results(smoothed, bootstrap) if smoothing is not None else None,
        quoted=tuple(protocol.metrics()),
    )


def _results(metrics: Sequence[Metric], bootstrap: Bootstrap) -> dict[str, MetricResult]:
    return {metric.name: _bootstrap.metric_result(metric, bootstrap) for metric in metrics if metric.keys}


def _update_all(
    pairs: VideosWithScores,
    protocol: EvaluationProtocol,
    raw: Sequence[Metric],
    smoothed: Sequence[Metric],
    oracle: Metric,
    smoothing: float | None,
    exact: bool,
) -> CoverageCounter:
    """Update the metrics with every scored video, and `oracle` with the scores of the video oracle."""
    counter = CoverageCounter()
    for video, score in pairs:
        item = _view(video, score, protocol, exact)
        counter.add(video, _count_scored(video, score, item))
        counter.boxes_alone += score is not None and score.boxes_alone
        if item is None:
            continue
        _update(raw, item)
        if not len(item.frames):
            continue
        if smoothing is not None:
            _update(smoothed, smooth(item, smoothing))
        oracle.update(replace(item, values=np.full(len(item.frames), float(bool(video.abnormal)))))
    return counter


def paired_differences(
    first: VideosWithScores,
    second: VideosWithScores,
    protocol: EvaluationProtocol,
    names: Sequence[str],
    bootstrap: Bootstrap | None = None,
    allow_code: bool = False,
) -> dict[str, Mapping[str, Difference]]:
    """Compare two runs over the same videos in the same order, by paired bootstrap.

    Only what both runs have counts: videos and frames that both scored, and pixel maps or regions of both. The p-values
    are adjusted for the number of metrics.

    Args:
        first: Videos with the scores of the first run.
        second: The same videos with the scores of the second run.
        protocol: Which videos and frames count.
        names: Names of the metrics.
        bootstrap: How intervals are made; None = the default.
        allow_code: Whether `names` may be ``package.module:Class``.

    Returns:
        Metric -> variant -> first - second. A metric for which either run has no video is left out.

    Raises:
        UserError: The runs are over different videos, or a metric is unknown.
    """
    metrics_first, metrics_second = _instantiate(names, allow_code), _instantiate(names, allow_code)
    for video, score_first, score_second in common_scores(first, second):
        for score, metrics in ((score_first, metrics_first), (score_second, metrics_second)):
            item = _view(video, score, protocol)
            if item is not None:
                _update(metrics, item)
    both = [(a, b) for a, b in zip(metrics_first, metrics_second, strict=True) if a.keys and b.keys]
    bootstrap = bootstrap or Bootstrap()
    return _bootstrap.with_holm({a.name: _bootstrap.paired_differences(a, b, bootstrap) for a, b in both})


def common_scores(
    first: VideosWithScores, second: VideosWithScores
) -> Iterator[tuple[TestVideo, VideoScore, VideoScore]]:
    """What both of two runs have: videos, frames, pixel maps and regions.

    Args:
        first: Videos with the scores of the first run.
        second: The same videos with the scores of the second run.

    Yields:
        A video that both scored, and both scores cut to the frames that both scored.

    Raises:
        UserError: The runs are over different videos, or over the same ones in another order.
    """
    for one, other in zip_longest(first, second):
        keys = [pair[0].key if pair else "nothing" for pair in (one, other)]
        if keys[0] != keys[1]:
            got = f"the first has {keys[0]} where the second has {keys[1]}"
            raise UserError(problem("two runs", got, "the same videos in the same order"))
        (video, score_a), score_b = one, other[1]
        if score_a is None or score_b is None:
            continue
        masks = [score.scored for score in (score_a, score_b) if score.scored is not None]
        scored = np.logical_and.reduce(masks) if masks else None
        pixels = score_a.pixels is not None and score_b.pixels is not None
        regions = score_a.detections is not None and score_b.detections is not None
        yield video, _cut(score_a, scored, pixels, regions), _cut(score_b, scored, pixels, regions)


def _cut(score: VideoScore, scored: Bits | None, pixels: bool, regions: bool) -> VideoScore:
    """A score with these frames alone, without its pixel maps or regions unless they are wanted."""
    maps, detections = score.pixels if pixels else None, score.detections if regions else None
    return replace(score, scored=scored, pixels=maps, detections=detections)


def _instantiate(metrics: Sequence[str | Metric], allow_code: bool) -> list[Metric]:
    instances = [metric_base.make(metric, allow_code) if isinstance(metric, str) else metric for metric in metrics]
    assert not any(metric.keys for metric in instances), "a metric that was updated before"
    return instances


def _all_metrics(protocol: EvaluationProtocol) -> list[str]:
    """The protocol's own metrics, then the others by name."""
    own = protocol.metrics()
    return [*own, *(name for name in metric_base.known() if name not in own)]


def _why_not_scored(metric: Metric, counter: CoverageCounter) -> str:
    if counter.unlabelled == counter.videos_total:
        return UNLABELLED
    if metric.needs == "frames" and counter.boxes_alone == counter.videos:
        return BOXES_ALONE
    if metric.needs == "frames" and counter.frames:
        return NO_DATA
    return REASONS[metric.needs]
