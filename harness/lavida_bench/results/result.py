"""What an evaluation says: a Result. record.py puts Results into results.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lavida_bench.metrics._base import MetricResult


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the benchmark the numbers rest on.

    videos, frames              scored
    videos_total, frames_total  of the benchmark as it should be
    missing                     keys of videos without a score, or with unscored frames
    """

    videos: int
    videos_total: int
    frames: int
    frames_total: int
    missing: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of the frames, 0..1."""
        return self.frames / self.frames_total if self.frames_total else 0.0

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.videos == self.videos_total and self.frames == self.frames_total

    def __str__(self) -> str:
        videos = f"{self.videos:,} of {self.videos_total:,} videos"
        # rounded down, so that 100 % means all
        return f"{videos}, {self.frames:,} of {self.frames_total:,} frames ({int(self.share * 1e4) / 100:.2f} %)"


@dataclass(frozen=True, slots=True)
class Result:
    """One method on one benchmark under one protocol.

    protocol    name/version, with " (partial)" if less was scored than the protocol asks for
    metrics     by name, the one to quote first
    not_scored  metric -> why it has no number
    smoothing   sigma in frames, None = none; `smoothed` then has the frame metrics of the smoothed scores
    warnings    sentences for the top of a report
    """

    benchmark: str
    method: str
    protocol: str
    protocol_text: str
    coverage: Coverage
    metrics: Mapping[str, MetricResult]
    not_scored: Mapping[str, str]
    warnings: tuple[str, ...]
    resamples: int
    seed: int
    smoothing: float | None = None
    smoothed: Mapping[str, MetricResult] | None = None
