"""What a model is worth on the validation shards: its losses, and whether it finds frames and pixels of anomalies.

Best weights are chosen by one of these values, never by a benchmark's test set.
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
"""Values that are better when they are higher; the losses are better when they are lower."""
BINS, LIMIT = 4096, 16.0
"""Logits between -LIMIT and LIMIT are counted in so many bins."""


def check_metric_name(by: str) -> None:
    """Raises UserError if nothing of this name is measured."""
    known = ("loss", *LOSSES, *HIGHER_IS_BETTER)
    if by not in known:
        raise UserError(problem("fit.validation.by", unknown_name("value", by, known)))


class ValidationSums:
    """Sums over batches, one tensor each, so that processes can add theirs: float64 on the CPU.

    losses (2, L, 2) sum and how many of each loss's parts; frames and pixels (2, BINS) without and with anomaly;
    overlap (2,) sum and frames.
    """

    def __init__(self) -> None:
        self.losses = torch.zeros(2, len(LOSSES), 2, dtype=torch.float64)
        self.frames = torch.zeros(2, BINS, dtype=torch.float64)
        self.pixels = torch.zeros(2, BINS, dtype=torch.float64)
        self.overlap = torch.zeros(2, dtype=torch.float64)

    def add(self, batch: Batch, output: Output) -> None:
        """One batch with targets, its output in scoring mode. Raises DataError for numbers that are not finite."""
        if not all(bool(one.isfinite().all()) for one in (output.scores, output.masks, *output.parts.values())):
            keys = ", ".join(batch.keys)
            raise DataError(f"validation: the model's numbers are not finite; samples {keys}; lower fit.lr")
        for tally, name, many in zip(self.losses.unbind(1), LOSSES, loss_counts(batch), strict=True):
            if name in output.parts:
                tally += torch.stack((output.parts[name].cpu() * many, many))
        assert batch.masks is not None, "validation needs masks"
        target = batch.masks.bool()
        side = (target.shape[-2], target.shape[-1])
        logits = F.interpolate(output.masks.float(), size=side, mode="bilinear", align_corners=False)[:, 0]
        present = target.flatten(1).any(dim=1)
        both = ((logits > 0) & target).flatten(1).sum(1)[present]
        either = ((logits > 0) | target).flatten(1).sum(1)[present]
        self.overlap += torch.tensor([float((both / either).sum()), float(present.sum())])
        for histogram, values, chosen in ((self.frames, output.scores, present), (self.pixels, logits, target)):
            for row, which in enumerate((~chosen, chosen)):
                histogram[row] += torch.bincount(_bins(values[which]), minlength=BINS).cpu()

    def summed(self, accelerator: Accelerator) -> ValidationSums:
        """Over all processes."""
        whole = ValidationSums()
        for name, own in vars(self).items():
            setattr(whole, name, accelerator.reduce(own.to(accelerator.device), "sum").cpu())
        return whole

    def values(self, weights: Weights) -> dict[str, float]:
        """loss, the losses that were measured, and what of frame_auc, pixel_auc, mask_iou is defined."""
        sums, sizes = self.losses
        means = (sums / sizes.clamp(min=1)).mean(dim=1).tolist()
        measured = {name: mean for name, mean, size in zip(LOSSES, means, sizes, strict=True) if size.any()}
        found = {"loss": sum(getattr(weights, name) * value for name, value in measured.items())} | measured
        for name, histogram in (("frame_auc", self.frames), ("pixel_auc", self.pixels)):
            if histogram.any(dim=1).all():
                found[name] = float(auc(histogram[1].numpy(), histogram[0].numpy()))
        if self.overlap[1] > 0:
            found["mask_iou"] = float(self.overlap[0] / self.overlap[1])
        return found


def _bins(logits: Tensor) -> Tensor:
    return ((logits.float().clamp(-LIMIT, LIMIT) + LIMIT) * ((BINS - 1) / (2 * LIMIT))).round().long()


@torch.no_grad()
def validate(
    model: nn.Module, loader: Loader, accelerator: Accelerator, weights: Weights, note: Callable[[str], None]
) -> dict[str, float]:
    """Values over the validation shards of all pools together. Every process calls it and gets the same.

    `note` is told what was damaged and left out. Raises DataError for numbers that are not finite.
    """
    tally = ValidationSums()
    training = model.training
    model.eval()
    try:
        for number, loaded in loader.validation():
            batch = loaded.batch.to(accelerator.device)
            output = model(batch)
            if number >= 0:
                tally.add(batch, output)
            if number >= 0 or loaded.stands_in:  # what only fills up is told elsewhere
                for words in loaded.damaged:
                    note(f"left out of validation: {words}")
    finally:
        model.train(training)
    return tally.summed(accelerator).values(weights)
