"""What a protocol needs to know about a benchmark. Each benchmark declares it in its `about`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoringRules:
    """How one benchmark is scored, under each protocol.

    Attributes:
        benchmark: The benchmark's name, as results record it; "" for videos of no benchmark.
        metrics: Names of the metrics that ``official`` quotes, the headline first.
        paper_metrics: Names of the metrics that ``paper`` quotes, the headline first; None = `metrics`.
        every: ``paper`` samples one frame in every `every` frames.
        paper_abnormal_only: Whether ``paper`` leaves out the videos without an abnormal frame.
        paper_pixel_size: (height, width) at which ``paper`` compares masks and maps; None = size of the masks.
    """

    benchmark: str = ""
    metrics: tuple[str, ...] = ("frame_auc",)
    paper_metrics: tuple[str, ...] | None = None
    every: int = 1
    paper_abnormal_only: bool = False
    paper_pixel_size: tuple[int, int] | None = None


GENERIC_RULES = ScoringRules()
"""For videos of no benchmark: frame AUC, every frame."""
