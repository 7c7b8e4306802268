"""How good a model is on the validation shards: its losses, and how well it finds frames and pixels of anomalies.

The best weights are chosen by one of these values, never by a benchmark's test set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from lavida.losses import LOSSES, Weights
from lavida.objective import loss_counts
from lavida_bench.metrics._curves import auc
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import nn

    from lavida.batch import Batch, Output
    from lavida_bench.fitting.loader import Loader

HIGHER_IS_BETTER = ("frame_auc", "pixel_auc", "mask_iou")
"""Values of which higher ones are better; of losses lower ones are better."""
BINS, LIMIT = 4096, 16.0
"""Logits between -LIMIT and LIMIT are counted in this number of bins."""


def check_metric_name(by: str) -> None:
    """Check `fit.validation.by`.

    Args:
        by: Name of a value that `validate` returns.

    Raises:
        UserError: There is no such value.
    """
    known = ("loss", *LOSSES, *HIGHER_IS_BETTER)
    if by not in known:
        raise UserError(problem("fit.validation.by", unknown_name("value", by, known)))


class ValidationSums:
    """Sums over batches, one float64 CPU tensor each, so that processes can add theirs.

    Attributes:
        losses: (2, L, 2): sum and number of items, of each loss (`lavida.losses.LOSSES`), of each of its parts.
        frames: (2, BINS): frames without and with an anomaly, by their score's bin.
        pixels: (2, BINS): pixels without and with an anomaly, by their logit's bin.
        overlap: (2,): sum of IoUs of the masks, and how many frames it is over.
    """

    def __init__(self) -> None:
        self.losses = torch.zeros(2, len(LOSSES), 2, dtype=torch.float64)
        self.frames = torch.zeros(2, BINS, dtype=torch.float64)
        self.pixels = torch.zeros(2, BINS, dtype=torch.float64)
        self.overlap = torch.zeros(2, dtype=torch.float64)

    def add(self, batch: Batch, output: Output) -> None:
        """Add one batch.

        Args:
            batch: Batch with targets.
            output: The model's output for it in scoring mode.

        Raises:
            DataError: A number of the output is not finite.
        """
        if not all(bool(part.isfinite().all()) for part in (output.scores, output.masks, *output.parts.values())):
            keys = ", ".join(batch.keys)
            raise DataError(f"validation: the model's numbers are not finite; samples {keys}; lower fit.lr")
        for sums, name, items in zip(self.losses.unbind(1), LOSSES, loss_counts(batch), strict=True):
            if name in output.parts:
                sums += torch.stack((output.parts[name].cpu() * items, items))
        assert batch.masks is not None, "validation needs masks"
        target = batch.masks.bool()
        size = (target.shape[-2], target.shape[-1])
        logits = F.interpolate(output.masks.float(), size=size, mode="bilinear", align_corners=False)[:, 0]
        present = target.flatten(1).any(dim=1)
        both = ((logits > 0) & target).flatten(1).sum(1)[present]
        either = ((logits > 0) | target).flatten(1).sum(1)[present]
        self.overlap += torch.tensor([float((both / either).sum()), float(present.sum())])
        _count(self.frames, output.scores, present)
        _count(self.pixels, logits, target)

    def summed(self, accelerator: Accelerator) -> ValidationSums:
        """Return the sums over all processes. Every process has to call it."""
        whole = ValidationSums()
        for name, own in vars(self).items():
            setattr(whole, name, accelerator.reduce(own.to(accelerator.device), "sum").cpu())
        return whole

    def values(self, weights: Weights) -> dict[str, float]:
        """Compute the values of validation.

        Args:
            weights: Weights of the losses in `loss`.

        Returns:
            `loss`, the losses that were measured, and those of frame_auc, pixel_auc, mask_iou that are defined.
        """
        sums, sizes = self.losses
        means = (sums / sizes.clamp(min=1)).mean(dim=1).tolist()
        measured = {name: mean for name, mean, size in zip(LOSSES, means, sizes, strict=True) if size.any()}
        values = {"loss": sum(getattr(weights, name) * value for name, value in measured.items())} | measured
        for name, histogram in (("frame_auc", self.frames), ("pixel_auc", self.pixels)):
            if histogram.any(dim=1).all():
                values[name] = float(auc(histogram[1].numpy(), histogram[0].numpy()))
        if self.overlap[1] > 0:
            values["mask_iou"] = float(self.overlap[0] / self.overlap[1])
        return values


def _count(histogram: Tensor, logits: Tensor, positive: Tensor) -> None:
    """Add logits to a histogram (2, BINS): row 0 where `positive` is False, row 1 where it is True."""
    for row, chosen in enumerate((~positive, positive)):
        scaled = (logits[chosen].float().clamp(-LIMIT, LIMIT) + LIMIT) * ((BINS - 1) / (2 * LIMIT))
        histogram[row] += torch.bincount(scaled.round().long(), minlength=BINS).cpu()


@torch.no_grad()
def validate(
    model: nn.Module, loader: Loader, accelerator: Accelerator, weights: Weights, note: Callable[[str], None]
) -> dict[str, float]:
    """Measure a model on the validation shards of all datasets together. Every process has to call it.

    Args:
        model: The prepared model.
        loader: Has the validation batches.
        accelerator: Sums over the processes.
        weights: Weights of the losses.
        note: Takes a message for each damaged sample that was left out.

    Returns:
        `ValidationSums.values`, the same in every process.

    Raises:
        DataError: A number of the output is not finite.
    """
    sums = ValidationSums()
    training = model.training
    model.eval()
    try:
        for number, loaded in loader.validation():
            batch = loaded.batch.to(accelerator.device)
            output = model(batch)
            if number >= 0:
                sums.add(batch, output)
            if number >= 0 or loaded.stands_in:  # a repeated batch was reported before
                for message in loaded.damaged:
                    note(f"left out of validation: {message}")
    finally:
        model.train(training)
    return sums.summed(accelerator).values(weights)
