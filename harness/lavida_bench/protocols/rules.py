"""What a protocol has to know about a benchmark. Each benchmark declares it in its `about`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoringRules:
    """How one benchmark is scored, under either protocol.

    benchmark            the benchmark's name, as results record it; "" = none in particular
    metrics              names of the metrics that ``official`` quotes, the headline first
    paper_metrics        names of the metrics that ``paper`` quotes, the headline first; None = `metrics`
    every                ``paper`` samples one frame in every so many
    paper_abnormal_only  whether ``paper`` leaves out videos without an abnormal frame
    paper_pixel_size     (height, width) in pixels at which ``paper`` compares masks and maps; None = the masks' own
    """

    benchmark: str = ""
    metrics: tuple[str, ...] = ("frame_auc",)
    paper_metrics: tuple[str, ...] | None = None
    every: int = 1
    paper_abnormal_only: bool = False
    paper_pixel_size: tuple[int, int] | None = None


GENERIC_RULES = ScoringRules()
"""For videos of no benchmark in particular: frame AUC, every frame."""
