"""Token compression ("reverse attention") of LAVIDA (arXiv 2602.19248): which visual tokens stay, and their values.

Two pure steps on tensors. `moving_patches` drops what does not move, before the vision tower's blocks; `density` keeps
the densest of a sample's visual tokens after the tower and merges every other token into its nearest kept one.

Letters: P patches, T temporal frames, L visual tokens of one sample, R kept tokens (centres), C channels, K neighbours.
Inputs and outputs may be half precision; computations are float32. The L x L matrix of distances exists only in slices
of `budget` bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from lavida.errors import LavidaError

if TYPE_CHECKING:
    from lavida.config import EmptyCentres, StaticRule

SLICE_BYTES = 128 * 2**20
"""Memory for one slice of the distance matrix."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """Tokens that stay.

    Attributes:
        centres: (R,) int64, ascending: their positions among the L tokens.
        tokens: (R, C) their new values, in the input's dtype.
    """

    centres: Tensor
    tokens: Tensor


@torch.no_grad()
def moving_patches(
    patches_PC: Tensor, grid: Sequence[int], threshold: float = 0.01, merge: int = 2, rule: StaticRule = "mean"
) -> Tensor:
    """Find the patches of one clip that move. The first temporal frame is kept whole.

    A cell whose mean cosine distance to its first temporal frame, over all later frames, is below `threshold` is static
    and dropped in every frame but the first.

    Args:
        patches_PC: (P, C) embedded patches in Qwen's order: the merge * merge patches of a cell are consecutive.
        grid: (T, height, width) in patches.
        threshold: Cosine distance, 0 to 2.
        merge: Side of a cell in patches.
        rule: Distance of a cell; mean: the mean of its patches' distances, concatenated: that of its patches joined to
            one vector.

    Returns:
        (P,) bool, True = keep.

    Raises:
        LavidaError: The number of patches differs from the grid's.
    """
    frames, height, width = (int(size) for size in grid)
    cells = height * width // merge**2
    if patches_PC.shape[0] != frames * height * width:
        raise LavidaError(
            f"static_patches: {patches_PC.shape[0]} patches; expected {frames * height * width} for {grid}"
        )
    vectors = 1 if rule == "concatenated" else merge**2
    unit = F.normalize(patches_PC.float().view(frames, cells, vectors, -1), dim=-1)
    keep = torch.ones(frames, cells, merge**2, dtype=torch.bool, device=patches_PC.device)
    if frames > 1:
        distance = 1 - (unit[1:] * unit[:1]).sum(-1)
        keep[1:] = (distance.mean(dim=(0, 2)) >= threshold)[None, :, None]
    return keep.flatten()


def density(
    tokens_LC: Tensor,
    ratio: float,
    k: int = 8,
    gradient: bool = True,
    budget: int = SLICE_BYTES,
    empty: EmptyCentres = "self",
) -> Compressed:
    """Keep the floor(L * ratio) tokens of highest local reachability density and merge the rest into them.

    The density is that of LOF (Breunig et al., 2000) with k neighbours. Every token joins its nearest centre; a
    centre's new value is the mean of its members, weighted by softmax(-<centre, member> / sqrt(C)): members that are
    less similar weigh more. No gradient flows through the choice of tokens.

    Args:
        tokens_LC: (L, C) visual tokens of one sample.
        ratio: Share of tokens that stay, 0 < ratio <= 1; at least one token stays. 1 returns the tokens unchanged.
        k: Neighbours.
        gradient: Whether gradients flow through values and weights to kept and merged tokens; False as the authors.
        budget: Bytes for one slice of the distance matrix.
        empty: A centre whose copy took all its members (tokens that are equal). self: it keeps itself; mean: it becomes
            the mean of all tokens, as the authors' softmax over an empty row makes it.

    Raises:
        LavidaError: `ratio` is out of range.
    """
    length = tokens_LC.shape[0]
    if not 0 < ratio <= 1:
        raise LavidaError(f"reduction ratio is {ratio}; expected 0 < ratio <= 1 (1 = keep every token)")
    if ratio == 1 or length <= 1:
        return Compressed(torch.arange(length, device=tokens_LC.device), tokens_LC)
    with torch.autocast(tokens_LC.device.type, enabled=False):  # it would take the distances in halves
        return _density(tokens_LC, max(1, int(length * ratio)), min(k, length - 1), gradient, budget, empty)


def _density(tokens_LC: Tensor, kept: int, k: int, gradient: bool, budget: int, empty: EmptyCentres) -> Compressed:
    length, values = len(tokens_LC), (tokens_LC if gradient else tokens_LC.detach()).float()
    with torch.no_grad():
        fixed = values.detach()
        distances = None
        if 4 * length**2 <= budget:  # then both steps below use one matrix
            _, distances = next(_neighbour_slices(fixed, budget))
        rank = reachability_density(fixed, k, budget, distances).argsort(descending=True, stable=True)
        centres = rank[:kept].sort().values
        owner = nearest_centre(fixed, centres, budget, distances, empty)
    return Compressed(centres, merge_members(values, centres, owner).to(tokens_LC.dtype))


def density_packed(
    tokens_PC: Tensor,
    lengths: Sequence[int],
    ratio: float,
    k: int = 8,
    gradient: bool = True,
    empty: EmptyCentres = "self",
) -> list[Compressed]:
    """Apply `density` to each sample of a batch.

    Args:
        tokens_PC: (sum of lengths, C) tokens of all samples, one after another.
        lengths: Tokens of each sample.
        ratio: See `density`.
        k: See `density`.
        gradient: See `density`.
        empty: See `density`.
    """
    parts = torch.split_with_sizes(tokens_PC, list(lengths))
    return [density(part, ratio, k, gradient, empty=empty) for part in parts]


def reachability_density(
    tokens_LC: Tensor, k: int, budget: int = SLICE_BYTES, distances: Tensor | None = None
) -> Tensor:
    """Compute the local reachability density of LOF (Breunig et al., 2000): k / sum of reachability distances.

    The reachability distance to each of the k neighbours is max(k-distance(neighbour), distance), with Euclidean
    distance / sqrt(C). No token is a neighbour of itself.

    Args:
        tokens_LC: (L, C) float32.
        k: Neighbours.
        budget: Bytes for one slice of the distance matrix.
        distances: (L, L) squared distances, infinite on the diagonal, where they are known; they are not changed.

    Returns:
        (L,) float32; infinite where all neighbours are copies of the token.
    """
    length = tokens_LC.shape[0]
    near_LK = tokens_LC.new_empty(length, k)
    index_LK = torch.empty(length, k, dtype=torch.long, device=tokens_LC.device)
    if distances is None:
        slices = _neighbour_slices(tokens_LC, budget)
    else:
        slices = iter([(slice(0, length), distances)])
    for rows, squares in slices:
        near_LK[rows], index_LK[rows] = squares.topk(k, largest=False)
    near_LK = (near_LK / tokens_LC.shape[1]).sqrt()
    reach_LK = torch.maximum(near_LK[:, -1][index_LK], near_LK)
    return k / reach_LK.sum(dim=1)


def nearest_centre(
    tokens_LC: Tensor,
    centres: Tensor,
    budget: int = SLICE_BYTES,
    distances: Tensor | None = None,
    empty: EmptyCentres = "self",
) -> Tensor:
    """Find the nearest centre of each token; of centres at equal distance the first.

    Args:
        tokens_LC: (L, C) float32.
        centres: (R,) int64 positions of the centres.
        budget: Bytes for one slice of the distance matrix.
        distances: As in `reachability_density`.
        empty: self: a centre's nearest centre is itself, even where an earlier centre is its copy; mean: it is not.

    Returns:
        (L,) int64 in 0..R-1.
    """
    if distances is not None and empty == "self":  # its diagonal is infinite: no use where copies compete
        owner = distances[:, centres].argmin(dim=1)
    else:
        owner = torch.empty(tokens_LC.shape[0], dtype=torch.long, device=tokens_LC.device)
        for rows, squares in _distance_slices(tokens_LC, tokens_LC[centres], budget):
            owner[rows] = squares.argmin(dim=1)
    if empty == "self":
        owner[centres] = torch.arange(len(centres), device=owner.device)
    return owner


def merge_members(tokens_LC: Tensor, centres: Tensor, owner: Tensor) -> Tensor:
    """Average the members of each centre, see `density`; one without members becomes the mean of all tokens.

    Args:
        tokens_LC: (L, C) float32.
        centres: (R,) int64 positions of the centres.
        owner: (L,) int64, result of `nearest_centre`.

    Returns:
        (R, C) float32.
    """
    channels, kept = tokens_LC.shape[1], len(centres)
    logits = -(tokens_LC[centres][owner] * tokens_LC).sum(-1) / channels**0.5
    highest = logits.detach().new_full((kept,), -torch.inf).scatter_reduce(0, owner, logits.detach(), "amax")
    weights = (logits - highest[owner]).exp()
    total = weights.new_zeros(kept).index_add(0, owner, weights)
    shares = (weights / total[owner])[:, None]
    merged = tokens_LC.new_zeros(kept, channels).index_add(0, owner, shares * tokens_LC)
    return torch.where((total > 0)[:, None], merged, tokens_LC.mean(dim=0))


def _neighbour_slices(tokens_LC: Tensor, budget: int) -> Iterator[tuple[slice, Tensor]]:
    """Slices of the squared distances between tokens, infinite on the diagonal: no token is its own neighbour."""
    for rows, squares in _distance_slices(tokens_LC, tokens_LC, budget):
        number = torch.arange(rows.start, rows.stop, device=tokens_LC.device)
        squares[number - rows.start, number] = torch.inf
        yield rows, squares


def _distance_slices(rows_LC: Tensor, columns_MC: Tensor, budget: int) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances, the largest number of rows at a time that fits the budget.

    Tokens are centred first: squares of large common offsets would cancel the digits of small distances.
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
