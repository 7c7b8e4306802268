"""What the processes of a step agree on before weights are touched: losses, stopping, whether numbers are finite."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from lavida_gen.common.errors import DataError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from lavida_bench.fitting.loader import LoadedBatch


@dataclass(frozen=True, slots=True)
class LocalStep:
    """A process' part of a step: its losses by name, the loss of each forward, the norm of the whole gradient."""

    losses: dict[str, float]
    micros: list[float]
    norm: float


@dataclass(frozen=True, slots=True)
class ReducedStep:
    """Of a step over all processes: losses by name, samples that were left out, whether anyone was asked to stop."""

    losses: dict[str, float]
    damaged: int
    stop: bool


def reduce_step(
    accelerator: Accelerator,
    step: int,
    group: Sequence[LoadedBatch],
    made: LocalStep,
    asked: bool,
    offending: Callable[[LoadedBatch], list[str]],
) -> ReducedStep:
    """What each process knows, put together.

    Raises DataError in every process if a number is not finite in any, naming the samples. `offending` picks them out
    of a forward; nothing waits for the other processes in it.
    """
    names = list(made.losses)
    bad_loss = not all(math.isfinite(value) for value in made.losses.values())
    bad_norm = not math.isfinite(made.norm) and accelerator.mixed_precision != "fp16"  # its scaler skips such a step
    damaged = sum(len(loaded.damaged) for loaded in group)
    own = [*(made.losses[name] for name in names), float(damaged), float(asked), float(bad_loss), float(bad_norm)]
    said = torch.tensor(own, dtype=torch.float64, device=accelerator.device)
    *losses, left_out, stop, any_loss, any_norm = accelerator.reduce(said, "sum").tolist()
    if any_loss or any_norm:
        raise DataError(_bad_numbers(accelerator, step, group, made, any_loss > 0, offending))
    return ReducedStep(dict(zip(names, losses, strict=True)), int(left_out), stop > 0)


def _bad_numbers(
    accelerator: Accelerator,
    step: int,
    group: Sequence[LoadedBatch],
    made: LocalStep,
    loss: bool,
    offending: Callable[[LoadedBatch], list[str]],
) -> str:
    """The samples that make a forward's loss not finite; those of all forwards if only the gradient is not."""
    chosen = [one for one, value in zip(group, made.micros, strict=True) if not loss or not math.isfinite(value)]
    keys = [key for loaded in chosen for key in (offending(loaded) if loss else loaded.batch.keys)]
    told = [", ".join(f"{name} {value:.4g}" for name, value in made.losses.items())] if chosen else []
    if accelerator.num_processes > 1:
        from accelerate.utils import gather_object

        keys, told = gather_object(keys), gather_object(told)
    what = "the loss" if loss else f"the gradient's norm ({made.norm})"
    return (
        f"step {step}: {what} is not finite ({'; '.join(told)}); samples {', '.join(keys)}; look at them with "
        "`lavida-gen show`, lower fit.lr, or set fit.precision=no. The last checkpoint is kept"
    )
