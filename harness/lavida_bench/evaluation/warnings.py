"""Sentences for the top of a result: what a reader must know before any number."""

from __future__ import annotations

from collections.abc import Mapping

from lavida_bench.metrics._base import Metric, MetricResult
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.results.result import Coverage

INVERTED = 0.35  # frame AUC from which scores look inverted
DECISIVE = 5e-4  # share of tied pairs from which a warning names them: AUC could be 0.025 points lower or higher
BOUND = 1e-6  # computed error from which a warning advises --exact
FEW = 10  # videos below which a bootstrap over videos is not reliable
UNLABELLED = "no video has labels"


def label_warnings(unlabelled: int, total: int) -> tuple[str, ...]:
    """What a reader must know of videos without labels.

    Args:
        unlabelled: Number of videos without labels.
        total: Number of all videos.

    Returns:
        At most one sentence.
    """
    if not unlabelled:
        return ()
    if unlabelled == total:
        return (f"{UNLABELLED}: there are scores to look at and no metrics",)
    return (f"{unlabelled} of {total} videos have no labels and are in no metric",)


def result_warnings(
    coverage: Coverage, protocol: EvaluationProtocol, results: Mapping[str, MetricResult], oracle: Metric
) -> tuple[str, ...]:
    """What a reader must know before any number.

    Args:
        coverage: How much was scored.
        protocol: The protocol.
        results: The metrics by name.
        oracle: Frame AUC of the video oracle over the same frames.

    Returns:
        Sentences, the most important first.
    """
    warnings = []
    if not coverage.complete:
        reason = "numbers are not the benchmark's" if protocol.complete else f"as protocol {protocol.id} has it"
        warnings.append(f"scored {coverage}: {reason}")
    ceiling = oracle.exact()["micro"] if oracle.keys else float("nan")
    auc = results["frame_auc"].headline.value if "frame_auc" in results else None
    if "frame_auc" in results and auc is None:
        warnings.append("the scored frames are all normal or all abnormal: metrics that rank them are undefined")
    if auc is not None and auc < INVERTED:
        warnings.append(
            f"frame AUC {auc:.4f} is far below chance: do high scores mean normal here? A higher score must mean more "
            f"anomalous; the negated scores have {1 - auc:.4f}"
        )
    if auc is not None and auc < ceiling:
        warnings.append(
            f"frame AUC {auc:.4f} is below the video oracle's {ceiling:.4f}, which knows each video's label but not "
            "when: the method has not shown that it localises in time"
        )
    warnings += _rank_warnings(results)
    if coverage.videos < FEW and any(result.headline.low is not None for result in results.values()):
        warnings.append(f"intervals over {coverage.videos} videos are not reliable")
    for name, result in results.items():
        left_out = result.counts.get("videos_left_out", 0)
        if left_out:
            warnings.append(f"{name} covers {result.counts['videos']} videos; {left_out} are without the data it needs")
    return tuple(warnings)


def _rank_warnings(results: Mapping[str, MetricResult]) -> list[str]:
    """Where equal scores or the bound of an error decide: for frames and for pixels once each."""
    warnings = []
    for names, what in ((("frame_auc", "frame_ap"), "frames"), (("pixel_auc", "pixel_ap"), "pixels")):
        result = next((results[name] for name in names if name in results), None)
        if result is not None and result.ties is not None and result.ties.pairs >= DECISIVE:
            ties = result.ties
            warnings.append(
                f"tied scores decide: {ties.distinct:,} distinct scores of {ties.items:,} {what}; {ties.pairs:.2%} of "
                f"the pairs of an abnormal and a normal one are tied and count one half, so that AUC could be "
                f"{50 * ties.pairs:.2f} points lower or higher"
            )
        for name in names:
            bounds = results[name].error_bounds if name in results else {}
            if max(bounds.values(), default=0.0) > BOUND:
                worst = max(bounds.values())
                warnings.append(
                    f"{name} is counted in buckets: its error is at most {worst:.1e}; --exact sorts on disk"
                )
    return warnings
