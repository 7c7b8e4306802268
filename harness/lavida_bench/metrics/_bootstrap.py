"""95 % intervals by bootstrap over VIDEOS, and the paired bootstrap of two runs.

Frames of one video are not independent, so videos are drawn, with replacement, as many as there are. The draw depends
on the seed and the number of videos only: two runs over the same videos see the same resamples, which pairs them.
A number that is undefined in a resample (one class missing) leaves that resample out; how many remain is reported.

Letters: V videos, R resamples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics._base import Estimate, Metric, MetricResult, Weights
from lavida_gen.common.errors import UserError, problem

Array = NDArray[np.float64]

RESAMPLES = 1000
SEED = 0
LEVEL = 0.95
PORTION = 64  # resamples computed together: bounds the memory


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made: R resamples of the videos, drawn with a generator seeded by `seed`. 0 = no intervals."""

    resamples: int = RESAMPLES
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.resamples < 0:
            raise UserError(problem("bootstrap", f"{self.resamples} resamples", "0 (no intervals) or more"))

    def weights(self, videos: int) -> Weights:
        """(R, V) how often each video was drawn."""
        rng = np.random.default_rng(self.seed)
        return rng.multinomial(videos, np.full(videos, 1 / videos), size=self.resamples).astype(np.float64)


def percentile_interval(resampled_values: Array) -> tuple[float | None, float | None, int]:
    """(low, high, resamples in which the number is defined) of (R,) values, the middle 95 %."""
    defined = resampled_values[np.isfinite(resampled_values)]
    if not len(defined):
        return None, None, 0
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high), len(defined)


def resampled_values(metric: Metric, bootstrap: Bootstrap) -> dict[str, Array]:
    """Variant -> (R,) values, one for each resample of the metric's videos, in their order."""
    weights = bootstrap.weights(len(metric.keys))
    parts = [metric.value(weights[at : at + PORTION]) for at in range(0, len(weights), PORTION)]
    return {variant: np.concatenate([part[variant] for part in parts]) for variant in metric.variants}


def none_if_undefined(value: float) -> float | None:
    """NaN as JSON has it."""
    return value if math.isfinite(value) else None


def metric_result(metric: Metric, bootstrap: Bootstrap) -> MetricResult:
    """What a metric says after its last `update`, with intervals if there are two videos or more."""
    drawn = resampled_values(metric, bootstrap) if len(metric.keys) > 1 and bootstrap.resamples else {}
    exact = metric.exact() if metric.keys else dict.fromkeys(metric.variants, math.nan)
    variants = {}
    for variant, value in exact.items():
        low, high, number = percentile_interval(drawn[variant]) if variant in drawn else (None, None, 0)
        variants[variant] = Estimate(none_if_undefined(value), low, high, number)
    per_video = {key: none_if_undefined(value) for key, value in metric.per_video.items()}
    return MetricResult(
        metric.name, metric.unit, metric.higher_is_better, variants, per_video, metric.counts(), metric.notes()
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A - B of one variant of one metric over the same videos.

    share_better   share of the resamples in which A is better than B (higher, or lower where lower is better), ties
                   counting one half
    first, second  A and B
    """

    value: float | None
    low: float | None
    high: float | None
    share_better: float | None
    resamples: int
    first: float | None = None
    second: float | None = None


def paired_differences(first: Metric, second: Metric, bootstrap: Bootstrap) -> Mapping[str, Difference]:
    """Variant -> difference of two runs of the same metric over the same videos in the same order."""
    assert first.name == second.name, f"{first.name} against {second.name}"
    if first.keys != second.keys:
        odd = sorted(set(first.keys) ^ set(second.keys))
        got = f"videos of only one run: {', '.join(odd[:5])}" if odd else "the videos are in another order"
        raise UserError(problem(f"comparing {first.name}", got, "two runs over the same videos in the same order"))
    drawn = len(first.keys) > 1 and bootstrap.resamples > 0
    nothing = dict.fromkeys(first.variants, np.zeros(0))
    one, other = (resampled_values(metric, bootstrap) if drawn else nothing for metric in (first, second))
    both = first.exact(), second.exact()
    return {v: _difference(both[0][v], both[1][v], one[v] - other[v], first.higher_is_better) for v in first.variants}


def _difference(first: float, second: float, drawn: Array, higher_is_better: bool) -> Difference:
    low, high, number = percentile_interval(drawn)
    defined = drawn[np.isfinite(drawn)] * (1 if higher_is_better else -1)
    share = float(((defined > 0) + (defined == 0) / 2).mean()) if number else None
    values = (none_if_undefined(value) for value in (first, second))
    return Difference(none_if_undefined(first - second), low, high, share, number, *values)
