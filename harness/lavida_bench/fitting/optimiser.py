"""AdamW with a learning rate for each group of parameters, and averaged weights (EMA)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lavida_gen.common.errors import UserError, problem, unknown_name

if TYPE_CHECKING:
    from lavida_bench.config.recipe import FitSettings


def make_optimiser(model: nn.Module, fit: FitSettings) -> torch.optim.AdamW:
    """Create AdamW for all parameters that train.

    Args:
        model: Model with `requires_grad` set.
        fit: Settings; `fit.lr_of` gives learning rates by group (`lavida.groups`), `fit.lr` that of all other groups;
            vectors (biases, norms) have no weight decay unless `fit.decay_vectors`.

    Raises:
        UserError: `fit.lr_of` names an unknown group or one that does not train, or nothing trains.
    """
    from lavida.groups import GROUPS
    from lavida.parts.trainable import group_of

    for group in fit.lr_of:
        if group not in GROUPS:
            raise UserError(problem("fit.lr_of", unknown_name("group", group, GROUPS)))
    members: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in trainable_parameters(model).items():
        decays = parameter.ndim >= 2 or fit.decay_vectors
        members.setdefault((group_of(name), decays), []).append(parameter)
    if not members:
        raise UserError("model.config.trainable: everything is frozen; expected at least one group to train")
    idle = fit.lr_of.keys() - {group for group, _ in members}
    if idle:
        tied = min(idle) in map(group_of, tied_names(model))
        why = "its weight is that of the embeddings: set fit.lr_of.embeddings" if tied else "see model.config.trainable"
        raise UserError(f"fit.lr_of.{min(idle)}: no parameter of this group trains; {why}")
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


class WeightAverage:
    """Exponential moving average of the weights that train: average = decay * average + (1 - decay) * weight.

    Args:
        model: Its present weights are the first average.
        decay: In (0, 1), e.g. 0.999.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = _copies(model)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Add the model's weights to the average, after an optimiser step."""
        current = [parameter.detach() for parameter in trainable_parameters(model).values()]
        torch._foreach_lerp_(list(self.weights.values()), current, 1 - self.decay)

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """Let the model have the averaged weights inside the context, and its own again after it."""
        own = _copies(model)
        copy_weights(model, self.weights)
        try:
            yield
        finally:
            copy_weights(model, own)


def trainable_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters with `requires_grad`, by name.

    Args:
        model: The model.
    """
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def tied_names(model: nn.Module) -> set[str]:
    """Return the other names of parameters that have several, as a language head with the weight of the embeddings has.

    Args:
        model: The model; `trainable_parameters` has each parameter once, by its first name.
    """
    return {name for name, _ in model.named_parameters(remove_duplicate=False)} - {
        name for name, _ in model.named_parameters()
    }


def _copies(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in trainable_parameters(model).items()}


@torch.no_grad()
def copy_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy values into the model's parameters; their memory stays where it is.

    Args:
        model: Model with parameters of all these names.
        weights: Values by parameter name, in the parameters' shapes.
    """
    parameters = dict(model.named_parameters())
    for name, value in weights.items():
        parameters[name].copy_(value)
