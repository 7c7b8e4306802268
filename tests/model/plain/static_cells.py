"""Which merge cells of a clip stand still: their patches are dropped in every temporal frame but the first.

Authors' code: model/LLM.py, temporal_token_reduction (only when scoring, only clips).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .draws import Array

THRESHOLD = 0.01


def _distance(a: Array, b: Array) -> Array:
    """1 - cosine over the last axis."""
    result: Array = 1 - (a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return result


def static_cells(patches: Array, frames: int, rule: str) -> NDArray[np.bool_]:
    """(cells,) of patches (frames * cells * 4, C), the four patches of a cell next to each other.

    `concatenated` (the authors'): a cell is one long vector of its four patches, so a patch counts by its norm.
    `mean`: the mean of the four patches' own distances. Both: mean over the frames after the first, below 0.01.
    """
    cells = patches.reshape(frames, -1, 4, patches.shape[-1])
    if rule == "concatenated":
        long = cells.reshape(*cells.shape[:2], -1)
        distances = _distance(long[1:], long[:1])
    else:
        distances = _distance(cells[1:], cells[:1]).mean(-1)
    result: NDArray[np.bool_] = distances.mean(0) < THRESHOLD
    return result


def kept_patches(patches: Array, frames: int, rule: str) -> NDArray[np.bool_]:
    """(frames * cells * 4,): True for a patch that enters the vision tower's blocks."""
    if frames == 1:
        return np.ones(len(patches), bool)
    moves = ~static_cells(patches, frames, rule)
    return np.concatenate([np.ones(len(moves) * 4, bool), np.tile(np.repeat(moves, 4), frames - 1)])
