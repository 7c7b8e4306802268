"""The learning rate of every optimiser step: warm-up, then linear, cosine or constant.

    print(describe_rates(recipe.fit, processes=1))

`fit.schedule_advance: processes` is how a schedule advances that accelerate has prepared: at each optimiser step as
often as there are processes. Over 16,000 steps of the schedule, 8,000 optimiser steps end near half the rate on one
process and at 0 on two; on four their rate is 0 from the middle on. `one` gives the same rates on any number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.optim.lr_scheduler import LambdaLR

if TYPE_CHECKING:
    from lavida_bench.config.recipe import FitSettings

Factor = Callable[[int], float]
"""Share of the full rate after a number of steps."""


def make_lr_schedule(optimiser: torch.optim.Optimizer, fit: FitSettings, processes: int) -> LambdaLR:
    """Create the learning rate schedule: linear warm-up from 0 in `fit.warmup` steps, then down to 0, or constant.

    Args:
        optimiser: Its groups' rates are the peak rates.
        fit: Settings; `fit.schedule` is linear, cosine or constant, over `fit.schedule_steps` (default `fit.steps`).
        processes: Number of processes that train; matters to `fit.schedule_advance: processes` alone.

    Returns:
        The schedule; it is stepped once after each optimiser step.
    """
    from transformers import get_scheduler

    name = "constant_with_warmup" if fit.schedule == "constant" else fit.schedule
    span = fit.schedule_steps or fit.steps
    schedule: LambdaLR = get_scheduler(name, optimiser, fit.warmup, span)
    if fit.schedule_advance == "processes":
        schedule.lr_lambdas = [partial(_advanced, factor, processes, span) for factor in schedule.lr_lambdas]
    return schedule


def _advanced(factor: Factor, processes: int, span: int, steps: int) -> float:
    """The factor where each optimiser step is as many of the schedule as there are processes; it stays at its end."""
    return factor(min(steps * processes, span))


def restore_schedule(schedule: LambdaLR, steps: int) -> None:
    """Set a schedule, and the learning rates of its optimiser, to what they are after a number of optimiser steps.

    Args:
        schedule: Its rates depend on the number of steps alone.
        steps: Steps done.
    """
    schedule.load_state_dict(schedule.state_dict() | {"last_epoch": steps, "_step_count": steps + 1})
    for group, peak, factor in zip(
        schedule.optimizer.param_groups, schedule.base_lrs, schedule.lr_lambdas, strict=True
    ):
        group["lr"] = peak * factor(steps)


def learning_rates(fit: FitSettings, processes: int) -> list[float]:
    """Compute the rate of each optimiser step, of groups without a rate of their own.

    Args:
        fit: Settings.
        processes: Number of processes that train.
    """
    factor = make_lr_schedule(torch.optim.SGD([torch.zeros(1)], fit.lr), fit, processes).lr_lambdas[0]
    return [fit.lr * factor(done) for done in range(fit.steps)]


def describe_rates(fit: FitSettings, processes: int) -> str:
    """Describe the learning rate's course: first, highest and last rate, and since when it is 0, if it is.

    Args:
        fit: Settings.
        processes: Number of processes that train.
    """
    rates = learning_rates(fit, processes)
    highest = max(rates)
    steps = {1: rates[0], rates.index(highest) + 1: highest, fit.steps: rates[-1]}
    course = ", ".join(f"{rate:.3g} at step {step:,}" for step, rate in steps.items())
    useful = max((step for step, rate in enumerate(rates, 1) if rate > 0), default=0)
    idle = f"; 0 from step {useful + 1:,} on: these steps change nothing" if useful < fit.steps else ""
    return f"learning rate ({processes} process{'es' if processes > 1 else ''}): {course}{idle}"
