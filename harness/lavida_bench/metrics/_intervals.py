"""95 % intervals that cover, also with a dozen videos: a t interval on the logit scale, chosen by measurement.

The percentiles of a bootstrap over 12 to 30 videos hold the truth in 85 to 92 % of the cases only, BCa intervals in
fewer (benchmarks/intervals.py, docs/measurements/intervals.md). Here instead:

    centre    the value itself, on the logit scale if it is a share
    spread    the larger of two standard errors: of the jackknife (one video left out at a time), and of the bootstrap
    quantile  of Student's t. Its degrees of freedom come from the jackknife: V - 1 where all videos weigh alike, fewer
              where a few videos decide, which widens the interval

Letters: V videos or groups of videos, R resamples, J values of the jackknife.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL = 0.95
METHOD = "by jackknife and bootstrap over videos (Student's t, for shares on the logit scale)"
"""How intervals are made, for legends."""
EDGE = 1e-6
"""Shares are kept so far from 0 and 1 on the logit scale."""
FEWEST = 1.5
"""Degrees of freedom, at least."""


class Spread(NamedTuple):
    """Standard error of a value, on its own or on the logit scale, and the degrees of freedom of its t quantile."""

    error: float
    freedom: float


def interval(value: float, jackknife: Array, samples: Array, share: bool) -> tuple[float | None, float | None]:
    """A 95 % interval of a value.

    Args:
        value: The value over all videos.
        jackknife: (J,) values with one video (or group) left out, NaN = undefined.
        samples: (R,) values of resamples, NaN = undefined.
        share: Whether the value is in 0..1: the interval is then made on the logit scale and stays in there.

    Returns:
        (low, high); None without a resample in which the value is defined, or with fewer than two defined values of the
        jackknife: what rests on a single abnormal video has no spread that could be measured.
    """
    samples = samples[np.isfinite(samples)]
    if not len(samples) or not np.isfinite(value):
        return None, None
    spread = spread_of(_scaled(jackknife, share), _scaled(samples, share))
    if spread is None:
        return None, None
    from scipy import special

    reach = spread.error * float(special.stdtrit(spread.freedom, (1 + LEVEL) / 2))
    if not reach:
        return value, value
    centre = float(_scaled(np.array([value]), share)[0])
    low, high = (special.expit(end) if share else end for end in (centre - reach, centre + reach))
    return min(value, float(low)), max(value, float(high))


def p_value(difference: float, jackknife: Array, samples: Array) -> float | None:
    """Two-sided p-value of the hypothesis that a paired difference is 0, by the same t statistic.

    It is at least 2^(1 - J), which a test by the signs of J differences gives where all agree: equal differences of two
    videos have no spread and prove nothing.

    Args:
        difference: The difference over all videos.
        jackknife: (J,) differences with one video left out, NaN = undefined.
        samples: (R,) differences of resamples, NaN = undefined.

    Returns:
        The p-value; None where there is no standard error.
    """
    spread = spread_of(jackknife, samples[np.isfinite(samples)])
    if spread is None or not np.isfinite(difference):
        return None
    if difference == 0:
        return 1.0
    fewest = 2.0 ** (1 - int(np.isfinite(jackknife).sum()))
    if not spread.error:
        return fewest
    from scipy import special

    return max(fewest, float(2 * special.stdtr(spread.freedom, -abs(difference) / spread.error)))


def spread_of(jackknife: Array, samples: Array) -> Spread | None:
    """The spread of a value from leaving out single videos and from resamples.

    Args:
        jackknife: (J,) values, NaN = undefined.
        samples: (R,) defined values.

    Returns:
        The larger of the two standard errors; None with fewer than two defined values of the jackknife.
    """
    left = jackknife[np.isfinite(jackknife)]
    size = len(left)
    if size < 2:
        return None
    squares = (left - left.mean()) ** 2
    by_jackknife = float(np.sqrt((size - 1) / size * squares.sum()))
    by_bootstrap = float(np.std(samples)) * float(np.sqrt(size / (size - 1))) if len(samples) else 0.0
    fourth = float((squares**2).sum())
    weighing = float(squares.sum()) ** 2 / fourth if fourth else size  # a third of V for normal deviations
    return Spread(max(by_jackknife, by_bootstrap), float(np.clip(2.5 * weighing - 2, FEWEST, size - 1)))


def holm(p_values: list[float]) -> list[float]:
    """Adjust p-values of several comparisons by Holm's method: the chance of any false one stays below the level.

    Args:
        p_values: One for each comparison.

    Returns:
        The adjusted ones, in the same order.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    so_far = 0.0
    for rank, index in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = so_far
    return [float(value) for value in adjusted]


def _scaled(values: Array, share: bool) -> Array:
    if not share:
        return values
    inside = np.clip(values, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)
