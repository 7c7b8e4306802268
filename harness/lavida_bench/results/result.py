"""What an evaluation found: a Result. results_json.py stores Results in results.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lavida_bench.metrics._base import MetricResult


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the benchmark the numbers cover.

    Attributes:
        videos: Number of scored videos.
        videos_total: Number of videos of the whole benchmark.
        frames: Number of scored frames.
        frames_total: Number of frames of the whole benchmark.
        missing: Keys of videos without a score, or with unscored frames.
    """

    videos: int
    videos_total: int
    frames: int
    frames_total: int
    missing: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The scored share of the frames, 0 to 1."""
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

    Attributes:
        benchmark: The benchmark's name.
        method: The method's name.
        protocol: name/version, with " (partial)" if less was scored than the protocol asks for.
        protocol_text: The protocol in a sentence.
        coverage: How much of the benchmark the numbers cover.
        metrics: Results by name, the headline metric first.
        not_scored: Metric -> why it has no number.
        warnings: Sentences for the top of a report.
        resamples: Number of resamples of the bootstrap.
        seed: Its seed.
        smoothing: Sigma in frames of smoothed scores; None = no smoothing.
        smoothed: Frame metrics of the smoothed scores; None without smoothing.
        quoted: Metrics that the protocol quotes for the benchmark, the headline first, whether or not they have a
            number; () in results of older versions.
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
    quoted: tuple[str, ...] = ()
