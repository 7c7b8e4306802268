"""Gaussian smoothing of frame scores over time: off by default; a report shows its result beside the raw one.

The user fixes the width before any label is read. Choosing it on test labels is what makes published numbers
incomparable.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lavida_bench.protocols.view import EvaluatedVideo
from lavida_gen.common.errors import UserError, problem

MAX_SIGMA = 100_000
"""Frames: over an hour. The kernel is eight times as long."""


def smooth(item: EvaluatedVideo, sigma: float) -> EvaluatedVideo:
    """Smooth the frame scores of a video; beyond its ends the first and last score are repeated.

    Args:
        item: The video under a protocol.
        sigma: Standard deviation of the Gaussian in frames, above 0.

    Returns:
        A copy of `item` with smoothed `values`.

    Raises:
        UserError: `sigma` is not above 0 or exceeds MAX_SIGMA.
    """
    from scipy.ndimage import gaussian_filter1d

    if not 0 < sigma <= MAX_SIGMA:
        expected = f"a positive number of frames up to {MAX_SIGMA:,}, or none at all"
        raise UserError(problem("smoothing", f"sigma {sigma}", expected))
    if not len(item.values):
        return item
    values = gaussian_filter1d(item.values, sigma, mode="nearest")
    return replace(item, values=np.asarray(values, np.float64))
