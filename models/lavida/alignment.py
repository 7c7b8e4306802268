"""Weights in aligned memory, so that a loaded model gives the bits of the one that was saved.

MKL's float32 products on AMD processors depend on how their operands lie in memory: torch allocates at multiples of 64
bytes, safetensors maps a tensor wherever it lies in its file. Intel's are the same either way.
"""

from __future__ import annotations

import torch
from torch import nn

ALIGNMENT = 64
"""Bytes; what torch's own CPU allocator gives (c10/core/alignment.h)."""


@torch.no_grad()
def align(module: nn.Module) -> None:
    """Copy parameters and buffers that lie unaligned in CPU memory into memory that torch allocates, in place.

    Args:
        module: Its tensors keep identity (ties, optimisers) and values; only their storage changes.
    """
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.device.type == "cpu" and tensor.data_ptr() % ALIGNMENT:
            tensor.data = tensor.data.clone()
