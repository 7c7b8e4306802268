"""Weights that FSDP or DeepSpeed cut over the processes: what they ask of a model, and how to get them back whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lavida_gen.common.errors import UserError

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor

    from lavida_bench.config.recipe import FitSettings


def is_sharded(accelerator: Accelerator) -> bool:
    """Whether weights are cut over processes, so that their library must store them."""
    return _kind(accelerator) in ("FSDP", "DEEPSPEED", "MEGATRON_LM")


def _kind(accelerator: Accelerator) -> str:
    return str(accelerator.distributed_type).rpartition(".")[2]


class Sharding:
    """Nothing where there is neither. Made before `accelerator.prepare`.

    Raises UserError for what cannot be fitted in shards.
    """

    def __init__(self, accelerator: Accelerator, model: nn.Module, fit: FitSettings) -> None:
        self.accelerator, self._kind = accelerator, _kind(accelerator)
        if self._kind == "FSDP" and not accelerator.is_fsdp2:
            raise UserError("FSDP of version 1 is not supported; start with `accelerate launch --fsdp_version 2`")
        if is_sharded(accelerator) and fit.ema:
            raise UserError(
                f"fit.ema: averaged weights are not kept where {self._kind} cuts the weights; leave it out, or use DDP"
            )
        self._scalars = frozenset(_widened(model)) if is_sharded(accelerator) else frozenset()
        if self._kind == "DEEPSPEED":
            _settle(accelerator.state.deepspeed_plugin.deepspeed_config, fit)

    def fill(self, optimiser: Any) -> None:
        """Gradients of zero for weights that a step left out: without a state of each, no checkpoint could be read.

        With `weight_decay` such a weight (SAM2's `no_mask_embed` beside prompt maps) then decays, unused as it is.
        """
        if self._kind != "FSDP":
            return
        for group in optimiser.param_groups:
            for one in group["params"]:
                if one.grad is None:
                    one.grad = torch.zeros_like(one)

    def whole(self, model: nn.Module) -> dict[str, Tensor]:
        """All weights by name, in the shapes that the model was made with. Every process calls it."""
        found: dict[str, Tensor] = self.accelerator.get_state_dict(model)
        return {name: one.reshape(()) if name in self._scalars else one for name, one in found.items()}


def _settle(config: dict[str, Any], fit: FitSettings) -> None:
    """DeepSpeed accumulates and clips by its own configuration: it says what the recipe says."""
    config["train_micro_batch_size_per_gpu"] = fit.batch
    config["gradient_accumulation_steps"] = fit.accumulation
    config["gradient_clipping"] = fit.clip or 0.0


def _widened(model: nn.Module) -> Iterator[str]:
    """Scalars become (1,), which can be cut (FSDP) and sent as bytes (DeepSpeed); their names."""
    for name, one in list(model.named_parameters()):
        if one.dim() == 0:
            owner, _, last = name.rpartition(".")
            wide = nn.Parameter(one.detach().reshape(1), requires_grad=one.requires_grad)
            setattr(model.get_submodule(owner), last, wide)
            yield name
