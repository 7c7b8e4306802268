"""The accelerator of a fit: one process or several, as `accelerate launch` or `torchrun` started them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lavida.parts.compiled import compile_stages
from lavida_bench.common.distributed import PATIENCE
from lavida_bench.config.recipe import half_frozen_problem
from lavida_bench.fitting.sharded import is_sharded
from lavida_gen.common.errors import UserError, problem

if TYPE_CHECKING:
    from accelerate import Accelerator

    from lavida_bench.config.recipe import FitSettings


def make_accelerator(fit: FitSettings) -> Accelerator:
    """Create the accelerator of a fit.

    Args:
        fit: Its precision and accumulation; where it has no precision, accelerate's configuration has.

    Raises:
        UserError: `fit.half_frozen` with a precision of accelerate's that is not bf16.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state()  # an earlier fit of this process may have had another precision or accumulation
    GradientState._reset_state()
    ddp = DistributedDataParallelKwargs(find_unused_parameters=fit.unused_parameters)
    process_group = InitProcessGroupKwargs(timeout=PATIENCE)  # one process checks all shards while the others wait
    accelerator = Accelerator(
        cpu=not torch.accelerator.is_available(),  # or torchrun's processes would not find each other without a GPU
        mixed_precision=fit.precision,
        gradient_accumulation_steps=fit.accumulation,
        kwargs_handlers=[ddp, process_group],
    )
    accelerator.gradient_accumulation_steps = fit.accumulation  # not ACCELERATE_GRADIENT_ACCUMULATION_STEPS
    if fit.half_frozen and accelerator.mixed_precision != "bf16":
        raise UserError(f"fit: {half_frozen_problem(accelerator.mixed_precision)} (the precision is accelerate's)")
    return accelerator


def compile_model(accelerator: Accelerator, model: torch.nn.Module) -> None:
    """Compile a model's heavy stages on a GPU; on the CPU nothing is done.

    Args:
        accelerator: Knows the device and how weights are shared.
        model: The model.

    Raises:
        UserError: Weights are sharded: that hooks every layer, which no graph without breaks can hold.
    """
    if is_sharded(accelerator):
        raise UserError(problem("fit.compile", "true with FSDP or DeepSpeed", "false, or processes with whole models"))
    if accelerator.device.type != "cpu":
        compile_stages(model)
