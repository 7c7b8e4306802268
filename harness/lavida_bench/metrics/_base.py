"""The base of all metrics, and the result of a metric. One file each in metrics/; the file name is the registry.

A metric is streaming: `update` reads one video and keeps what it needs of it (see _score_counts.py); `value` combines
the videos, each with a weight, so that a bootstrap over videos costs a matrix product.
Letters: V videos, R resamples.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lavida_bench.protocols.view import EvaluatedVideo
from lavida_gen.common.plugins import find, names

Weights = NDArray[np.float64]
PACKAGE = "lavida_bench.metrics"


class Metric(ABC):
    """One metric over the videos of a benchmark, possibly in several variants (micro, macro, ...).

    Attributes:
        name: The file's name.
        about: One sentence for lists and reports.
        needs: "frames": frame labels; "pixels": masks and maps; "tracks": tracks and detections.
        variants: Names of the numbers it gives; the first is the one to quote.
        unit: "" for a share in 0..1, else "s", "1/h", ...
        higher_is_better: False for delays and false alarms.
        keys: Keys of the videos that are part of the value, in the order of `update`.
        groups: Of each of these videos its group: videos of one group are drawn together in resamples.
        left_out: Keys of the videos without what the metric needs.
        per_video: Key -> value of that video alone, NaN = undefined; of metrics that have one.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    needs: ClassVar[Literal["frames", "pixels", "tracks"]]
    variants: ClassVar[tuple[str, ...]]
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.groups: list[str] = []
        self.left_out: list[str] = []
        self.per_video: dict[str, float] = {}

    def update(self, item: EvaluatedVideo) -> None:
        """Add a video. One without what the metric needs is left out and counted.

        Args:
            item: A video and its scores under a protocol.
        """
        if self._add_video(item):
            self.keys.append(item.key)
            self.groups.append(item.video.group or item.key)
        else:
            self.left_out.append(item.key)

    @abstractmethod
    def _add_video(self, item: EvaluatedVideo) -> bool:
        """Keep what the metric needs of a video and set `per_video[key]`; False if the video does not have it."""

    @abstractmethod
    def value(self, weights: Weights | None = None) -> dict[str, NDArray[np.float64]]:
        """Combine the videos.

        Args:
            weights: (R, V), how often each video of `keys` counts in each resample; scores may then be grouped (see
                _score_counts.py). None = each video once, R = 1; the value is then exact.

        Returns:
            Variant -> (R,) values, NaN = undefined.
        """

    def counts(self) -> dict[str, int]:
        """Numbers that a reader needs beside the value: videos, frames, tracks, undefined videos, ..."""
        undefined = sum(math.isnan(value) for value in self.per_video.values())
        return {"videos": len(self.keys), "videos_left_out": len(self.left_out), "videos_undefined": undefined}

    def notes(self) -> tuple[str, ...]:
        """Sentences for the report: definitions with their parameters, what is undefined and why."""
        return ()

    def is_share(self, variant: str) -> bool:
        """Whether the values of a variant are in 0..1, which decides on the scale of its interval."""
        return not self.unit

    def error_bounds(self) -> dict[str, float]:
        """Variant -> by how much its value may differ from that of all scores sorted; {} = values are exact."""
        return {}

    def ties(self) -> Ties | None:
        """How far equal scores decide; None where scores are not ranked."""
        return None

    def exact(self) -> dict[str, float]:
        """Variant -> value over all videos, NaN = undefined."""
        return {name: float(values[0]) for name, values in self.value().items()}


@dataclass(frozen=True, slots=True)
class Ties:
    """Equal scores among the items that a metric ranks.

    Attributes:
        items: Number of items.
        distinct: Number of distinct scores; where pixels are counted in buckets at least so many.
        pairs: Share of the pairs of an abnormal and a normal item with equal scores; they count one half.
    """

    items: int
    distinct: int
    pairs: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The number; None = undefined.
        low: Lower end of the interval; None with fewer than two videos.
        high: Upper end of the interval; None with fewer than two videos.
        resamples: Number of resamples in which the number is defined; the interval is made of these.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    resamples: int = 0


@dataclass(frozen=True, slots=True)
class MetricResult:
    """The result of one metric in one run.

    Attributes:
        name: The metric's name.
        unit: The metric's unit, "" for a share in 0..1.
        higher_is_better: False for delays and false alarms.
        variants: Variant -> number, the one to quote first.
        per_video: Key -> value of that video alone, None = undefined.
        counts: Numbers that a reader needs beside the value.
        notes: Sentences for the report.
        error_bounds: Variant -> computed bound of the error of its value; {} = values are exact.
        ties: How far equal scores decide; None where scores are not ranked.
    """

    name: str
    unit: str
    higher_is_better: bool
    variants: Mapping[str, Estimate]
    per_video: Mapping[str, float | None]
    counts: Mapping[str, int]
    notes: tuple[str, ...] = field(default=())
    error_bounds: Mapping[str, float] = field(default_factory=dict)
    ties: Ties | None = None

    @property
    def headline(self) -> Estimate:
        """The number to quote: that of the first variant."""
        return next(iter(self.variants.values()))


def known() -> tuple[str, ...]:
    """Names of all metrics."""
    return names(PACKAGE)


def make(name: str, allow_code: bool = False) -> Metric:
    """Make a metric with its default options.

    Args:
        name: Name of the metric, or ``package.module:Class`` if code is allowed.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        A metric without videos.

    Raises:
        UserError: The name is unknown.
    """
    metric: Metric = find(PACKAGE, Metric, name, allow_code)()
    return metric
