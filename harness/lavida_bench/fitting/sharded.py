"""Weights that FSDP or DeepSpeed (ZeRO) shard over processes: preparing the model, and its full state dict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import nn

from lavida_gen.common.errors import UserError

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor

    from lavida_bench.config.recipe import FitSettings


def is_sharded(accelerator: Accelerator) -> bool:
    """Return whether weights are sharded over processes, so that their library must save and load them.

    Args:
        accelerator: Knows which library is used.
    """
    return library_name(accelerator) in ("FSDP", "DEEPSPEED", "MEGATRON_LM")


def library_name(accelerator: Accelerator) -> str:
    """Return what runs the processes, in accelerate's words: NO, MULTI_CPU, MULTI_GPU, FSDP, DEEPSPEED.

    Args:
        accelerator: Knows it.
    """
    return str(accelerator.distributed_type).rpartition(".")[2]


def local_part(tensor: Tensor) -> Tensor:
    """Return what this process holds of a tensor: its shard with FSDP, else the tensor itself; it shares the memory.

    Args:
        tensor: A parameter, or the optimiser's state of one.
    """
    from torch.distributed.tensor import DTensor

    value = tensor.detach()
    return value.to_local() if isinstance(value, DTensor) else value


class Sharding:
    """Prepares a model for FSDP or DeepSpeed; does nothing where neither is used. Create it before `prepare`.

    Args:
        accelerator: Knows which library shards.
        model: Its scalar parameters become (1,) where weights are sharded.
        fit: DeepSpeed's configuration takes batch size, accumulation and clipping from it.

    Raises:
        UserError: FSDP 1, DeepSpeed's universal checkpoints, or `fit.ema` with sharded weights.
    """

    def __init__(self, accelerator: Accelerator, model: nn.Module, fit: FitSettings) -> None:
        self.accelerator, self._library = accelerator, library_name(accelerator)
        if self._library == "FSDP" and not accelerator.is_fsdp2:
            raise UserError("FSDP of version 1 is not supported; start with `accelerate launch --fsdp_version 2`")
        if is_sharded(accelerator) and fit.ema:
            raise UserError(
                f"fit.ema: averaged weights are not supported where {self._library} shards the weights; leave it out, "
                "or use DDP"
            )
        self._scalars = frozenset(_widen_scalars(model)) if is_sharded(accelerator) else frozenset()
        if self._library == "DEEPSPEED":
            _configure_deepspeed(accelerator.state.deepspeed_plugin.deepspeed_config, fit)

    def full_state_dict(self, model: nn.Module) -> dict[str, Tensor]:
        """Gather all weights by name, in the model's original shapes. Every process has to call it.

        Args:
            model: The prepared model.
        """
        state: dict[str, Tensor] = self.accelerator.get_state_dict(model)
        return {name: value.reshape(()) if name in self._scalars else value for name, value in state.items()}


def _configure_deepspeed(config: dict[str, object], fit: FitSettings) -> None:
    """DeepSpeed accumulates and clips by its own configuration: give it the recipe's values."""
    checkpoint = config.get("checkpoint")
    if isinstance(checkpoint, dict) and checkpoint.get("load_universal"):
        raise UserError(
            "DeepSpeed's checkpoint.load_universal is not supported: such checkpoints are pickles; leave it out"
        )
    config["train_micro_batch_size_per_gpu"] = fit.batch
    config["gradient_accumulation_steps"] = fit.accumulation
    config["gradient_clipping"] = fit.clip or 0.0


def _widen_scalars(model: nn.Module) -> Iterator[str]:
    """Reshape scalar parameters to (1,), which FSDP can shard and DeepSpeed can send; yield their names."""
    for name, parameter in list(model.named_parameters()):
        if parameter.dim() == 0:
            owner, _, last = name.rpartition(".")
            wide = nn.Parameter(parameter.detach().reshape(1), requires_grad=parameter.requires_grad)
            setattr(model.get_submodule(owner), last, wide)
            yield name
