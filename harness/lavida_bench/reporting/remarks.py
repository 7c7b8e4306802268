"""What a reader must know before a number is quoted: numbers from seconds of video, numbers that maps decide."""

from __future__ import annotations

from collections.abc import Iterator

from lavida_bench.metrics._base import MetricResult
from lavida_bench.reporting.table import metric_title
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import ResultEntry
from lavida_gen.common.text import counted

HOUR = 3600  # seconds of normal video below which false alarms an hour rest on few alarms
FEW_EVENTS = 20  # events below which one event moves the mean delay by more than 5 % of its length
DIRECTION = "↑ higher is better, ↓ lower is better."


def remarks(entry: ResultEntry) -> list[str]:
    """List what limits the numbers of an entry.

    Args:
        entry: An entry of results.json.

    Returns:
        Sentences, each about one metric.
    """
    return [*_short_videos(entry.result), *_uniform_maps(entry)]


def _short_videos(result: Result) -> Iterator[str]:
    """Numbers that rest on little video or on few events."""
    alarms = result.metrics.get("false_alarms_per_hour")
    seconds = alarms.counts.get("normal_seconds") if alarms else None
    if seconds is not None and seconds < HOUR:
        each = f"; one alarm more adds {HOUR / seconds:,.0f} an hour" if seconds else ""
        yield f"{metric_title('false_alarms_per_hour')}: from {_duration(seconds)} of normal video{each}"
    delay = result.metrics.get("detection_delay")
    events = delay.counts.get("events") if delay else None
    if events is not None and events < FEW_EVENTS:
        yield f"{metric_title('detection_delay')}: the mean of {counted(events, 'event')} only"


def _duration(seconds: int) -> str:
    """``37 seconds``, ``12 minutes``."""
    return counted(seconds, "second") if seconds < 120 else counted(seconds // 60, "minute")


def _uniform_maps(entry: ResultEntry) -> Iterator[str]:
    """Maps of one score a frame have an advantage by the 40 % criterion."""
    name = "pixel_auc_40"
    methods = [result.method for result in (entry.result, *entry.baselines) if _uniform(result.metrics.get(name))]
    if methods:
        have = "has" if len(methods) == 1 else "have"
        yield (
            f"{metric_title(name)}: {', '.join(methods)} {have} one score for all pixels of a frame, so that this is "
            "the AUC of the frames, 50 by chance. With a score for each pixel the highest of all pixels of a normal "
            "frame competes with 40 % of those of an anomaly, so that even a good method may be below 50: compare it "
            "with methods that have maps, not with these"
        )


def _uniform(metric: MetricResult | None) -> bool:
    """Whether the map of every frame has one score."""
    if metric is None:
        return False
    frames = metric.counts.get("positives", 0) + metric.counts.get("negatives", 0)
    return 0 < frames == metric.counts.get("frames_of_one_score", 0)
