"""Sequences after compression: dropped visual tokens leave ids, mask, types, labels and positions; padding stays left.

Letters: B samples, S tokens of the longest sequence before, R after, G merged cells of the whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lavida.batch import Batch
from lavida.errors import LavidaError


@dataclass(frozen=True, slots=True)
class Sequences:
    """ids, mask, visual (is a visual token), labels: (B, R); positions (3, B, R) rotary."""

    ids: Tensor
    mask: Tensor
    visual: Tensor
    positions: Tensor
    labels: Tensor | None


def visual_token_counts(batch: Batch, merge: int) -> tuple[int, ...]:
    """Merged cells of each sample by its grid; its sequence must have as many placeholders."""
    by_grid = (batch.grids.prod(dim=1) // merge**2).tolist()
    by_text = (batch.token_types > 0).sum(dim=1).tolist()
    for number, (want, got) in enumerate(zip(by_grid, by_text, strict=True)):
        if want != got:
            key = repr(batch.keys[number]) if batch.keys else f"number {number}"
            raise LavidaError(f"Batch: sample {key} has {got} visual tokens for {want} cells by its grid")
    return tuple(by_grid)


def drop_tokens(batch: Batch, positions: Tensor, kept_G: Tensor) -> Sequences:
    """Leave out the cells that are not `kept_G`; with all of them kept nothing changes, to the bit."""
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


def seg_positions(sequences: Sequences, seg: int, keys: tuple[str, ...] = ()) -> Tensor:
    """Where <SEG> stands in each sequence, (B,) int64; it must stand there once."""
    there = (sequences.ids == seg) & sequences.mask.bool()
    counts = there.sum(dim=1)
    if bool((counts != 1).any()):
        names = [f"{key!r} " for key in keys] or [""] * len(counts)
        wrong = ", ".join(f"{name}{count}" for name, count in zip(names, counts.tolist(), strict=True) if count != 1)
        raise LavidaError(f"Batch: <SEG> (token {seg}) occurs {wrong} times; expected once in each sequence")
    return there.to(torch.uint8).argmax(dim=1)
