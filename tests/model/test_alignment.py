"""Loaded weights lie as torch's own do: MKL's products on AMD processors depend on it to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from lavida.alignment import ALIGNMENT, align
from lavida.modeling import Lavida


def test_a_loaded_model_lies_aligned(lively: Callable[..., Lavida], tmp_path: Path) -> None:
    lively().save_pretrained(tmp_path)
    loaded = Lavida.from_pretrained(tmp_path)
    tensors = dict(loaded.named_parameters()) | dict(loaded.named_buffers())
    assert [name for name, tensor in tensors.items() if tensor.data_ptr() % ALIGNMENT] == []


def test_align_keeps_values_and_identity() -> None:
    layer = torch.nn.Linear(3, 3)
    storage = torch.randn(10)
    layer.weight.data = storage[1:].view(3, 3)  # 4 bytes off
    weight, values = layer.weight, layer.weight.detach().clone()
    align(layer)
    assert layer.weight is weight
    assert torch.equal(weight, values)
    assert weight.data_ptr() % ALIGNMENT == 0
