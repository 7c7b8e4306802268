"""Token compression ("reverse attention") of LAVIDA (arXiv 2602.19248): which visual tokens stay, what they become.

Two pure steps on tensors. `static_patches` drops what stands still, before the vision tower's blocks; `density` keeps
the densest of a sample's visual tokens after the tower and merges every other token into its nearest kept one.

Letters: P patches, T temporal frames, L visual tokens of one sample, R kept tokens (centres), C channels, K neighbours.
Half precision goes in and comes out; inside everything is float32. The L x L matrix of distances exists only in
slices of `budget` bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lavida.errors import LavidaError

SLICE_BYTES = 128 * 2**20
"""Memory for one slice of the distance matrix."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """Tokens that stay.

    centres  (R,) int64, ascending: their positions among the L tokens
    tokens   (R, C), dtype of the input: their new values
    """

    centres: Tensor
    tokens: Tensor


@torch.no_grad()
def moving_patches(patches_PC: Tensor, grid: Sequence[int], threshold: float = 0.01, merge: int = 2) -> Tensor:
    """Which patches of one clip move: (P,) bool, True = keep. The first temporal frame is kept whole.

    `patches_PC` are embedded patches in Qwen's order (the merge * merge patches of a cell are consecutive), `grid` is
    (T, height, width) in patches. A cell whose mean cosine distance to its first temporal frame, over its patches and
    all later frames, is below `threshold` is static and dropped in every frame but the first.
    """
    frames, height, width = (int(size) for size in grid)
    cells = height * width // merge**2
    if patches_PC.shape[0] != frames * height * width:
        raise LavidaError(
            f"static_patches: {patches_PC.shape[0]} patches; expected {frames * height * width} for {grid}"
        )
    unit = F.normalize(patches_PC.float(), dim=-1).view(frames, cells, merge**2, -1)
    keep = torch.ones(frames, cells, merge**2, dtype=torch.bool, device=patches_PC.device)
    if frames > 1:
        distance = 1 - (unit[1:] * unit[:1]).sum(-1)
        keep[1:] = (distance.mean(dim=(0, 2)) >= threshold)[None, :, None]
    return keep.flatten()


def density(
    tokens_LC: Tensor, ratio: float, k: int = 8, gradient: bool = True, budget: int = SLICE_BYTES
) -> Compressed:
    """Keep the floor(L * ratio) tokens of highest local reachability density (LOF, k neighbours) and merge the rest.

    Every token joins its nearest centre; a centre's new value is the mean of its members, weighted by
    softmax(-<centre, member> / sqrt(C)): the less alike a member is, the more it weighs. No gradient goes through the
    choice; with `gradient` it reaches kept and merged tokens through values and weights (without: none, as theirs).
    `ratio` 1.0 returns the tokens themselves. At least one token stays.
    """
    length = tokens_LC.shape[0]
    if not 0 < ratio <= 1:
        raise LavidaError(f"reduction ratio is {ratio}; expected 0 < ratio <= 1 (1 = keep every token)")
    if ratio == 1 or length <= 1:
        return Compressed(torch.arange(length, device=tokens_LC.device), tokens_LC)
    with torch.autocast(tokens_LC.device.type, enabled=False):  # it would take the distances in halves
        return _density(tokens_LC, max(1, int(length * ratio)), min(k, length - 1), gradient, budget)


def _density(tokens_LC: Tensor, kept: int, k: int, gradient: bool, budget: int) -> Compressed:
    length, values = len(tokens_LC), (tokens_LC if gradient else tokens_LC.detach()).float()
    with torch.no_grad():
        fixed = values.detach()
        whole = next(_distance_slices(fixed, fixed, budget))[1] if 4 * length**2 <= budget else None
        rank = reachability_density(fixed, k, budget, whole).argsort(descending=True, stable=True)
        centres = rank[:kept].sort().values
        owner = nearest_centre(fixed, centres, budget, whole)
    return Compressed(centres, merge_members(values, centres, owner).to(tokens_LC.dtype))


def density_packed(
    tokens_PC: Tensor, lengths: Sequence[int], ratio: float, k: int = 8, gradient: bool = True
) -> list[Compressed]:
    """`density` of each sample of a batch, packed one after another; samples may differ in length."""
    return [density(part, ratio, k, gradient) for part in torch.split_with_sizes(tokens_PC, list(lengths))]


def reachability_density(tokens_LC: Tensor, k: int, budget: int = SLICE_BYTES, whole: Tensor | None = None) -> Tensor:
    """Local reachability density of LOF, (L,) float32, under Euclidean distance / sqrt(C); no token neighbours itself.

    k / sum over the k neighbours of max(k-distance(neighbour), distance); infinite where all of them are copies.
    `whole`: squared distances (L, L) where they are at hand; their diagonal becomes infinite.
    """
    length = tokens_LC.shape[0]
    near_LK = tokens_LC.new_empty(length, k)
    index_LK = torch.empty(length, k, dtype=torch.long, device=tokens_LC.device)
    slices: Iterable[tuple[slice, Tensor]] = [(slice(0, length), whole)] if whole is not None else ()
    for rows, squares in slices or _distance_slices(tokens_LC, tokens_LC, budget):
        number = torch.arange(rows.start, rows.stop, device=tokens_LC.device)
        squares[number - rows.start, number] = torch.inf
        near_LK[rows], index_LK[rows] = squares.topk(k, largest=False)
    near_LK = (near_LK / tokens_LC.shape[1]).sqrt()
    reach_LK = torch.maximum(near_LK[:, -1][index_LK], near_LK)
    return k / reach_LK.sum(dim=1)


def nearest_centre(
    tokens_LC: Tensor, centres: Tensor, budget: int = SLICE_BYTES, whole: Tensor | None = None
) -> Tensor:
    """Which centre each token belongs to: (L,) int64 in 0..R-1; a centre belongs to itself. `whole` as above."""
    if whole is not None:
        owner = whole[:, centres].argmin(dim=1)
    else:
        owner = torch.empty(tokens_LC.shape[0], dtype=torch.long, device=tokens_LC.device)
        for rows, squares in _distance_slices(tokens_LC, tokens_LC[centres], budget):
            owner[rows] = squares.argmin(dim=1)
    owner[centres] = torch.arange(len(centres), device=owner.device)
    return owner


def merge_members(tokens_LC: Tensor, centres: Tensor, owner: Tensor) -> Tensor:
    """Weighted mean of each centre's members, (R, C) float32; `owner` (L,) as `nearest_centre` gives it."""
    channels, kept = tokens_LC.shape[1], len(centres)
    logits = -(tokens_LC[centres][owner] * tokens_LC).sum(-1) / channels**0.5
    highest = logits.detach().new_full((kept,), -torch.inf).scatter_reduce(0, owner, logits.detach(), "amax")
    weights = (logits - highest[owner]).exp()
    total = weights.new_zeros(kept).index_add(0, owner, weights)
    shares = (weights / total[owner])[:, None]
    return tokens_LC.new_zeros(kept, channels).index_add(0, owner, shares * tokens_LC)


def _distance_slices(rows_LC: Tensor, columns_MC: Tensor, budget: int) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances, as many rows at a time as fit the budget.

    Tokens are centred first: squares of large common offsets would eat the digits of small distances.
    """
    middle = rows_LC.mean(dim=0)
    columns_T = (columns_MC - middle).T
    norms = columns_T.square().sum(dim=0)
    step = max(1, budget // (4 * columns_MC.shape[0]))
    for start in range(0, rows_LC.shape[0], step):
        rows = slice(start, min(start + step, rows_LC.shape[0]))
        part = columns_T.T[rows] if columns_MC is rows_LC else rows_LC[rows] - middle
        squares = torch.addmm(norms[None], part, columns_T, alpha=-2).add_(part.square().sum(dim=1)[:, None])
        yield rows, squares.clamp_(min=0)
