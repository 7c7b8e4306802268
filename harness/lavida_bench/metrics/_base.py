"""The base of all metrics, and what a metric reports. One file each in metrics/; the file name is the registry.

A metric is streaming: `update` looks at one video and keeps what it needs of it (see tallies.py); `value` puts the
videos together, each as often as `weights` says, so that a bootstrap over videos costs a matrix product.
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

    name              the file's name;  about  one sentence for lists and reports
    needs             "frames": frame labels; "pixels": masks and maps; "tracks": tracks and detections
    variants          names of the numbers it gives; the first is the one to quote
    unit              "" for a share 0..1, else "s", "1/h", ...
    higher_is_better  False for delays and false alarms
    """

    name: ClassVar[str]
    about: ClassVar[str]
    needs: ClassVar[Literal["frames", "pixels", "tracks"]]
    variants: ClassVar[tuple[str, ...]]
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.left_out: list[str] = []
        self.per_video: dict[str, float] = {}

    def update(self, item: EvaluatedVideo) -> None:
        """Takes one video in. A video without what the metric needs is left out and counted."""
        (self.keys if self._take(item) else self.left_out).append(item.key)

    @abstractmethod
    def _take(self, item: EvaluatedVideo) -> bool:
        """Keeps what is needed of a video; sets `per_video[key]` (NaN = undefined). False if it lacks the needed."""

    @abstractmethod
    def value(self, weights: Weights | None = None) -> dict[str, NDArray[np.float64]]:
        """Variant -> (R,) values, NaN = undefined.

        weights  (R, V) how often each video of `keys` counts; None = each once, R = 1, and then the value is exact.
                 With weights scores may be grouped (see tallies.py).
        """

    def counts(self) -> dict[str, int]:
        """Numbers that a reader needs beside the value: videos, frames, tracks, undefined videos, ..."""
        undefined = sum(math.isnan(value) for value in self.per_video.values())
        return {"videos": len(self.keys), "videos_left_out": len(self.left_out), "videos_undefined": undefined}

    def notes(self) -> tuple[str, ...]:
        """Sentences for the report: definitions with their parameters, what is undefined and why."""
        return ()

    def exact(self) -> dict[str, float]:
        """Variant -> value, NaN = undefined."""
        return {name: float(values[0]) for name, values in self.value().items()}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval; None = undefined, or no interval (fewer than two videos).

    resamples  of how many resamples (those in which the number is defined) the interval is made
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    resamples: int = 0


@dataclass(frozen=True, slots=True)
class MetricResult:
    """What one metric says of one run."""

    name: str
    unit: str
    higher_is_better: bool
    variants: Mapping[str, Estimate]
    per_video: Mapping[str, float | None]
    counts: Mapping[str, int]
    notes: tuple[str, ...] = field(default=())

    @property
    def headline(self) -> Estimate:
        """The first variant."""
        return next(iter(self.variants.values()))


def known() -> tuple[str, ...]:
    """Names of all metrics."""
    return names(PACKAGE)


def make(name: str) -> Metric:
    """A fresh metric with its default options. Raises UserError for an unknown name."""
    metric: Metric = find(PACKAGE, Metric, name)()
    return metric
