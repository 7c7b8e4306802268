"""Positions of the tokens in the language model.

Authors' code: model/LLM.py hands `inputs_embeds` without ids or grids to Qwen2-VL, whose `get_rope_index` then counts
the attention mask: 0, 1, 2, ... after compression, the same in all three parts of the rotary encoding; padding has 1.
M-RoPE is Qwen2-VL's own (arXiv 2409.12191, section 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


def sequential(lengths: Sequence[int]) -> Positions:
    """(3, samples, longest): samples of these lengths, padded on the left."""
    longest = max(lengths)
    rows = [[1] * (longest - length) + list(range(length)) for length in lengths]
    return np.array([rows] * 3)


def mrope(parts: Sequence[int | tuple[int, int, int]]) -> Positions:
    """(3, tokens) of one sample before compression: a number is that many text tokens, a triple a (t, h, w) of merged cells.

    Text counts on in all three parts; a cell stands at (t, h, w) after the greatest position so far.
    """
    columns: list[tuple[int, int, int]] = []
    start = 0
    for part in parts:
        if isinstance(part, int):
            columns += [(start + i,) * 3 for i in range(part)]
        else:
            columns += [(start + t, start + h, start + w) for t, h, w in np.ndindex(*part)]
        start = max(max(column) for column in columns) + 1
    return np.array(columns).T


def kept(positions: Positions, keep: Sequence[int]) -> Positions:
    """Positions (3, tokens) of the tokens that stay: each keeps the place it had before compression."""
    return positions[:, list(keep)]
