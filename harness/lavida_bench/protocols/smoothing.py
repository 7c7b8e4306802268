"""Gaussian smoothing of frame scores over time: off by default, and its result always stands beside the raw one.

The width is the user's, fixed before a label is seen; choosing it on test labels is what makes published numbers
incomparable.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lavida_bench.protocols.view import EvaluatedVideo
from lavida_gen.common.errors import UserError, problem

WIDEST = 100_000
"""Frames: over an hour. The kernel is eight times as long."""


def smooth(item: EvaluatedVideo, sigma: float) -> EvaluatedVideo:
    """The same with frame scores smoothed by a Gaussian of `sigma` frames, the ends continued by their own value."""
    from scipy.ndimage import gaussian_filter1d

    if not 0 < sigma <= WIDEST:
        wanted = f"a positive number of frames up to {WIDEST:,}, or none at all"
        raise UserError(problem("smoothing", f"sigma {sigma}", wanted))
    values = (
        gaussian_filter1d(item.values.astype(np.float64), sigma, mode="nearest") if len(item.values) else item.values
    )
    return replace(item, values=values.astype(np.float32))
