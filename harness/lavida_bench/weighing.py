"""Losses of a step that is made in parts: over micro-batches and processes, as if it were one batch.

Each loss is a mean over its own things: frames for the masks, tokens for the text. A part counts by how many of them
it has, so that two processes give the loss and the gradient of one with the doubled batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from accelerate import Accelerator

    from lavida.batch import Batch
    from lavida.losses import Weights

TEXT, FRAMES = 0, 1


def counts(batch: Batch) -> list[float]:
    """How many things a batch has: tokens of the answers, frames."""
    tokens = 0 if batch.labels is None else int((batch.labels[:, 1:] != -100).sum())
    return [float(tokens), float(sum(batch.counts))]


class Shares:
    """What each micro-batch of this process counts in the whole step; its parts over all processes sum up to 1."""

    def __init__(self, batches: Sequence[Batch], accelerator: Accelerator) -> None:
        own = torch.tensor([counts(batch) for batch in batches], device=accelerator.device)
        whole = accelerator.reduce(own.sum(dim=0), "sum").clamp(min=1)
        self._shares = (own / whole).tolist()

    def of(self, micro: int, loss: str) -> float:
        """Of one loss of one micro-batch, 0..1."""
        return float(self._shares[micro][TEXT if loss == "text" else FRAMES])


def total(losses: Mapping[str, Tensor], weights: Weights, shares: Shares, micro: int) -> Tensor:
    """A micro-batch's part of the step's weighted loss, scalar with gradient."""
    parts = [getattr(weights, name) * shares.of(micro, name) * value for name, value in losses.items()]
    return torch.stack(parts).sum()
