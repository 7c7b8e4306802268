"""95 % intervals by bootstrap and jackknife over VIDEOS, and the paired comparison of two runs.

Frames of one video are not independent, so a resample draws V videos with replacement; of videos that share a scene
(`Metric.groups`) whole scenes are drawn. The draw depends only on the seed and on the groups: two runs over the same
videos get the same resamples, which pairs them. A resample in which a number is undefined (one class is missing) is
left out of its interval; how many remain is reported. How an interval is made of them is in _intervals.py.

Letters: V videos, G groups of videos, R resamples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics._base import Estimate, Metric, MetricResult, Weights
from lavida_bench.metrics._intervals import LEVEL, holm, interval, p_value
from lavida_gen.common.errors import UserError, problem

Array = NDArray[np.float64]

RESAMPLES = 1000
SEED = 0
MOST_LEFT_OUT = 200  # values of the jackknife: with more videos each leaves out a few of them
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
            videos: V, or G, at least 1.

        Returns:
            (R, V) float64: how often each video (or group) was drawn.
        """
        rng = np.random.default_rng(self.seed)
        return rng.multinomial(videos, np.full(videos, 1 / videos), size=self.resamples).astype(np.float64)

    def left_out(self, videos: int) -> Weights:
        """Weights of the jackknife.

        Args:
            videos: V, or G, at least 1.

        Returns:
            (J, V) float64 of 0 and 1: each row leaves out one video, or a few of more than MOST_LEFT_OUT.
        """
        parts = min(videos, MOST_LEFT_OUT)
        part = np.random.default_rng(self.seed).permutation(videos) % parts
        return np.asarray(part[None] != np.arange(parts)[:, None], np.float64)


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


class Resampled(NamedTuple):
    """A metric over resamples of its videos: variant -> values, NaN = undefined; empty with fewer than two groups.

    Attributes:
        samples: (R,) of each variant, of the bootstrap.
        left_out: (J,) of each variant, of the jackknife.
    """

    samples: dict[str, Array]
    left_out: dict[str, Array]


def resampled_values(metric: Metric, bootstrap: Bootstrap) -> Resampled:
    """Compute a metric for each resample of its videos.

    Args:
        metric: A metric after its last `update`.
        bootstrap: How to resample.

    Returns:
        The values of the bootstrap and of the jackknife.
    """
    names, of_video = np.unique(metric.groups, return_inverse=True)
    if len(names) < 2 or not bootstrap.resamples:
        nothing = dict.fromkeys(metric.variants, NO_SAMPLES)
        return Resampled(nothing, nothing)
    drawn, left = bootstrap.weights(len(names)), bootstrap.left_out(len(names))
    return Resampled(_values(metric, drawn[:, of_video]), _values(metric, left[:, of_video]))


def _values(metric: Metric, weights: Weights) -> dict[str, Array]:
    """Variant -> one value for each row of weights (n, V)."""
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
    resampled = resampled_values(metric, bootstrap)
    exact = metric.exact() if metric.keys else dict.fromkeys(metric.variants, math.nan)
    variants = {}
    for variant, value in exact.items():
        samples = resampled.samples[variant]
        low, high = interval(value, resampled.left_out[variant], samples, metric.is_share(variant))
        if low is not None and np.nanmin(samples) >= 0:  # a delay is not below 0
            low = max(0.0, low)
        variants[variant] = Estimate(none_if_undefined(value), low, high, int(np.isfinite(samples).sum()))
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
        p: Two-sided p-value of "no difference"; None without an interval.
        p_holm: `p` adjusted for the number of metrics compared, by Holm's method; None for all but a metric's first
            variant.
    """

    value: float | None
    low: float | None
    high: float | None
    share_better: float | None
    resamples: int
    first: float | None = None
    second: float | None = None
    p: float | None = None
    p_holm: float | None = None


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
    (samples_a, left_a), (samples_b, left_b) = resampled_values(first, bootstrap), resampled_values(second, bootstrap)
    return {
        variant: _difference(
            exact_a[variant],
            exact_b[variant],
            samples_a[variant] - samples_b[variant],
            left_a[variant] - left_b[variant],
            first.higher_is_better,
        )
        for variant in first.variants
    }


def _difference(first: float, second: float, samples: Array, left_out: Array, higher_is_better: bool) -> Difference:
    """`samples` are (R,) differences, `left_out` (J,); both (0,) without resamples."""
    low, high = interval(first - second, left_out, samples, share=False)
    p = p_value(first - second, left_out, samples)
    if low is not None and high is not None and p is not None and p > 1 - LEVEL:
        low, high = min(low, 0.0), max(high, 0.0)  # so few videos cannot show a difference
    defined = samples[np.isfinite(samples)]
    gains = defined * (1 if higher_is_better else -1)
    better = float(((gains > 0) + (gains == 0) / 2).mean()) if len(defined) else None
    return Difference(
        none_if_undefined(first - second), low, high, better, len(defined), none_if_undefined(first),
        none_if_undefined(second), p if len(defined) else None,
    )  # fmt: skip


def with_holm(differences: Mapping[str, Mapping[str, Difference]]) -> dict[str, Mapping[str, Difference]]:
    """Adjust the p-values of all metrics of one comparison; a metric counts once, by its first variant.

    Args:
        differences: Metric -> variant -> difference.

    Returns:
        A copy with `p_holm`.
    """
    firsts = {name: next(iter(variants)) for name, variants in differences.items() if variants}
    tested = [(name, p) for name, first in firsts.items() if (p := differences[name][first].p) is not None]
    adjusted = dict(zip((name for name, _ in tested), holm([p for _, p in tested]), strict=True))
    return {
        name: {
            variant: replace(one, p_holm=adjusted.get(name) if variant == firsts[name] else None)
            for variant, one in variants.items()
        }
        for name, variants in differences.items()
    }
