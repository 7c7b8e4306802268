"""Token sequences after compression: dropped visual tokens leave ids, mask, types, labels and positions.

Letters: B samples, S tokens of the longest sequence before, R after, G merged cells of the whole batch. Padding stays
on the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lavida.batch import Batch
from lavida.errors import LavidaError


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences for the language model.

    Attributes:
        ids: (B, R) int64 token ids.
        mask: (B, R) int64, 0 = padding.
        visual: (B, R) bool, True = visual token.
        positions: (3, B, R) int64 rotary positions: time, height, width.
        labels: (B, R) int64, -100 = not counted; None = no text loss.
    """

    ids: Tensor
    mask: Tensor
    visual: Tensor
    positions: Tensor
    labels: Tensor | None


def visual_token_counts(batch: Batch, merge: int) -> tuple[int, ...]:
    """Count the visual tokens of each sample before compression.

    Args:
        batch: Its grids and its placeholders have to agree.
        merge: Side of a merged cell in patches.

    Returns:
        B counts.

    Raises:
        LavidaError: A sequence has another number of placeholders than its grid has cells.
    """
    by_grid = (batch.grids.prod(dim=1) // merge**2).tolist()
    by_text = (batch.token_types > 0).sum(dim=1).tolist()
    for number, (want, got) in enumerate(zip(by_grid, by_text, strict=True)):
        if want != got:
            key = repr(batch.keys[number]) if batch.keys else f"number {number}"
            raise LavidaError(f"Batch: sample {key} has {got} visual tokens for {want} cells by its grid")
    return tuple(by_grid)


def drop_tokens(batch: Batch, positions: Tensor, kept_G: Tensor) -> Sequences:
    """Remove the visual tokens of dropped cells. With all cells kept the sequences are returned unchanged.

    Args:
        batch: The sequences before.
        positions: (3, B, S) rotary positions before.
        kept_G: (G,) bool, True = the cell's token stays.
    """
    slots = (batch.token_types > 0).flatten().nonzero().squeeze(1)
    stays = batch.attention_mask.bool()
    visual = batch.token_types > 0
    if bool(kept_G.all()):
        return Sequences(batch.input_ids, batch.attention_mask, visual, positions, batch.labels)
    stays = stays.flatten().index_fill(0, slots[~kept_G], False).view_as(stays)
    order = stays.to(torch.uint8).argsort(dim=1, stable=True)[:, -int(stays.sum(dim=1).max()) :]
    mask = stays.gather(1, order)
    labels = None if batch.labels is None else batch.labels.gather(1, order).masked_fill(~mask, -100)
    return Sequences(
        batch.input_ids.gather(1, order),
        mask.to(batch.attention_mask.dtype),
        visual.gather(1, order) & mask,
        positions.gather(2, order.expand(3, -1, -1)),
        labels,
    )


def count_positions(mask_BR: Tensor) -> Tensor:
    """Count positions from each sequence's first token, the same on all axes; padding gets any.

    Args:
        mask_BR: (B, R) int64, 0 = padding.

    Returns:
        (3, B, R) int64.
    """
    return (mask_BR.long().cumsum(dim=1) - 1).clamp(min=0).expand(3, -1, -1)


def seg_positions(sequences: Sequences, seg: int, keys: tuple[str, ...] = ()) -> Tensor:
    """Find <SEG> in each sequence.

    Args:
        sequences: The sequences.
        seg: Token id of <SEG>.
        keys: Names of the samples, for messages.

    Returns:
        (B,) int64 positions.

    Raises:
        LavidaError: <SEG> does not occur exactly once.
    """
    is_seg = (sequences.ids == seg) & sequences.mask.bool()
    counts = is_seg.sum(dim=1)
    if bool((counts != 1).any()):
        names = [f"{key!r} " for key in keys] or [""] * len(counts)
        wrong = ", ".join(f"{name}{count}" for name, count in zip(names, counts.tolist(), strict=True) if count != 1)
        raise LavidaError(f"Batch: <SEG> (token {seg}) occurs {wrong} times; expected once in each sequence")
    return is_seg.to(torch.uint8).argmax(dim=1)
