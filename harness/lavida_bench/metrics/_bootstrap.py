"""95 % intervals by bootstrap over VIDEOS, and the paired bootstrap of two runs.

Frames of one video are not independent, so a resample draws V videos with replacement. The draw depends only on the
seed and on V: two runs over the same videos get the same resamples, which pairs them. A resample in which a number is
undefined (one class is missing) is left out of its interval; how many remain is reported.

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
NO_SAMPLES: Array = np.zeros(0)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made.

    Attributes:
        resamples: R; 0 = no intervals.
        seed: Seed of the draw.

    Raises:
        UserError: `resamples` is negative.
    """

    resamples: int = RESAMPLES
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.resamples < 0:
            raise UserError(problem("bootstrap", f"{self.resamples} resamples", "0 (no intervals) or more"))

    def weights(self, videos: int) -> Weights:
        """Draw the resamples.

        Args:
            videos: V, at least 1.

        Returns:
            (R, V) float64: how often each video was drawn.
        """
        rng = np.random.default_rng(self.seed)
        return rng.multinomial(videos, np.full(videos, 1 / videos), size=self.resamples).astype(np.float64)


def percentile_interval(samples: Array) -> tuple[float | None, float | None, int]:
    """The middle 95 % of resampled values.

    Args:
        samples: (R,) float64 values, NaN = undefined.

    Returns:
        (low, high, number of resamples in which the value is defined); the first two are None if there is none.
    """
    defined = samples[np.isfinite(samples)]
    if not len(defined):
        return None, None, 0
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high), len(defined)


def resampled_values(metric: Metric, bootstrap: Bootstrap) -> dict[str, Array]:
    """Compute a metric for each resample of its videos.

    Args:
        metric: A metric after its last `update`.
        bootstrap: How to resample.

    Returns:
        Variant -> (R,) float64 values, NaN = undefined; (0,) arrays with fewer than two videos.
    """
    if len(metric.keys) < 2 or not bootstrap.resamples:
        return dict.fromkeys(metric.variants, NO_SAMPLES)
    weights = bootstrap.weights(len(metric.keys))
    parts = [metric.value(weights[start : start + PORTION]) for start in range(0, len(weights), PORTION)]
    return {variant: np.concatenate([part[variant] for part in parts]) for variant in metric.variants}


def none_if_undefined(value: float) -> float | None:
    """NaN as JSON has it: a finite value, else None."""
    return value if math.isfinite(value) else None


def metric_result(metric: Metric, bootstrap: Bootstrap) -> MetricResult:
    """The result of a metric, with intervals if it has two videos or more.

    Args:
        metric: A metric after its last `update`.
        bootstrap: How intervals are made.

    Returns:
        Its numbers, counts and notes; all numbers are None if it has no video.
    """
    samples = resampled_values(metric, bootstrap)
    exact = metric.exact() if metric.keys else dict.fromkeys(metric.variants, math.nan)
    variants = {}
    for variant, value in exact.items():
        low, high, defined = percentile_interval(samples[variant])
        variants[variant] = Estimate(none_if_undefined(value), low, high, defined)
    per_video = {key: none_if_undefined(value) for key, value in metric.per_video.items()}
    return MetricResult(
        metric.name, metric.unit, metric.higher_is_better, variants, per_video, metric.counts(), metric.notes(),
        metric.error_bounds(), metric.ties(),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """A - B of one variant of one metric over the same videos.

    Attributes:
        value: The difference; None = undefined.
        low: Lower end of its 95 % interval; None without one.
        high: Upper end of its 95 % interval; None without one.
        share_better: Share of the resamples in which A is better than B (higher, or lower where lower is better); ties
            count one half. None without resamples.
        resamples: Number of resamples in which the difference is defined.
        first: A.
        second: B.
    """

    value: float | None
    low: float | None
    high: float | None
    share_better: float | None
    resamples: int
    first: float | None = None
    second: float | None = None


def paired_differences(first: Metric, second: Metric, bootstrap: Bootstrap) -> Mapping[str, Difference]:
    """Compare two runs by the same metric over the same videos in the same order.

    Args:
        first: The metric of run A after its last `update`.
        second: The same metric of run B.
        bootstrap: How intervals are made.

    Returns:
        Variant -> A - B.

    Raises:
        UserError: The runs are over different videos, or over the same ones in another order.
    """
    assert first.name == second.name, f"{first.name} against {second.name}"
    if first.keys != second.keys:
        unpaired = sorted(set(first.keys) ^ set(second.keys))
        got = f"videos of only one run: {', '.join(unpaired[:5])}" if unpaired else "the videos are in another order"
        raise UserError(problem(f"comparing {first.name}", got, "two runs over the same videos in the same order"))
    exact_a, exact_b = first.exact(), second.exact()
    samples_a, samples_b = resampled_values(first, bootstrap), resampled_values(second, bootstrap)
    return {
        variant: _difference(
            exact_a[variant], exact_b[variant], samples_a[variant] - samples_b[variant], first.higher_is_better
        )
        for variant in first.variants
    }


def _difference(first: float, second: float, samples: Array, higher_is_better: bool) -> Difference:
    """`samples` are (R,) differences, (0,) without resamples."""
    low, high, resamples = percentile_interval(samples)
    gains = samples[np.isfinite(samples)] * (1 if higher_is_better else -1)
    share = float(((gains > 0) + (gains == 0) / 2).mean()) if resamples else None
    value = none_if_undefined(first - second)
    return Difference(value, low, high, share, resamples, none_if_undefined(first), none_if_undefined(second))
