"""Numbers that the processes of a step sum up: counts that normalise the losses, the losses, stop requests.

Each loss is a mean over its own items: frames for the masks, tokens for the text, anomalies and other names separately.
A micro-batch is weighted by its share of these items in the whole step, so that several micro-batches and processes
give the loss and the gradient of one large batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lavida.losses import LOSSES, Weights
from lavida.objective import loss_counts
from lavida_gen.common.errors import DataError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from lavida.batch import Batch
    from lavida_bench.fitting.loader import LoadedBatch


class LossNormaliser:
    """Weights the losses of each micro-batch by its share of the step's items.

    Args:
        batches: This process' micro-batches of one step.
        accelerator: Sums the counts over all processes, so every process has to create one.
    """

    def __init__(self, batches: Sequence[Batch], accelerator: Accelerator) -> None:
        own = torch.stack([loss_counts(batch) for batch in batches]).to(accelerator.device, torch.float32)
        self._shares = own / accelerator.reduce(own.sum(dim=0), "sum").clamp(min=1)

    def normalise(self, micro_batch: int, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute what one micro-batch adds to each loss of the step.

        Args:
            micro_batch: Its number within the step.
            parts: `Output.parts` of the model, () or (2,) each.

        Returns:
            Scalars with gradient, by the name of the loss.
        """
        return {name: (self._shares[micro_batch, LOSSES.index(name)] * part).mean() for name, part in parts.items()}


def weighted_sum(losses: Mapping[str, Tensor], weights: Weights) -> Tensor:
    """Add up losses by their weights.

    A loss of weight 0 stays in the graph: DDP waits for the gradient of every parameter that trains.

    Args:
        losses: Scalars by name.
        weights: Weight of each loss.

    Returns:
        Scalar.
    """
    return torch.stack([getattr(weights, name) * value for name, value in losses.items()]).sum()


@dataclass(frozen=True, slots=True)
class LocalStep:
    """What one process computed in a step.

    Attributes:
        losses: This process' part of each loss, by name, and of their weighted sum, `loss`.
        micro_losses: Weighted loss of each micro-batch.
        norm: Norm of the gradient, summed over all processes.
    """

    losses: dict[str, float]
    micro_losses: list[float]
    norm: float


@dataclass(frozen=True, slots=True)
class ReducedStep:
    """A step over all processes.

    Attributes:
        losses: Losses by name.
        damaged: Damaged samples that were left out.
        stop: Whether any process was asked to stop.
    """

    losses: dict[str, float]
    damaged: int
    stop: bool


def reduce_step(
    accelerator: Accelerator,
    step: int,
    group: Sequence[LoadedBatch],
    local: LocalStep,
    stop_requested: bool,
    offending: Callable[[LoadedBatch], list[str]],
) -> ReducedStep:
    """Sum a step's numbers over all processes, before the weights change.

    Args:
        accelerator: Every process calls this function with its own.
        step: Number of the step, for messages.
        group: This process' micro-batches.
        local: What this process computed.
        stop_requested: Whether this process was asked to stop.
        offending: Returns the keys of the samples that make a micro-batch's loss non-finite; it must not wait for other
            processes.

    Raises:
        DataError: A number is not finite in any process. It is raised in all of them and names the samples.
    """
    names = list(local.losses)
    bad_loss = not all(math.isfinite(value) for value in local.losses.values())
    bad_norm = not math.isfinite(local.norm) and accelerator.mixed_precision != "fp16"  # its scaler skips such a step
    damaged = sum(len(loaded.damaged) for loaded in group)
    flags = (float(damaged), float(stop_requested), float(bad_loss), float(bad_norm))
    own = torch.tensor([*local.losses.values(), *flags], dtype=torch.float64, device=accelerator.device)
    *losses, left_out, stop, any_loss, any_norm = accelerator.reduce(own, "sum").tolist()
    if any_loss or any_norm:
        raise DataError(_non_finite_message(accelerator, step, group, local, any_loss > 0, offending))
    return ReducedStep(dict(zip(names, losses, strict=True)), int(left_out), stop > 0)


def _non_finite_message(
    accelerator: Accelerator,
    step: int,
    group: Sequence[LoadedBatch],
    local: LocalStep,
    loss_is_bad: bool,
    offending: Callable[[LoadedBatch], list[str]],
) -> str:
    """Name the samples of the micro-batches whose loss is not finite, or of all if only the gradient is not."""
    if loss_is_bad:
        pairs = zip(group, local.micro_losses, strict=True)
        chosen = [loaded for loaded, value in pairs if not math.isfinite(value)]
        keys = [key for loaded in chosen for key in offending(loaded)]
    else:
        chosen = list(group)
        keys = [key for loaded in chosen for key in loaded.batch.keys]
    values = [", ".join(f"{name} {value:.4g}" for name, value in local.losses.items())] if chosen else []
    if accelerator.num_processes > 1:
        from accelerate.utils import gather_object

        keys, values = gather_object(keys), gather_object(values)
    what = "the loss" if loss_is_bad else f"the gradient's norm ({local.norm})"
    return (
        f"step {step}: {what} is not finite ({'; '.join(values)}); samples {', '.join(keys)}; look at them with "
        "`lavida-gen show`, lower fit.lr, or set fit.precision=no. The last checkpoint is kept"
    )
