"""AdamW with a rate for each group of parameters, the schedule of the rates, and averaged weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lavida_gen.common.errors import UserError, problem, unknown_name

if TYPE_CHECKING:
    from lavida_bench.config.recipe import FitSettings


def make_optimiser(model: nn.Module, fit: FitSettings) -> torch.optim.AdamW:
    """AdamW on all that trains; vectors (biases, norms) do not decay. Raises UserError for a rate of no use."""
    from lavida.groups import GROUPS
    from lavida.parts.trainable import group_of

    for group in fit.lr_of:
        if group not in GROUPS:
            raise UserError(problem("fit.lr_of", unknown_name("group", group, GROUPS)))
    members: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            members.setdefault((group_of(name), parameter.ndim >= 2), []).append(parameter)
    if not members:
        raise UserError("model.config.trainable: everything is frozen; expected at least one group to train")
    idle = fit.lr_of.keys() - {group for group, _ in members}
    if idle:
        raise UserError(f"fit.lr_of.{min(idle)}: nothing of this group trains; see model.config.trainable")
    groups = [
        {
            "params": parameters,
            "lr": fit.lr_of.get(group, fit.lr),
            "weight_decay": fit.weight_decay if decays else 0.0,
            "name": group,
        }
        for (group, decays), parameters in members.items()
    ]
    return torch.optim.AdamW(groups, lr=fit.lr, betas=fit.betas)


def make_lr_schedule(optimiser: torch.optim.Optimizer, fit: FitSettings) -> torch.optim.lr_scheduler.LRScheduler:
    """The rates over the steps: up from 0 in `warmup` steps, then down to 0, or constant."""
    from transformers import get_scheduler

    name = "constant_with_warmup" if fit.schedule == "constant" else fit.schedule
    made: torch.optim.lr_scheduler.LRScheduler = get_scheduler(name, optimiser, fit.warmup, fit.steps)
    return made


class WeightAverage:
    """Exponential moving average of the weights that train: average = decay * average + (1 - decay) * weight."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: one.detach().clone() for name, one in trainable_parameters(model).items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after a step."""
        now = [one.detach() for one in trainable_parameters(model).values()]
        torch._foreach_lerp_(list(self.weights.values()), now, 1 - self.decay)

    @contextmanager
    def inside(self, model: nn.Module) -> Iterator[None]:
        """The model has the averaged weights for a while."""
        own = {name: one.detach().clone() for name, one in trainable_parameters(model).items()}
        copy_weights(model, self.weights)
        try:
            yield
        finally:
            copy_weights(model, own)

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return dict(self.weights)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """From a checkpoint."""
        for name, value in self.weights.items():
            value.copy_(state[name])


def trainable_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that train, by name."""
    return {name: one for name, one in model.named_parameters() if one.requires_grad}


@torch.no_grad()
def copy_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights into the parameters of these names."""
    parameters = dict(model.named_parameters())
    for name, value in weights.items():
        parameters[name].copy_(value)
