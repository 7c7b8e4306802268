"""Test videos and a method's scores -> metrics with intervals, coverage and warnings, under a named protocol.

    evaluate(pairs, protocols.make("official", benchmark.rules), method="ours")

`pairs` may be a generator: one video is in memory at a time, and its pixels are read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np

from lavida_bench.metrics import _base as metric_base
from lavida_bench.metrics import _bootstrap
from lavida_bench.metrics._base import Metric, MetricResult
from lavida_bench.metrics._bootstrap import Bootstrap, Difference
from lavida_bench.protocols.protocol import EvaluationProtocol, result_id
from lavida_bench.protocols.smoothing import smooth
from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.results.result import Coverage, Result
from lavida_bench.videos.types import Bits, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError, problem

VideosWithScores = Iterable[tuple[TestVideo, VideoScore | None]]
"""Each test video with the method's scores of it; None = the method has none."""
SHOWN = 10  # missing videos listed in an error
INVERTED = 0.35  # frame AUC from which scores look inverted
DECISIVE = 5e-4  # share of tied pairs from which a warning names them: AUC could be 0.025 points lower or higher
BOUND = 1e-6  # computed error from which a warning advises --exact
FEW = 10  # videos below which a bootstrap over videos is not reliable

REASONS = {
    "frames": "no video has a scored frame",
    "pixels": "no video has both pixel labels and pixel maps",
    "tracks": "no video has both tracks and detections (the mask criteria need masks of both)",
}
BOXES_ALONE = "the method gives boxes alone"
UNLABELLED = "no video has labels"
NO_DATA = "no video has the data they need (delays and alarms: a frame rate; soft metrics: labels that are shares)"


@dataclass(slots=True)
class _CoverageCounter:
    """Counts of videos and frames, updated video by video."""

    videos: int = 0
    videos_total: int = 0
    frames: int = 0
    frames_total: int = 0
    missing: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    unlabelled: int = 0
    boxes_alone: int = 0

    def add(self, video: TestVideo, scored_frames: int) -> None:
        """Count a video of which `scored_frames` frames are scored. Raises DataError for a second one of its key."""
        if video.key in self.keys:
            raise DataError(problem(video.key, "the video appears twice", "each test video once"))
        self.keys.add(video.key)
        self.unlabelled += video.frame_labels is None
        self.videos += scored_frames > 0
        self.videos_total += 1
        self.frames += scored_frames
        self.frames_total += video.frame_count
        if scored_frames < video.frame_count:
            self.missing.append(video.key)

    def coverage(self, expected: tuple[int, int] | None) -> Coverage:
        """The coverage of the benchmark; `expected`: its (videos, frames), None = those that were counted."""
        videos, frames = expected or (self.videos_total, self.frames_total)
        totals = max(videos, self.videos_total), max(frames, self.frames_total)
        return Coverage(self.videos, totals[0], self.frames, totals[1], tuple(self.missing))


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
        return item.score.frame_count if item.score.boxes_alone else len(item.frames)
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


