"""Losses of a step that is made in forwards: over micro-batches and processes, as if it were one batch.

Each loss is a mean over its own things: frames for the masks, tokens for the text, anomalies and other names apart. A
forward counts by how many of them it has in the whole step, so that two processes give the loss and the gradient of one
with the doubled batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lavida.losses import LOSSES, Weights
from lavida.objective import loss_counts

if TYPE_CHECKING:
    from accelerate import Accelerator

    from lavida.batch import Batch


class LossNormaliser:
    """What each forward of this process counts in the whole step; its shares over all processes sum up to 1."""

    def __init__(self, batches: Sequence[Batch], accelerator: Accelerator) -> None:
        own = torch.stack([loss_counts(batch) for batch in batches]).to(accelerator.device, torch.float32)
        self._shares = own / accelerator.reduce(own.sum(dim=0), "sum").clamp(min=1)

    def of(self, micro: int, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What one forward adds to each loss of the step, scalars with gradient, from its `Output.parts`."""
        return {name: (self._shares[micro, LOSSES.index(name)] * part).mean() for name, part in parts.items()}


def weighted_sum(losses: Mapping[str, Tensor], weights: Weights) -> Tensor:
    """The weighted sum, scalar. A loss of weight 0 stays in: processes wait for the gradient of all that trains."""
    return torch.stack([getattr(weights, name) * value for name, value in losses.items()]).sum()
