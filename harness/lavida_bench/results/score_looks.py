"""What scores look like: scaled per video, or the labels themselves. Letters: n scores of a video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import TestVideo

Given = Sequence[tuple[TestVideo, NDArray[np.float64]]]
"""Videos with their (n,) scores as they stand in the files."""
FEWEST_SCALED = 3  # videos from which scores that span 0 to 1 are no coincidence
SCALED_WITHIN = 1e-6  # of 0 and 1: people add a small number to the range by which they divide


def score_looks(given: Given) -> Iterator[str]:
    """Describe scores that are not what a method gives.

    Args:
        given: Videos with their scores.

    Yields:
        Sentences.
    """
    if _are_scaled(given):
        yield (
            "the scores of every video span 0 to 1: they are scaled per video (min-max), which uses the whole video "
            "and gives every normal video a peak of 1"
        )
    if _are_labels(given):
        yield "the scores have two values, which are those of the labels: are the labels given as scores?"


def _are_scaled(given: Given) -> bool:
    """Whether the scores of every video, apart from constant and yes-or-no ones, span 0 to 1."""
    spans = [(s.min(), s.max()) for _, s in given if not np.isin(s, (0, 1)).all() and np.ptp(s)]
    return len(spans) >= FEWEST_SCALED and bool(np.allclose(spans, (0, 1), rtol=0, atol=SCALED_WITHIN))


def _are_labels(given: Given) -> bool:
    """Whether the scores have two values, the higher one in the abnormal frames alone."""
    labels = [video.frame_labels for video, scores in given if len(scores) == video.frame_count]
    known = [of_video for of_video in labels if of_video is not None]
    if not given or len(known) < len(given):
        return False
    scores = np.concatenate([of_video for _, of_video in given])
    high, low = scores.max(), scores.min()
    is_high = scores == high
    return high > low and bool((is_high | (scores == low)).all()) and np.array_equal(is_high, np.concatenate(known))
