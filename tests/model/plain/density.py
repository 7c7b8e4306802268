"""Compression of the visual tokens of one sample: the densest stay, each takes in the tokens nearest to it.

Authors' code: model/LLM.py, visual_token_sampling ("reverse attention"; density as in the local outlier factor).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .draws import Array
from .projector import softmax

Indices = NDArray[np.int64]


def _distances(a: Array, b: Array) -> Array:
    result: Array = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1)) / a.shape[-1] ** 0.5
    return result


def centres(tokens: Array, ratio: float, k: int) -> Indices:
    """The floor(L * ratio) densest tokens (at least one), in the order of the sequence."""
    distance = _distances(tokens, tokens)
    np.fill_diagonal(distance, -1)  # a token is its own nearest: the first of its row, left out below
    near = np.argsort(distance, 1, kind="stable")[:, 1 : k + 1]
    np.fill_diagonal(distance, 0)
    to_near = np.take_along_axis(distance, near, 1)
    reach = np.maximum(to_near[near, -1], to_near)
    density = k / (reach.sum(1) + 1e-10)
    count = max(1, int(len(tokens) * ratio))
    return np.sort(np.argsort(-density, kind="stable")[:count])


def compress(tokens: Array, ratio: float, k: int, empty: str) -> tuple[Indices, Array]:
    """Tokens (L, C) -> centres (R,), their new values (R, C).

    Each token joins its nearest centre (the first of equals). A centre becomes the mean of its members, weighted by
    softmax(-<centre, member> / sqrt(C)). Two equal centres leave the second without members, and with `mean` (the
    authors') it becomes the mean of ALL tokens; with `self` a centre always joins itself.
    """
    chosen = centres(tokens, ratio, k)
    joined = _distances(tokens, tokens[chosen]).argmin(1)
    if empty == "self":
        joined[chosen] = np.arange(len(chosen))
    merged = []
    for i, centre in enumerate(tokens[chosen]):
        members = tokens[joined == i]
        weights = softmax(-(members @ centre) / len(centre) ** 0.5) if len(members) else None
        merged.append(tokens.mean(0) if weights is None else weights @ members)
    return chosen, np.stack(merged)
