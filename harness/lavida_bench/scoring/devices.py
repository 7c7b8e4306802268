"""Where a model runs, and in which numbers."""

from __future__ import annotations

import torch

from lavida_bench.scoring.scorer import Precision
from lavida_gen.common.errors import UserError, problem

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_precision(precision: Precision, device: torch.device) -> str:
    """The precision to load in: a key of `DTYPES`.

    Args:
        precision: auto = bf16 on a GPU, else fp32.
        device: Where the model runs.
    """
    if precision == "auto":
        return "bf16" if device.type == "cuda" else "fp32"
    return precision


def place(module: torch.nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Move a model to a device and cast it; the frequencies of rotary positions stay float32.

    bfloat16 has 8 bits: angles of late positions would be off by whole radians. transformers keeps them in float32 when
    it loads a model in bfloat16, but `module.to` does not.

    Args:
        module: The model; changed in place.
        device: Where it goes.
        dtype: Of its weights.
    """
    kept = [
        (part, name, buffer)
        for part in module.modules()
        for name, buffer in part.named_buffers(recurse=False)
        if name.endswith("inv_freq")
    ]
    module.to(device, dtype)
    for part, name, buffer in kept:
        setattr(part, name, buffer.to(device, torch.float32))


def find_device(device: str | None) -> torch.device:
    """The device of a name.

    Args:
        device: torch's name; None = this process' GPU if there is one.

    Raises:
        UserError: There is no such device.
    """
    if device is not None:
        try:
            return torch.empty(0, device=device).device
        except (RuntimeError, AssertionError) as error:
            why, wanted = str(error).split("\n")[0], "cpu, cuda, cuda:1 or what else torch finds here"
            raise UserError(problem(f"--device {device}", f"cannot be used ({why})", wanted)) from error
    from accelerate import PartialState

    found: torch.device = PartialState().device
    return found
