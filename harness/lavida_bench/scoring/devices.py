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