def _incomplete_error(counter: _CoverageCounter, coverage: Coverage, protocol: EvaluationProtocol) -> DataError:
    """The error that lists what is missing under a protocol that asks for complete coverage."""
    unscored = counter.videos_total - counter.videos
    counts = {
        "videos are not at hand": coverage.videos_total - counter.videos_total,
        "have no score": unscored,
        "are scored in part": len(coverage.missing) - unscored,
    }
    reasons = [f"{number:,} {what}" for what, number in counts.items() if number] or ["videos at hand are too short"]
    keys = f": {', '.join(coverage.missing[:SHOWN])}" if coverage.missing else ""
    if len(coverage.missing) > SHOWN:
        keys += f" and {len(coverage.missing) - SHOWN} more"
    todo = "score them, or use --allow-partial: the result is then marked partial and is not the benchmark's number"
    return DataError(
        problem(
            f"protocol {protocol.id}",
            f"scored {coverage}; {', '.join(reasons)}{keys}",
            "every frame of every test video",
            todo,
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
        raise _incomplete_error(counter, coverage, protocol)
    results = _results(raw, bootstrap)
    return Result(
        benchmark=protocol.rules.benchmark,
        method=method,
        protocol=result_id(protocol.id, partial, defects),
        protocol_text=protocol.describe(),
        coverage=coverage,
        metrics=results,
        not_scored={metric.name: _why_not_scored(metric, counter) for metric in raw if not metric.keys},
        warnings=(*_label_warnings(counter), *_warnings(coverage, protocol, results, oracle)),
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
) -> _CoverageCounter:
    """Update the metrics with every scored video, and `oracle` with the scores of the video oracle."""
    counter = _CoverageCounter()
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


def _why_not_scored(metric: Metric, counter: _CoverageCounter) -> str:
    if counter.unlabelled == counter.videos_total:
        return UNLABELLED
    if metric.needs == "frames" and counter.boxes_alone == counter.videos:
        return BOXES_ALONE
    if metric.needs == "frames" and counter.frames:
        return NO_DATA
    return REASONS[metric.needs]


def _label_warnings(counter: _CoverageCounter) -> tuple[str, ...]:
    if not counter.unlabelled:
        return ()
    if counter.unlabelled == counter.videos_total:
        return (f"{UNLABELLED}: there are scores to look at and no metrics",)
    return (f"{counter.unlabelled} of {counter.videos_total} videos have no labels and are in no metric",)


def _warnings(
    coverage: Coverage, protocol: EvaluationProtocol, results: Mapping[str, MetricResult], oracle: Metric
) -> tuple[str, ...]:
    """What a reader must know before any number."""
    warnings = []
    if not coverage.complete:
        reason = "numbers are not the benchmark's" if protocol.complete else f"as protocol {protocol.id} has it"
        warnings.append(f"scored {coverage}: {reason}")
    ceiling = oracle.exact()["micro"] if oracle.keys else float("nan")
    auc = results["frame_auc"].headline.value if "frame_auc" in results else None
    if "frame_auc" in results and auc is None:
        warnings.append("the scored frames are all normal or all abnormal: metrics that rank them are undefined")
    if auc is not None and auc < INVERTED:
        warnings.append(
            f"frame AUC {auc:.4f} is far below chance: do high scores mean normal here? A higher score must mean more "
            f"anomalous; the negated scores have {1 - auc:.4f}"
        )
    if auc is not None and auc < ceiling:
        warnings.append(
            f"frame AUC {auc:.4f} is below the video oracle's {ceiling:.4f}, which knows each video's label but not "
            "when: the method has not shown that it localises in time"
        )
    warnings += _rank_warnings(results)
    if coverage.videos < FEW and any(result.headline.low is not None for result in results.values()):
        warnings.append(f"intervals over {coverage.videos} videos are not reliable")
    for name, result in results.items():
        left_out = result.counts.get("videos_left_out", 0)
        if left_out:
            warnings.append(f"{name} covers {result.counts['videos']} videos; {left_out} are without the data it needs")
    return tuple(warnings)


def _rank_warnings(results: Mapping[str, MetricResult]) -> list[str]:
    """Where equal scores or the bound of an error decide: for frames and for pixels once each."""
    warnings = []
    for names, what in ((("frame_auc", "frame_ap"), "frames"), (("pixel_auc", "pixel_ap"), "pixels")):
        result = next((results[name] for name in names if name in results), None)
        if result is not None and result.ties is not None and result.ties.pairs >= DECISIVE:
            ties = result.ties
            warnings.append(
                f"tied scores decide: {ties.distinct:,} distinct scores of {ties.items:,} {what}; {ties.pairs:.2%} of "
                f"the pairs of an abnormal and a normal one are tied and count one half, so that AUC could be "
                f"{50 * ties.pairs:.2f} points lower or higher"
            )
        for name in names:
            bounds = results[name].error_bounds if name in results else {}
            if max(bounds.values(), default=0.0) > BOUND:
                worst = max(bounds.values())
                warnings.append(
                    f"{name} is counted in buckets: its error is at most {worst:.1e}; --exact sorts on disk"
                )
    return warnings
